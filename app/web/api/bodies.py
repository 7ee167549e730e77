"""What a client may send, and what the OpenAPI page says of what it gets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.model.spec import Sampling
from app.runs.request import RunRequest

Tag = Annotated[str, Field(min_length=1, max_length=40)]


class SamplingBody(BaseModel):
    """Rates of the observer, in Hz."""

    model_config = ConfigDict(extra="forbid")

    gil_hz: float = Field(default=Sampling.gil_hz, description="Samples of the GIL and of active threads.")
    counters_hz: float = Field(default=Sampling.counters_hz, description="Readings of CPU and memory.")
    stacks_hz: float = Field(default=Sampling.stacks_hz, description="Looks at Python stacks; 0 for none.")


class AttachBody(BaseModel):
    """A process that runs already."""

    model_config = ConfigDict(extra="forbid")

    pid: int = Field(description="As `GET /processes` lists it.")


class RunBody(BaseModel):
    """A run to start: exactly one of `workload`, `command`, `script` and `attach`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"workload": "convoy", "params": {"switch_interval_ms": 1}, "seconds": 5},
                {"command": ["python3", "-c", "print(sum(range(10**8)))"]},
                {"script": "print('hello')", "python": "3.13"},
                {"attach": {"pid": 1234}, "seconds": 10},
            ]
        },
    )

    workload: str | None = Field(default=None, description="A name of `GET /workloads`.")
    params: dict[str, Any] = Field(default_factory=dict, description="The workload's own parameters.")
    executor: str | None = Field(
        default=None,
        description="What the workload's workers are; a script finds it in GILSCOPE_EXECUTOR.",
    )
    workers: int | None = Field(
        default=None, description="How many there are; a script finds it in GILSCOPE_WORKERS."
    )
    python: str | None = Field(
        default=None, description="A version (`3.12`) or a path of `GET /interpreters`."
    )
    seconds: float | None = Field(
        default=None,
        description="How long it lasts; a command is stopped after so many, a process let go of.",
    )
    attach: AttachBody | None = Field(default=None, description="A process to observe; it lives on.")
    command: list[str] | None = Field(default=None, description="A program and its arguments, as a list.")
    script: str | None = Field(
        default=None, max_length=1_000_000, description="The text of a Python program, run as `__main__`."
    )
    name: str | None = Field(default=None, min_length=1, max_length=80, description="What to call the run.")
    sampling: SamplingBody = SamplingBody()

    def to_request(self) -> RunRequest:
        """The same, for the manager."""
        fields = self.model_dump(exclude={"sampling", "attach"})
        return RunRequest(
            **fields,
            attach_pid=self.attach.pid if self.attach else None,
            sampling=Sampling(**self.sampling.model_dump()),
        )


class ActionBody(BaseModel):
    """Something for a running workload to do."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="One of the `actions` that `GET /workloads` lists for it.")


class ErrorBody(BaseModel):
    """Why a run failed, and what to do."""

    code: str
    title: str
    detail: str
    remedy: str


class FindingName(BaseModel):
    """A finding of a run."""

    code: str
    severity: str


class RunView(BaseModel):
    """A run; a field that does not concern its kind is null."""

    id: str
    kind: Literal["workload", "command", "script", "attach"]
    name: str
    workload: str | None = Field(description="The workload's name; `name` may be another.")
    state: Literal["starting", "running", "finished", "stopped", "timed_out", "failed"]
    started_at: float = Field(description="Seconds since the epoch.")
    duration_s: float
    params: dict[str, Any]
    executor: str | None
    workers: int | None
    seconds: float | None
    python: str | None
    command: list[str] | None = Field(description="What looks secret in it is blanked.")
    environment: dict[str, str] | None = Field(
        description="The variables that matter to how a program runs; what looks secret is blanked."
    )
    attach: AttachBody | None
    exit_code: int | None = Field(description="The target's own; a signal's number is negative.")
    output: str | None = Field(description="The end of what a command or a script wrote, up to 64 KiB.")
    error: ErrorBody | None
    tags: list[str]
    pinned: bool = Field(description="It stays when older runs make room for newer ones.")
    unrecorded: ErrorBody | None = Field(description="Why it is not in the archive, or not all of it.")
    findings: list[FindingName] = Field(
        default_factory=list, description="What was found, once it has ended."
    )
    bytes: int | None = Field(default=None, description="What its recording takes, once it has ended.")


class ArchiveView(BaseModel):
    """Where runs are kept."""

    bytes: int = Field(description="What all recordings take.")
    budget_bytes: int = Field(description="What they may take; the oldest that are not pinned make room.")
    runs: int = Field(description="How many runs the list has, with its filters.")


class RunPage(BaseModel):
    """Runs, newest first; `next` is the cursor of the page that follows, null on the last."""

    runs: list[RunView]
    next: str | None
    archive: ArchiveView | None = Field(description="Null where the archive cannot be used.")
    error: ErrorBody | None = Field(description="Why the archive cannot be used.")


class RunChange(BaseModel):
    """What a person calls a run, and whether it is to stay; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=80)
    tags: list[Tag] | None = Field(default=None, max_length=20)
    pinned: bool | None = None


class FieldErrorBody(BaseModel):
    """A part of the request that is at fault."""

    field: str
    detail: str


class ProblemBody(BaseModel):
    """An error, after RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorBody]
    remedy: str
