"""What a client may send of an experiment, and what the OpenAPI page says of what it gets.

What makes an answer says what each field means: app/analysis/experiment.py, app/lab/experiment.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.lab.experiment_plan import MOST_REPEATS, REPEATS, SECONDS, ExperimentRequest
from app.model.forecast import Choice, ForecastProof
from app.runs.request import DECLARED, bounds_of
from app.web.api.bodies import ErrorBody, Strict
from app.web.api.shape import Shape
from app.web.api.typed import typed

MOST_VALUES = 64  # of a list: an experiment has no more than 200 configurations

_LEAST_WORKERS, _MOST_WORKERS = map(int, bounds_of("workers"))
_LEAST_S, _MOST_S = bounds_of("seconds")
_LONGEST_SCRIPT = (DECLARED["script"].lengths or (0, 0))[1]

Word = Annotated[str, Field(min_length=1, max_length=4096)]
_Proof: Any = typed(ForecastProof)
Says = Literal["higher", "lower", "within-noise", "too-few"]


class ExperimentBody(Strict):
    """An experiment of exactly one of `workload`, `command` and `script`, in all combinations asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"workload": "primes", "executors": ["threads", "processes"], "workers": [1, 2]},
                {
                    "command": ["{python}", "job.py", "--jobs", "{workers}"],
                    "workers": [1, 2, 4],
                    "pythons": ["3.13", "3.14"],
                    "repeats": 4,
                },
            ]
        }
    )

    workload: str | None = Field(default=None, description=DECLARED["workload"].help)
    params: dict[str, Any] = Field(default={}, description=DECLARED["params"].help)
    command: list[str] | None = Field(
        default=None,
        max_length=1024,
        description="A program and its arguments, as a list. `{workers}` and `{python}` in them stand for "
        "what is varied; what looks secret is blanked where it is shown.",
    )
    script: str | None = Field(
        default=None,
        max_length=_LONGEST_SCRIPT,
        description="The text of a Python program, which finds what is varied in GILSCOPE_EXECUTOR and "
        "GILSCOPE_WORKERS.",
    )
    executors: list[Word] = Field(
        default=[],
        max_length=MOST_VALUES,
        description="What the workers are. Empty: all of the workload's; threads and processes of a script.",
    )
    workers: list[Annotated[int, Field(ge=_LEAST_WORKERS, le=_MOST_WORKERS)]] = Field(
        default=[],
        max_length=MOST_VALUES,
        description="How many there are. Empty: one, and as many as there are cores.",
    )
    workers_variable: str | None = Field(
        default=None,
        max_length=128,
        description="The variable of a command's environment that tells it how many workers there are.",
    )
    pythons: list[Word] = Field(
        default=[],
        max_length=MOST_VALUES,
        description="Interpreters: versions (3.12) or paths, of those that were found. Empty: the newest.",
    )
    seconds: Annotated[float, Field(ge=_LEAST_S, le=_MOST_S)] | None = Field(
        default=None,
        description=f"How long each repetition of a workload lasts, {SECONDS:g} unless given; a command or a "
        "script is given up after so many.",
    )
    repeats: Annotated[int, Field(ge=1, le=MOST_REPEATS)] | None = Field(
        default=None, description=f"Repetitions of each combination that count; {REPEATS} unless given."
    )
    name: str | None = Field(
        default=None, min_length=1, max_length=80, description="What to call the experiment."
    )

    def to_request(self) -> ExperimentRequest:
        """The same, for the lab."""
        return ExperimentRequest(**self.model_dump())


class ForecastBody(Strict):
    """A forecast of a run that is to be measured."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"run": "0f6f2a8c1e", "choice": "processes"}]})

    run: str = Field(max_length=80, description="The run that it was made of, by its id; it has ended.")
    choice: Choice = Field(description="Which of its forecasts.")


class AskedExperiment(Shape):
    """What was asked for, with each default filled in; what does not concern its kind is null."""

    workload: str | None
    params: dict[str, Any]
    command: list[str] | None
    script: str | None = Field(description="Null in a list.")
    workers_variable: str | None
    seconds: float | None
    repeats: int
    seed: int = Field(description="Of the order of the runs.")
    cores: int


class _ExperimentHead(Shape):
    """What it is, and how it stands."""

    schema_: int = Field(alias="schema")
    id: str
    kind: Literal["workload", "command", "script"]
    name: str
    state: Literal["running", "finished", "stopped", "failed"]
    error: ErrorBody | None
    started_at: float = Field(description="Seconds since the epoch.")
    took_s: float
    runs_done: int = Field(description="Warm-ups, and those that were made again, included.")
    runs_planned: int = Field(description="If none is made again.")
    asked: AskedExperiment


class ListedExperiment(_ExperimentHead):
    """An experiment as a list shows it."""

    sentence: str | None = Field(description="The verdict; null while it goes on.")
    forecast: _Proof | None = Field(
        description="The forecast that it was to prove, and what was measured; null while it goes on."
    )


class ExperimentPage(Shape):
    """Experiments, newest first; `next` is the cursor of the page that follows, null on the last."""

    experiments: list[ListedExperiment]
    next: str | None


class MeasureView(Shape):
    """A figure of a run that is compared."""

    key: str
    label: str
    unit: Literal["rate", "duration", "size", "share", "count"]


class MedianView(Shape):
    """A median and its interval of 95 %, null of fewer than four values."""

    median: float
    low: float | None
    high: float | None
    count: int


class RatioView(Shape):
    """A configuration against the baseline: the ratio of their medians, and what may be said of it."""

    ratio: float | None
    low: float | None
    high: float | None
    p: float
    says: Says


class ConfigurationRow(Shape):
    """What came of a configuration."""

    executor: str | None
    workers: int | None
    python: str | None
    runs: list[str] = Field(description="The runs that count, by their ids.")
    repetitions: int
    made_again: int = Field(description="They were disturbed, and do not count.")
    disturbed: int = Field(description="Among the repetitions.")
    error: str | None = Field(description="Why it was given up.")
    values: dict[str, list[float | None]] = Field(description="Of each run, by the measure's key.")
    measures: dict[str, MedianView | None]
    differences: dict[str, RatioView | None]


class LeftOut(Shape):
    """A combination that cannot be."""

    executor: str
    python: str
    why: str


class PlannedExperiment(Shape):
    """What an experiment comes to, before it is begun."""

    kind: Literal["workload", "command", "script"]
    configurations: int
    runs: int = Field(description="With the warm-up of each configuration, if none is made again.")
    about_s: float | None = Field(description="How long it takes; null of a program with its own end.")
    left_out: list[LeftOut]


class ScalingPoint(Shape):
    """What so many workers do."""

    workers: int
    median: float
    low: float | None
    high: float | None
    count: int
    used: bool = Field(description="The laws are fitted to it: there were CPUs enough.")


class LawParameter(Shape):
    """A parameter, and its interval of 95 %."""

    value: float
    low: float | None
    high: float | None


class FittedLaw(Shape):
    """A law of scaling with what fits best."""

    law: Literal["amdahl", "gustafson", "usl"]
    parameters: dict[str, LawParameter]
    r_squared: float | None
    limit: float | None
    curve: list[tuple[float, float]] = Field(description="Workers, and the value by the law.")


class ScalingView(Shape):
    """How an executor scales on an interpreter."""

    executor: str | None
    python: str | None
    source: Literal["throughput", "wall-time", "reported"]
    points: list[ScalingPoint]
    laws: list[FittedLaw]
    gil_work: MedianView | None = Field(
        description="The share of all threads' work that was done holding the one GIL, with the most workers."
    )
    sentence: str


class VerdictView(Shape):
    """Which configuration is the best, and whether that is more than noise."""

    says: Literal["faster", "none-faster", "within-noise", "too-few", "nothing"]
    baseline: int | None
    best: int | None
    equal: list[int]
    sentence: str


class ProgressView(Shape):
    """The run that goes on, or begins."""

    number: int
    of: int
    configuration: int = Field(description="Its place in `configurations`.")
    warm_up: bool
    again: str | None = Field(description="What disturbed the run before, which is made again.")
    left_s: float | None = Field(description="How long all that is left takes, about.")
    run: str | None = Field(description="The run that goes on, by its id.")
    left: list[int] = Field(description="How many runs of each configuration are left.")


class ExperimentView(_ExperimentHead):
    """An experiment with its result; while it goes on, as of the last block of repetitions."""

    measures: list[MeasureView]
    goal: str = Field(description="The measure that decides, by its key.")
    configurations: list[ConfigurationRow]
    left_out: list[LeftOut]
    forecast: _Proof | None = Field(description="The forecast that it is to prove, and what was measured.")
    scaling: list[ScalingView]
    verdict: VerdictView
    progress: ProgressView | None = Field(description="Null once it has ended.")
    unrecorded: ErrorBody | None = Field(description="Why it is not in the archive, or not all of it.")
