"""A producer, consumers, and a queue between them: priorities, and poison pills to end with."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from queue import Empty, Full, PriorityQueue
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.gil.cpu_bound import count_down
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown, of_latencies
from app.workloads.picture import COLOURS, Axis, Line, chart

URGENT_EVERY = 10

_POLL_S = 0.1
_BINS = 20  # of the run's time: so many points have its curves
_NS_A_SECOND = 1_000_000_000
_KINDS = ("urgent", "ordinary")
_FIRST, _URGENT, _ORDINARY = range(3)


class Task(NamedTuple):
    """What lies in the queue; the lowest comes out first. A pill ends the consumer that takes it."""

    priority: int
    number: int
    put_ns: int
    urgent: bool
    pill: bool


class Prepared(NamedTuple):
    """The queue, and how many will need a pill."""

    tasks: PriorityQueue[Task]
    consumers: int


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    return Prepared(PriorityQueue(int(setting.params["capacity"])), setting.workers - 1)


def _work(ctx: Context) -> Json:
    return _produce(ctx) if ctx.role == "producer" else _consume(ctx)


def _produce(ctx: Context) -> Json:
    """Put tasks for as long as there is room, and at the end make room for the pills."""
    tasks, full = ctx.prepared.tasks, 0
    numbers = itertools.count()
    while not ctx.stopping:
        number = next(numbers)
        urgent = number % URGENT_EVERY == 0
        priority = _URGENT if urgent and ctx.params["priorities"] else _ORDINARY
        task = Task(priority, number, monotonic_ns(), urgent, pill=False)
        while not ctx.stopping:
            try:
                tasks.put(task, timeout=_POLL_S)
            except Full:
                full += 1
            else:
                break
    left = _cleared(tasks)
    for number in range(ctx.prepared.consumers):
        tasks.put(Task(_FIRST, number, monotonic_ns(), urgent=False, pill=True))
    return {"left": left, "full": full}


def _cleared(tasks: PriorityQueue[Task]) -> int:
    """Take all out that nobody will do; how many."""
    left = 0
    while True:
        try:
            tasks.get_nowait()
        except Empty:
            return left
        left += 1


def _consume(ctx: Context) -> Json:
    """Do tasks until a pill comes."""
    start_ns, deadline_ns = ctx.span
    bin_ns = (deadline_ns - start_ns) / _BINS
    waits = {True: Latencies(), False: Latencies()}
    curves = {kind: [Latencies() for _ in range(_BINS)] for kind in waits}
    while True:
        task = ctx.prepared.tasks.get()
        if task.pill:
            return {
                **{"urgent": waits[True], "ordinary": waits[False]},
                "curves": [curves[True], curves[False]],
                "bin_s": bin_ns / _NS_A_SECOND,
            }
        now_ns = monotonic_ns()
        for into in (
            waits[task.urgent],
            curves[task.urgent][min(int((now_ns - start_ns) / bin_ns), _BINS - 1)],
        ):
            into.add(now_ns - task.put_ns)
        for _ in range(ctx.params["pieces"]):
            count_down()
        ctx.count(1)


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    waits = {kind: Latencies() for kind in _KINDS}
    for consumer in found[1:]:
        for kind, latencies in waits.items():
            latencies.merge(consumer[kind])
    curves = [[Latencies() for _ in range(_BINS)] for _ in _KINDS]
    for consumer in found[1:]:
        for into, part in zip(chain(*curves), chain(*consumer["curves"])):
            into.merge(part)
    return {
        "pictures": pictures(
            [[each.summary_ms()["p50"] for each in kind] for kind in curves], found[1]["bin_s"]
        ),
        "urgent_wait_ms": waits["urgent"].summary_ms(),
        "ordinary_wait_ms": waits["ordinary"].summary_ms(),
        "pills_taken": len(found) - 1,
        "tasks_left": found[0]["left"],
    }


def pictures(medians: Sequence[Sequence[float | None]], bin_s: float) -> list[Json]:
    """The curves: how long half of the tasks waited at most, urgent and ordinary ones, over the run.

    `medians` are in milliseconds, a list a kind, None where no task of it was taken. A run
    without any has no picture.
    """
    lines = [
        Line(kind, colour, [((at + 0.5) * bin_s, wait) for at, wait in enumerate(waits) if wait is not None])
        for kind, colour, waits in zip(_KINDS, (COLOURS[2], COLOURS[0]), medians)
    ]
    if not any(line.points for line in lines):
        return []
    said = [
        f"{line.label} ones {median(wait for _, wait in line.points):.3g} ms" for line in lines if line.points
    ]
    return [
        {
            "title": "How long tasks waited in the queue over the run, the median",
            "svg": chart(Axis("seconds", "{:g}".format), Axis("ms", "{:g}".format), lines),
            "alt": f"Half of the tasks waited no longer than: {', '.join(said)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    said = [f"Consumers: {result['workers'] - 1}; they did {result['ops_per_s']:,.0f} tasks a second."]
    for kind in _KINDS:
        wait = result[f"{kind}_wait_ms"]
        if wait["count"]:
            said.append(
                f"{wait['count']:,} {kind} tasks waited a median of {wait['p50']:.1f} ms, and "
                f"{wait['max']:.1f} ms at most."
            )
    said.append(
        f"Pills taken at the end: {result['pills_taken']}, one by each consumer; tasks left undone: "
        f"{result['tasks_left']}."
    )
    return said


TASK_QUEUE = Workload(
    name="task-queue",
    family="models",
    title="Producers and consumers",
    sentence="A bounded queue between a producer and its consumers: urgent tasks first, poison pills last.",
    op="one task done",
    look_for=(
        "The producer is quicker than the consumers, so it stands at the full queue, in the state lock: the "
        "bound holds it back, and the memory down.",
        "Compare the two curves in the result: an urgent task overtakes all that wait. Set priorities to "
        "false, and both wait alike.",
    ),
    why=(
        "A queue is the one place where threads meet: whoever takes a task owns it, and nothing else has to "
        "be locked.",
        "A consumer that blocks in get cannot look at a flag. A pill is a task like any other, so each takes "
        "exactly one and ends.",
    ),
    helps=(
        "Bound the queue: without a bound a producer that is quicker fills the memory.",
        "Put one pill for each consumer, and put them where they come out last; here the run is over, so the "
        "queue is emptied first.",
    ),
    subject="Working with threads and with processes: queues and poison pills (chapters 3 and 6).",
    roles=("producer", "consumer"),
    counting="consumer",
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=32,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        *of_latencies("urgent_wait_ms", "Urgent task waited"),
        *of_latencies("ordinary_wait_ms", "Ordinary task waited"),
        Shown("pills_taken", "Pills taken at the end"),
        Shown("tasks_left", "Tasks left undone"),
    ),
    params=(
        Param("priorities", "bool", True, "Whether urgent tasks come out first."),
        Param("capacity", "int", 100, "How many tasks the queue holds.", min=1, max=10_000),
        Param("pieces", "int", 2, "How much work a task is: pieces of about 0.2 ms.", min=1, max=500),
    ),
)
