"""What the interface answers where that is made elsewhere: its shape, for the OpenAPI document.

What makes it says what each field means: app/probe/listing.py, app/probe/doctor.py, app/analysis/slices.py,
app/analysis/comparison.py. Such an answer goes out as it was made (`as_made`): summaries are large, and
checking them once more takes longer than making them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field
from starlette.responses import JSONResponse

from app.model.forecast import ForecastAccuracy, MeasurableAdvice
from app.model.states import State
from app.model.summary import RunInfo, Severity, Summary
from app.runs.interpreters import Interpreter
from app.web.api.bodies import ErrorBody
from app.web.api.shape import Shape
from app.web.api.typed import typed


def as_made(answer: Any) -> JSONResponse:
    """An answer that is not checked against its model."""
    return JSONResponse(answer)


_RunInfo: Any = typed(RunInfo)
SummaryView: Any = typed(Summary)
AdviceView: Any = typed(MeasurableAdvice)
AccuracyView: Any = typed(ForecastAccuracy)


class InterpretersView(Shape):
    """The CPythons that were found."""

    interpreters: list[Interpreter]


class ListedProcess(Shape):
    """A process of this machine."""

    pid: int
    parent: int
    user: str | None
    name: str
    command: list[str]
    python: str | None = Field(description="Its version; null for no CPython, empty where it names none.")
    below: int = Field(description="Of a launcher: how many CPythons below it can be attached to.")
    cpu_share: float
    rss: int
    attachable: bool
    why: str | None = Field(description="Why it cannot be attached to.")
    remedy: str | None
    own: bool = Field(description="GILScope's server, or an observer.")


class ProcessesView(Shape):
    """The processes of this machine, those first that can be attached to."""

    schema_: int = Field(alias="schema")
    processes: list[ListedProcess]


class DoctorCheck(Shape):
    """Something that has to work here."""

    name: str
    status: Literal["ok", "limited", "missing"]
    detail: str
    remedy: str


class ExaminedProcess(Shape):
    """What could be measured of a process."""

    pid: int
    inner_pid: int | None
    user: str | None
    command: list[str]
    readable: bool
    python: str | None
    free_threaded: bool | None
    gil_enabled: bool | None
    build: str | None
    found_by: str | None
    offsets: str | None
    capabilities: dict[str, str]
    why: dict[str, str]
    below: list[int]
    error: ErrorBody | None


class DoctorView(Shape):
    """What works here, and for a process."""

    schema_: int = Field(alias="schema")
    checks: list[DoctorCheck]
    process: ExaminedProcess | None


class StackFrame(Shape):
    """A function that was being executed."""

    function: str
    file: str
    line: int | None


class SeenStack(Shape):
    """A stack, and how often it was seen."""

    looks: int
    task: str | None
    frames: list[StackFrame]


class StacksView(Shape):
    """What a thread was executing."""

    looks: int
    stacks: list[SeenStack]


class ComparedSide(Shape):
    """A measure of one run, and the band in which nine tenths of its seconds lie."""

    value: float | None
    low: float | None
    high: float | None
    seconds: int | None


class ComparedFigure(Shape):
    """A measure of both runs."""

    key: str
    label: str
    unit: str
    a: ComparedSide
    b: ComparedSide
    change: float | None
    says: Literal["alike", "higher", "lower", "unclear"] | None
    why: str


class Difference(Shape):
    """Something that is another in each run."""

    name: str
    a: Any
    b: Any


class ComparedFinding(Shape):
    """A finding of one of them, or of both."""

    model_config = ConfigDict(populate_by_name=True)

    code: str
    severity: Severity
    title: str
    in_: Literal["a", "b", "both"] = Field(alias="in")


class DifferentLine(Shape):
    """A line of two scripts: of one of them, or a common one beside it."""

    model_config = ConfigDict(populate_by_name=True)

    in_: Literal["a", "b", "both"] = Field(alias="in")
    a: int | None = Field(description="Its number in A's script.")
    b: int | None
    text: str


class ProgramDifference(Shape):
    """In which lines the scripts of two runs differ."""

    same: bool | None = Field(description="Null where the text of a script was not kept.")
    says: str
    lines: list[DifferentLine]
    more: int = Field(description="How many lines are left out.")


class AtOnceSide(Shape):
    """What a run did at once."""

    kind: Literal["parallel", "gil", "one", "waits", "unknown"]
    cpus_wanted: float | None = Field(description="For how many CPUs it had work at a time.")
    cpus_used: float | None
    cpus: float | None
    processes: int
    held_share: float | None
    gil_enabled: bool | None
    threads: dict[State, float] = Field(description="How many threads were in a state, on average.")


class AtOnceView(Shape):
    """Which of two runs did more at once."""

    more: Literal["a", "b", "alike"] | None
    says: list[str]
    a: AtOnceSide
    b: AtOnceSide


class ComparisonView(Shape):
    """Two runs set against each other."""

    schema_: int = Field(alias="schema")
    runs: list[_RunInfo]
    figures: list[ComparedFigure]
    program: ProgramDifference | None = Field(description="Null where neither run is of a script.")
    at_once: AtOnceView
    asked: list[Difference]
    reported: list[Difference]
    findings: list[ComparedFinding]
