"""A turn handed round among generators, coroutines and threads: what one switch costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from threading import Lock, Thread
from time import monotonic_ns
from typing import Any

from app.workloads.catalogue import Workload
from app.workloads.context import Context, Json
from app.workloads.loops.generator_tasks import GeneratorTasks, Task
from app.workloads.measured import Shown, head
from app.workloads.picture import COLOURS, Axis, Line, chart

NUMBERS = (2, 8, 32)  # of tasks

_AT_ONCE = 64  # turns between two looks at the clock, which would cost more than some of the switches do
_POLL_S = 0.1
_TIMES = ("1 ns", "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s")


class TurnCounter:
    """Counts turns, whoever takes them: only one task has the turn."""

    def __init__(self, ctx: Context, until_ns: int) -> None:
        self._ctx = ctx
        self._until_ns = until_ns
        self._left = _AT_ONCE
        self.begin_ns = self.end_ns = monotonic_ns()
        self.taken = 0
        self.over = False

    def take(self) -> None:
        """One more."""
        self._left -= 1
        if not self._left:
            self._left = _AT_ONCE
            self.taken += _AT_ONCE
            self._ctx.count(_AT_ONCE)
            self.end_ns = monotonic_ns()
            self.over = self.over or self.end_ns >= self._until_ns or self._ctx.stopping


def generators(turns: TurnCounter, number: int) -> None:
    """A loop in Python sends to one after the other."""

    def task() -> Task:
        while True:
            turns.take()
            yield None

    tasks = GeneratorTasks()
    for _ in range(number):
        tasks.start(task())
    tasks.run(lambda: turns.over, _POLL_S)
    tasks.close()


def coroutines(turns: TurnCounter, number: int) -> None:
    """asyncio's loop calls one after the other."""

    async def task() -> None:
        while not turns.over:
            turns.take()
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(task() for _ in range(number)))

    asyncio.run(all_of_them())


def threads(turns: TurnCounter, number: int) -> None:
    """Each thread waits at a lock of its own, and lets the next one's go."""
    locks = [Lock() for _ in range(number)]
    for lock in locks:
        lock.acquire()

    def task(own: Lock, following: Lock) -> None:
        while not turns.over:
            if own.acquire(timeout=_POLL_S):
                turns.take()
                following.release()

    ring = [
        Thread(target=task, args=(lock, locks[(at + 1) % number]), name=f"task-{at + 1}")
        for at, lock in enumerate(locks)
    ]
    for thread in ring:
        thread.start()
    locks[0].release()
    for thread in ring:
        thread.join()


_KINDS: dict[str, Callable[[TurnCounter, int], None]] = {
    "generators": generators,
    "asyncio": coroutines,
    "threads": threads,
}


def _work(ctx: Context) -> Json:
    steps = [(kind, number) for kind in _KINDS for number in NUMBERS]
    start_ns, deadline_ns = ctx.span
    rows = []
    for at, (kind, number) in enumerate(steps, 1):
        if ctx.stopping:
            break
        ctx.report({"phase": f"{number} {kind}"})
        turns = TurnCounter(ctx, start_ns + (deadline_ns - start_ns) * at // len(steps))
        _KINDS[kind](turns, number)
        if turns.taken:
            rows.append([kind, number, turns.taken, (turns.end_ns - turns.begin_ns) / turns.taken])
    return {"rows": rows}


def _summarise(prepared: None, found: Sequence[Json], companion: Json | None) -> Json:
    rows = found[0]["rows"]
    heads = [
        *(head("Tasks are", "text"), head("Tasks"), head("Turns taken"), head("One switch takes", "ns")),
    ]
    costs = {kind: [ns for of, _, _, ns in rows if of == kind] for kind in _KINDS}
    return {
        **{f"{kind}_ns": min(costs[kind], default=None) for kind in _KINDS},
        "table": {"columns": ["kind", "tasks", "turns", "switch_ns"], "heads": heads, "rows": rows},
        "pictures": pictures(rows),
    }


def pictures(rows: Sequence[Sequence[Any]]) -> list[Json]:
    """The curve: what a switch takes, by the number of tasks, a line a kind. None before two numbers."""
    lines = []
    for kind, colour in zip(_KINDS, (COLOURS[0], COLOURS[4], COLOURS[2])):
        own = [(NUMBERS.index(number) + 1, log10(ns)) for of, number, _, ns in rows if of == kind]
        if len(own) > 1:
            lines.append(Line(kind, colour, own, True))
    if not lines:
        return []
    powers = [power for line in lines for _, power in line.points]
    lowest = floor(min(powers))
    lines = [line._replace(points=[(at, power - lowest) for at, power in line.points]) for line in lines]
    said = [f"{line.label} {_told(10 ** (line.points[-1][1] + lowest))}" for line in lines]
    return [
        {
            "title": "What one switch takes, by the number of tasks, on a scale of powers",
            "svg": chart(
                Axis("tasks", lambda at: str(NUMBERS[int(at) - 1]), [*range(1, len(NUMBERS) + 1)]),
                Axis("", lambda power: _TIMES[int(power) + lowest], [*range(ceil(max(powers)) - lowest + 1)]),
                lines,
            ),
            "alt": f"One switch among the most tasks takes: {', '.join(said)}.",
        }
    ]


def _told(ns: float) -> str:
    return f"{ns:,.0f} ns" if ns < 1_000 else f"{ns / 1_000:,.1f} µs"


def _showed(result: Json) -> Sequence[str]:
    costs = {kind: result[f"{kind}_ns"] for kind in _KINDS}
    measured = {kind: ns for kind, ns in costs.items() if ns is not None}
    if not measured:
        return ("The run ended before a turn was handed on.",)
    said = [
        f"A turn handed on at its quickest: {', '.join(f'{k} {_told(ns)}' for k, ns in measured.items())}."
    ]
    if len(measured) == len(costs):
        generators, loop = (costs["threads"] / costs[kind] for kind in ("generators", "asyncio"))
        said.append(
            f"A switch between threads took {generators:,.0f} times as long as one between generators, and "
            f"{loop:,.1f} times as long as one between tasks of asyncio."
        )
    return said


TASK_SWITCHES = Workload(
    name="task-switches",
    family="asyncio",
    title="What a switch costs",
    sentence="A turn goes round among 2, 8 and 32 tasks: generators, coroutines of asyncio, threads.",
    op="one turn taken",
    look_for=(
        "For two thirds of the time one lane runs without a pause: generators, then tasks of asyncio, switch "
        "inside of one thread, and neither the kernel nor the GIL is asked.",
        "Then the threads come: lanes of lock with slivers of running between, and the GIL changes hands "
        "with every turn. Each turn is two locks, a wake-up by the kernel, and the GIL handed over.",
        "The curve has what one switch takes. More tasks hardly change it: nobody but the one that has the "
        "turn runs.",
    ),
    why=(
        "`send` is a call that goes on where the generator stopped: its frame is kept, and nothing else has "
        "to be saved. A task of asyncio is the same with a loop, a handle and a context around it.",
        "A thread that waits gives its CPU back to the kernel, and has to be woken before it can ask for the "
        "GIL. That is what buys interruption: a task that does not yield keeps all others from theirs.",
    ),
    helps=(
        "Tasks for many that wait, threads for calls that block and cannot be awaited.",
        "Hand on less often: a switch a millisecond costs nothing in any of the three.",
    ),
    subject="Generators and send as tasks: the scheduler of a server from scratch (chapter 18).",
    question="work",
    roles=("ring",),
    work=_work,
    executors=("threads",),
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("generators_ns", "Switch between generators, quickest", "ns"),
        Shown("asyncio_ns", "Switch between tasks of asyncio, quickest", "ns"),
        Shown("threads_ns", "Switch between threads, quickest", "ns"),
    ),
)
