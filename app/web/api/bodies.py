"""What a client may send, and what the OpenAPI page says of what it gets.

The fields of a run are those that app/runs/request.py declares, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import ConfigDict, Field, create_model, model_validator

from app.model.errors import BadRequest
from app.model.spec import Sampling
from app.runs.catalogue import encodable
from app.runs.notes import LATEST_US, LONGEST_NOTE
from app.runs.request import ASKED, DECLARED, LONGEST_TAG, MOST_TAGS, Declared, RunRequest
from app.web.api.shape import Shape

Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]

_TYPES = get_type_hints(RunRequest)


def _field(declared: Declared, default: Any) -> Any:
    least, most = declared.lengths or (None, None)
    return Field(default=default, description=declared.help, min_length=least, max_length=most)


class Strict(Shape):
    """What a client sends: no other fields, no type taken for another, no text that cannot be encoded."""

    # Made at once: made later, pydantic would warn of what FastAPI tells it of a body.
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_cannot_be_encoded(cls, sent: Any) -> Any:
        place = _not_encodable(sent)
        if place is not None:
            raise BadRequest(
                f"{place} holds half of a surrogate pair, which is no text",
                "Send text that can be encoded as UTF-8.",
                field=place,
            )
        return sent


def _not_encodable(sent: Any, place: str = "body") -> str | None:
    """Where in a JSON value there is a text that UTF-8 does not have; None where there is none."""
    if isinstance(sent, str):
        return None if encodable(sent) else place
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(sent, dict):
        if not all(map(encodable, sent)):
            return place
        inner = sent.items()
    elif isinstance(sent, list):
        inner = enumerate(sent)
    for name, value in inner:
        found = _not_encodable(value, f"{place}.{name}" if place != "body" else str(name))
        if found is not None:
            return found
    return None


def _model(base: type[Shape], declared: dict[str, Any]) -> Any:
    """A class with those fields, to be derived from."""
    return create_model("_Declared", __base__=base, **declared)


class AttachBody(Strict):
    """A process that runs already."""

    pid: int = Field(description=DECLARED["attach_pid"].help)


_rates: Any = _model(
    Strict,
    {
        rate.name: (float, Field(default=rate.default, description=rate.metadata["help"]))
        for rate in fields(Sampling)
    },
)


class SamplingBody(_rates):  # type: ignore[misc]
    """Rates of the observer, in Hz."""


_asked: Any = _model(
    Strict,
    {
        name: (_TYPES[name], _field(declared, {} if name == "params" else None))
        for name, declared in DECLARED.items()
        if name != "attach_pid"
    },
)


class RunBody(_asked):  # type: ignore[misc]
    """A run to start: exactly one of `workload`, `command`, `script` and `attach`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"workload": "convoy", "params": {"switch_interval_ms": 1}, "seconds": 5},
                {"command": ["python3", "-c", "print(sum(range(10**8)))"]},
                {"script": "print('hello')", "python": "3.13"},
                {"attach": {"pid": 1234}, "seconds": 10},
            ]
        },
    )

    attach: AttachBody | None = Field(default=None, description=DECLARED["attach_pid"].help)
    sampling: SamplingBody = SamplingBody()

    def to_request(self) -> RunRequest:
        """The same, for the manager."""
        asked = self.model_dump(exclude={"sampling", "attach"})
        return RunRequest(
            **asked,
            attach_pid=self.attach.pid if self.attach else None,
            sampling=Sampling(**self.sampling.model_dump()),
        )


class ActionBody(Strict):
    """Something for a running workload to do."""

    name: str = Field(description="One of the `actions` that `GET /workloads` lists for it.")


class ErrorBody(Shape):
    """Why a run failed, and what to do."""

    code: str
    title: str
    detail: str
    remedy: str


class FindingName(Shape):
    """A finding of a run."""

    code: str
    severity: str
    title: str | None = Field(default=None, description="Null where an older version recorded the run.")


_shown: Any = _model(Shape, {name: (_TYPES[name], Field(description=DECLARED[name].help)) for name in ASKED})


class LimitsView(Shape):
    """What a program may use that was started; null: as much as the server's user may."""

    memory_bytes: int | None
    processes: int | None = Field(description="And threads.")
    file_bytes: int | None = Field(description="Of each file that it writes.")
    output_bytes: int | None = Field(description="On its standard streams.")
    together: bool = Field(
        description="Memory and processes are of all its processes together, by a control group (cgroup v2); "
        "else memory is of each, by rlimit."
    )


class ClusterView(Strict):
    """What was attached to from the command line: the workers of a cluster."""

    scheduler: str = Field(description="The address of the cluster's scheduler.")


class NoteView(Shape):
    """A note on the timeline."""

    id: str
    at_us: int = Field(description="Microseconds on the run's clock.")
    text: str


class RunView(_shown):  # type: ignore[misc]
    """A run; a field that does not concern its kind is null."""

    id: str
    kind: Literal["workload", "command", "script", "attach"]
    name: str
    state: Literal[
        "starting", "running", "importing", "indexing", "finished", "stopped", "timed_out", "failed"
    ]
    started_at: float = Field(description="Seconds since the epoch.")
    duration_s: float
    environment: dict[str, str] | None = Field(
        description="The variables that matter to how a program runs; what looks secret is blanked."
    )
    attach: AttachBody | ClusterView | None
    limits: LimitsView | None = Field(default=None, description="Null where there are none.")
    exit_code: int | None = Field(description="The target's own; a signal's number is negative.")
    output: str | None = Field(description="The end of what a command or a script wrote, up to 64 KiB.")
    error: ErrorBody | None
    progress: float | None = Field(
        default=None, description="What share of a recording was read that is being imported or indexed."
    )
    tags: list[str]
    notes: list[NoteView] = Field(description="What was noted on the timeline, in order of time.")
    pinned: bool = Field(description="It stays when older runs make room for newer ones.")
    unrecorded: ErrorBody | None = Field(description="Why it is not in the archive, or not all of it.")
    findings: list[FindingName] = Field(
        default_factory=list, description="What was found, once it has ended."
    )
    bytes: int | None = Field(default=None, description="What its recording takes, once it has ended.")


class ArchiveView(Shape):
    """Where runs are kept."""

    bytes: int = Field(description="What all recordings take.")
    budget_bytes: int = Field(description="What they may take; the oldest that are not pinned make room.")
    runs: int = Field(description="How many runs the list has, with its filters.")


class RunPage(Shape):
    """Runs, newest first; `next` is the cursor of the page that follows, null on the last."""

    runs: list[RunView]
    next: str | None
    archive: ArchiveView | None = Field(description="Null where the archive cannot be used.")
    error: ErrorBody | None = Field(description="Why the archive cannot be used.")


class RunChange(Strict):
    """What a person calls a run, and whether it is to stay; a field that is left out stays as it is."""

    name: str | None = _field(DECLARED["name"], None)
    tags: list[Tag] | None = Field(default=None, max_length=MOST_TAGS)
    pinned: bool | None = None


class NoteBody(Strict):
    """A note on the timeline."""

    at_us: int = Field(ge=0, le=LATEST_US, description="Microseconds on the run's clock.")
    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class NoteChange(Strict):
    """What a note says and where it stands; a field that is left out stays as it is."""

    at_us: int | None = Field(default=None, ge=0, le=LATEST_US)
    text: str | None = Field(default=None, min_length=1, max_length=LONGEST_NOTE)


class LaneBins(Shape):
    """One thread over the bins; `interpreter` is null of one that never ran Python."""

    lane: int
    pid: int
    tid: int
    name: str
    interpreter: int | None
    named_us: int = Field(description="When it was first seen.")
    shares: dict[str, str] = Field(
        description="By state, base64 of a byte a bin: its share of the bin's time, 255 being the whole."
    )


class GilBins(Shape):
    """One GIL over the bins."""

    gil: int
    pid: int
    interpreter: int
    holders: dict[str, str] = Field(
        description="By the holder's lane, -2 where it is unknown: the share of the time held, as in a lane."
    )
    contended: str | None = Field(description="The share in which it was held and another thread waited.")


class TimelineView(Shape):
    """How time was shared, in bins of one length."""

    from_us: int = Field(description="Where the first bin begins: at or before what was asked for.")
    to_us: int = Field(description="Where the last one ends.")
    bin_us: int = Field(description="The length of a bin, a power of two.")
    bins: int
    lanes: list[LaneBins]
    lanes_not_shown: int = Field(description="Threads of which least was seen are left out above 500.")
    gils: list[GilBins]


class FieldErrorBody(Shape):
    """A part of the request that is at fault."""

    field: str
    detail: str


class ProblemBody(Shape):
    """An error, after RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorBody]
    remedy: str
