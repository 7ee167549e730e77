"""What would help a program, as `gilscope advise` tells it: docs/forecasts.md says how it is made.

Throughput is relative to what was observed: 1 is no change, 2 is twice as much in the same time. Memory is in
bytes beside what there is. What cannot be known is None, and the assumptions say why.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Choice = Literal["free-threading", "processes", "subinterpreters", "thread-more", "thread-fewer"]
Sureness = Literal["fairly sure", "unsure", "a guess"]


class Band(TypedDict):
    """A forecast: the middle is what to expect, and the truth should lie between the other two."""

    low: float
    middle: float
    high: float


class MemoryBand(TypedDict):
    """Bytes more than now."""

    low: int
    high: int


class GroupForecast(TypedDict):
    """What threads of one kind would get done: "worker-0" and "worker-1" are of one."""

    name: str
    threads: int
    throughput: Band


class ForecastRow(TypedDict):
    """One way in which the program could run."""

    choice: Choice
    title: str
    throughput: Band | None
    why_not: str | None  # why there is no throughput
    workers: int | None  # threads or processes that compute, as of then
    memory: MemoryBand | None
    groups: list[GroupForecast]
    assumptions: list[str]


class Forecast(TypedDict):
    """What a run's figures foretell."""

    cpus: float | None  # that the processes may use
    cpus_used: float  # by threads of Python, over the time that was seen
    python_share: float | None  # of the CPU time, that which holds a GIL
    serial_share: float | None  # of the time: a thread held the GIL, and no other waited for it
    rows: list[ForecastRow]
    why_not: str | None  # why there are no rows


class MendRow(TypedDict):
    """A function, and what the program would gain were it twice as fast."""

    function: str
    file: str
    line: int
    busy_share: float  # of the CPU time of all threads
    throughput: float


class Mend(TypedDict):
    """Functions to make faster, most gain first: see app/analysis/forecast/speed_up.py."""

    from_s: float
    to_s: float
    replay_error: float | None  # by how much the replay of what was seen missed it: 0.02 is 2 %
    rows: list[MendRow]
    why_not: str | None


Declares = Literal["declares", "does-not", "unknown"]


class Compatibility(TypedDict):
    """Of all processes: C extensions by whether they declare that they can do without the GIL."""

    declares: int
    does_not: int
    unknown: int
    names: list[str]  # those that do not, or of which it is not known: each once


class Verdict(TypedDict):
    """What to do, in a sentence."""

    choice: Choice | Literal["stay", "mend"] | None
    sentence: str
    sure: Sureness | None


class Advice(TypedDict):
    """The whole answer to "Would something help?"."""

    schema: int
    run: str | None
    verdict: Verdict
    sentences: list[str]
    forecast: Forecast
    mend: Mend
    compatibility: Compatibility | None


class ForecastMeasured(TypedDict):
    """What an experiment measured of a forecast: throughput beside that of the program as it was."""

    throughput: float
    low: float | None  # the interval of 95 %, None of fewer than four repetitions
    high: float | None
    repetitions: int  # of the configuration that has the fewer
    disturbed: bool  # most of both configurations' were, by other work of the machine


class ForecastProof(TypedDict):
    """A forecast that an experiment is to prove, and what it measured."""

    run: str  # that it was made of
    run_name: str
    choice: Choice
    title: str
    throughput: Band
    assumptions: list[str]
    measured: ForecastMeasured | None
    in_band: bool | None  # None: it was not measured, or too seldom
    unclear: bool | None  # the interval of what was measured reaches across an edge of the band
    off: float | None  # of the middle: 0.1 is 10 % above what was measured
    sentence: str


class ForecastPair(ForecastProof):
    """The same, and which experiment measured it."""

    experiment: str
    started_at: float


class AccuracyOfWay(TypedDict):
    """How good the forecasts of one way were."""

    choice: Choice
    count: int
    in_band: int
    median_off: float  # without its sign


class ForecastAccuracy(TypedDict):
    """How good forecasts were so far on this machine: those that were measured, newest first."""

    schema: int
    sentence: str
    count: int
    in_band: int
    in_band_share: float | None
    median_off: float | None  # of the middles, without their signs
    unclear: int  # of these: chance may have decided whether it lay in the band
    disturbed: int  # of these: most repetitions were, by other work of the machine
    unmeasured: int  # experiments that came to no figure
    ways: list[AccuracyOfWay]
    pairs: list[ForecastPair]


class Measurable(TypedDict):
    """Whether a forecast can be measured here, at a press."""

    choice: Choice
    why_not: str | None
    runs: int | None  # that it takes
    about_s: float | None  # how long, about; None where that is not known
    pairs: list[ForecastPair]  # what was measured of it before


class MeasurableAdvice(Advice):
    """The answer to "Would something help?", and which of it can be measured."""

    measuring: list[Measurable]
