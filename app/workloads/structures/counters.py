"""One number that many count in: without a lock, under one, and by a counter that may be a little behind."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.sharedctypes import RawValue
from threading import Lock
from time import monotonic_ns, sleep
from typing import Any, NamedTuple, Protocol

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import head
from app.workloads.picture import COLOURS, Axis, Line, chart

_BATCH = 100
_IDLE_SLICE_S = 0.1
_NS_A_SECOND = 1_000_000_000


_HEADS = [
    *(head("Counter", "text"), head("At once"), head("Counts", "rate"), head("Expected"), head("Missing")),
    head("Share missing", "share"),
]


class Cell:
    """A number that threads share."""

    def __init__(self) -> None:
        self.value = 0


class Shared(NamedTuple):
    """The number, and a lock that may be held around reading and writing it."""

    cell: Any
    lock: Any


class Counter(Protocol):
    """One worker's hand on the number."""

    def __init__(self, shared: Shared, threshold: int) -> None: ...

    def add(self, times: int) -> None:
        """Count so many times."""
        ...


class Lockless:
    """Reads, calls and writes, with nothing that keeps others out."""

    def __init__(self, shared: Shared, threshold: int) -> None:
        self._cell = shared.cell

    def add(self, times: int) -> None:
        """Count so many times."""
        cell = self._cell
        for _ in range(times):
            seen = int(cell.value)
            cell.value = seen + 1


class Locked:
    """Takes the lock for each step."""

    def __init__(self, shared: Shared, threshold: int) -> None:
        self._cell, self._lock = shared

    def add(self, times: int) -> None:
        """Count so many times."""
        cell, lock = self._cell, self._lock
        for _ in range(times):
            with lock:
                cell.value += 1


class Approximate:
    """Counts for itself, and takes the lock once in `threshold` steps to add them to the number."""

    def __init__(self, shared: Shared, threshold: int) -> None:
        self._cell, self._lock = shared
        self._threshold = threshold
        self._own = 0

    def add(self, times: int) -> None:
        """Count so many times."""
        for _ in range(times):
            self._own += 1
            if self._own >= self._threshold:
                with self._lock:
                    self._cell.value += self._own
                self._own = 0


_KINDS: dict[str, type[Counter]] = {"lockless": Lockless, "locked": Locked, "approximate": Approximate}


class CounterPhase(NamedTuple):
    """One counter, with so many workers counting in it at once."""

    kind: str
    at_once: int
    shared: Shared


class Counted(NamedTuple):
    """What one worker did in a phase, and when."""

    ops: int
    begin_ns: int
    end_ns: int


class CounterPlan(NamedTuple):
    """The phases, of equal length, one after the other."""

    phases: list[CounterPhase]
    one_by_one: bool  # the executor runs one worker at a time, each through all phases


def _prepare(setting: Setting, resources: ExitStack) -> CounterPlan:
    one_by_one = setting.executor == "sequential"
    steps = [1] if one_by_one else _steps(setting.workers)
    return CounterPlan(
        [CounterPhase(kind, step, _shared(setting)) for step in steps for kind in _KINDS], one_by_one
    )


def _steps(workers: int) -> list[int]:
    """1, 2, 4, ... and all of them."""
    doubling = [2**power for power in range(workers.bit_length()) if 2**power < workers]
    return [*doubling, workers]


def _shared(setting: Setting) -> Shared:
    if setting.executor == "processes":
        context: Any = multiprocessing.get_context(str(setting.params["start_method"]))
        return Shared(RawValue("q", 0), context.Lock())
    return Shared(Cell(), Lock())


def _work(ctx: Context) -> Json:
    plan: CounterPlan = ctx.prepared
    start_ns, deadline_ns = ctx.span
    counted = {}
    for number, phase in enumerate(plan.phases):
        until_ns = start_ns + (deadline_ns - start_ns) * (number + 1) // len(plan.phases)
        if plan.one_by_one or ctx.worker < phase.at_once:
            counted[number] = _count(ctx, phase, until_ns)
        else:
            _idle(ctx, until_ns)
    return {"counted": counted}


def _count(ctx: Context, phase: CounterPhase, until_ns: int) -> Counted:
    counter = _KINDS[phase.kind](phase.shared, ctx.params["threshold"])
    begin_ns = now_ns = monotonic_ns()
    ops = 0
    while now_ns < until_ns and not ctx.stopping:
        counter.add(_BATCH)
        ctx.count(_BATCH)
        ops += _BATCH
        now_ns = monotonic_ns()
    return Counted(ops, begin_ns, now_ns)


def _idle(ctx: Context, until_ns: int) -> None:
    while not ctx.stopping and (left_s := (until_ns - monotonic_ns()) / _NS_A_SECOND) > 0:
        sleep(min(left_s, _IDLE_SLICE_S))


def _summarise(plan: CounterPlan, found: Sequence[Json], companion: Json | None) -> Json:
    scaling = []
    for number, phase in enumerate(plan.phases):
        each = [worker["counted"][number] for worker in found if number in worker["counted"]]
        expected = sum(counted.ops for counted in each)
        error = expected - phase.shared.cell.value
        length_ns = _length_ns(each, plan.one_by_one)
        scaling.append(
            {
                "kind": phase.kind,
                "at_once": phase.at_once,
                "ops_per_s": expected * _NS_A_SECOND / length_ns if length_ns else 0.0,
                "expected": expected,
                "error": error,
                "error_share": error / expected if expected else None,
            }
        )
    columns = ["counter", "at once", "counts/s", "expected", "missing", "missing share"]
    rows = [list(row.values()) for row in scaling]
    return {
        "scaling": scaling,
        "table": {"columns": columns, "heads": _HEADS, "rows": rows},
        "pictures": [picture(scaling)],
    }


def picture(scaling: Sequence[Json]) -> Json:
    """The scaling curve of each counter."""
    lines = [
        Line(
            kind,
            colour,
            [(row["at_once"], row["ops_per_s"] / 1e6) for row in scaling if row["kind"] == kind],
            dots=True,
        )
        for kind, colour in zip(_KINDS, COLOURS)
    ]
    counts = sorted({float(row["at_once"]) for row in scaling})
    said = [
        f"{line.label} {line.points[0][1]:.3g} and {line.points[-1][1]:.3g}" for line in lines if line.points
    ]
    return {
        "title": "Counts a second, by how many count at once",
        "svg": chart(Axis("at once", "{:g}".format, counts), Axis("million/s", "{:g}".format), lines),
        "alt": f"Million counts a second by {counts[0]:g} and by {counts[-1]:g}: {', '.join(said)}.",
    }


def _length_ns(each: Sequence[Counted], one_by_one: bool) -> int:
    """How long the phase was counted in: by one after the other, or by all at once."""
    if one_by_one:
        return sum(counted.end_ns - counted.begin_ns for counted in each)
    begin_ns = min((counted.begin_ns for counted in each), default=0)
    return max((counted.end_ns for counted in each), default=0) - begin_ns


def _showed(result: Json) -> Sequence[str]:
    said = []
    most = max(row["at_once"] for row in result["scaling"])
    for kind in _KINDS:
        rows = {row["at_once"]: row for row in result["scaling"] if row["kind"] == kind}
        alone, together = rows[1], rows[most]
        text = f"{kind}: {alone['ops_per_s']:,.0f} counts a second by one"
        if most > 1:
            text += f", {together['ops_per_s']:,.0f} by {most}"
        said.append(f"{text}; {together['error']:,} of {together['expected']:,} missing from the number.")
    return said


COUNTERS = Workload(
    name="counters",
    family="structures",
    title="Three counters",
    sentence="Many count in one number: lockless loses, locked is slow, approximate is fast and late.",
    op="one count",
    look_for=(
        "The run goes through the counters with one worker, then two, then more: the result has the scaling "
        "curve. In the locked phases lanes turn to lock.",
        "The lockless counter is quick and wrong as soon as two count at once. The locked one is right, and "
        "gets slower with each worker that joins.",
        "The approximate one stays as quick as one worker alone, and is behind by less than the threshold "
        "for each worker, however long it runs.",
    ),
    why=(
        "A lock that is taken for every step is what all workers meet at: they wait for it, and for one "
        "another's wake-ups. On processes it is a semaphore of the kernel, and costs more still.",
        "The approximate counter takes it once in a thousand steps, and pays with a number that is late.",
    ),
    helps=(
        "Ask what the number is for: a statistic may be behind, an account balance may not.",
        "Raise the threshold for speed, lower it for accuracy: the error is bounded by it.",
    ),
    subject="Designing lock-based data structures: the counter, and its scalable form (chapter 16).",
    roles=("counter",),
    work=_work,
    executors=("threads", "processes", "sequential"),
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    params=(
        Param(
            "threshold",
            "int",
            1_000,
            "After how many own steps a worker adds them to the approximate counter.",
            min=1,
            max=1_000_000,
        ),
    ),
)
