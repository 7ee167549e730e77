"""The same items through four kinds of queue."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from contextlib import ExitStack
from math import ceil, log10
from queue import Empty
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import head
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.structures.channels import Channel, Route, routes

_BINS = 20  # of the time that each queue has: so many points has its curve
_COUNTED_AT_ONCE = 64  # items: to look at the clock for each would cost more than some of the queues do
_POWERS = ("1", "10", "100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M")  # how a power of ten is written
_SLICE_S = 0.1  # how long a worker is blocked before it looks whether to end
_NS_A_SECOND = 1_000_000_000


class Prepared(NamedTuple):
    """The queues, and for how many consumers."""

    routes: list[Route]
    consumers: int


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    method = str(setting.params["start_method"])
    return Prepared(routes(setting.executor, method, resources), setting.workers - 1)


def _work(ctx: Context) -> Json:
    """All queues in turn. The producer ends each after its share of the time, with a pill a consumer."""
    start_ns, deadline_ns = ctx.span
    found = []
    for number, route in enumerate(ctx.prepared.routes):
        until_ns = start_ns + (deadline_ns - start_ns) * (number + 1) // len(ctx.prepared.routes)
        begin_ns, switches = monotonic_ns(), _switches()
        bins = [0] * _BINS
        if ctx.role == "producer":
            items = _produce(ctx, route, until_ns)
        else:
            items = _consume(ctx, route, bins, (until_ns - begin_ns) / _BINS)
        length_s = (monotonic_ns() - begin_ns) / _NS_A_SECOND
        at_s = (begin_ns - start_ns) / _NS_A_SECOND
        length = {"at_s": at_s, "share_s": (until_ns - begin_ns) / _NS_A_SECOND, "seconds": length_s}
        found.append({"items": items, **length, "switches": _switches() - switches, "bins": bins})
    return {"routes": found}


def _switches() -> int:
    """How often the kernel took the CPU from this thread, or the thread gave it back by blocking."""
    usage = resource.getrusage(resource.RUSAGE_THREAD)
    return usage.ru_nvcsw + usage.ru_nivcsw


def _produce(ctx: Context, route: Route, until_ns: int) -> int:
    items = 0
    for _ in range(ctx.params["capacity"]):
        route.credits.put(1)
    while monotonic_ns() < until_ns and not ctx.stopping and _get(ctx, route.credits) is not None:
        route.items.put(items)
        items += 1
    for _ in range(ctx.prepared.consumers):
        route.items.put(None)
    return items


def _consume(ctx: Context, route: Route, bins: list[int], bin_ns: float) -> int:
    """How many items came; `bins` counts them by when, each `bin_ns` long, the last with what comes after."""
    items, begin_ns = 0, monotonic_ns()
    while _get(ctx, route.items) is not None:
        route.credits.put(1)
        ctx.count(1)
        items += 1
        if items % _COUNTED_AT_ONCE == 0:
            bins[min(int((monotonic_ns() - begin_ns) / max(bin_ns, 1.0)), _BINS - 1)] += _COUNTED_AT_ONCE
    return items


def _get(ctx: Context, channel: Channel) -> int | None:
    """The next item; None for a pill, or if it is time to end and none comes."""
    while True:
        try:
            return channel.get(timeout=_SLICE_S)
        except Empty:
            if ctx.stopping:
                return None


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    rows = []
    for number, route in enumerate(prepared.routes):
        producer, *consumers = (worker["routes"][number] for worker in found)
        items = sum(each["items"] for each in consumers)
        switches = producer["switches"] + sum(each["switches"] for each in consumers)
        seconds = max(producer["seconds"], *(each["seconds"] for each in consumers))
        rows.append([route.kind, items, items / seconds, switches / items if items else None])
    heads = [
        *(
            head("Queue", "text"),
            head("Items"),
            head("Items a second", "rate"),
            head("Thread switches for each item"),
        ),
    ]
    columns = ["queue", "items", "items/s", "switches an item"]
    return {
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(
            [route.kind for route in prepared.routes], [each["routes"] for each in found[1:]]
        ),
    }


def pictures(kinds: Sequence[str], consumers: Sequence[Sequence[Json]]) -> list[Json]:
    """The curve: how many items a second went through each queue while it had its turn.

    `consumers` has of each what `_work` found of each queue. None where nothing was counted.
    """
    lines = []
    for number, kind in enumerate(kinds):
        first = consumers[0][number]
        bin_s = first["share_s"] / _BINS
        # What came after the queue's time is in its last bin.
        counts = [sum(consumer[number]["bins"][at] for consumer in consumers) for at in range(_BINS - 1)]
        if bin_s > 0 and any(counts):
            # In a bin of a slow queue nothing may have been counted: what is counted together is told later.
            points = [
                (first["at_s"] + (at + 0.5) * bin_s, log10(count / bin_s))
                for at, count in enumerate(counts)
                if count
            ]
            lines.append(Line(kind, COLOURS[number % len(COLOURS)], points))
    if not lines:
        return []
    highest = ceil(max(value for line in lines for _, value in line.points))
    means = [f"{line.label} {10 ** median(value for _, value in line.points):,.0f}" for line in lines]
    return [
        {
            "title": "Items a second while each queue had its turn, on a scale of powers",
            "svg": chart(
                Axis("seconds", "{:g}".format),
                Axis("items/s", lambda power: _POWERS[int(power)], [*range(highest + 1)]),
                lines,
            ),
            "alt": f"Items a second, a median of: {', '.join(means)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    return [
        f"{kind}: {rate:,.0f} items a second"
        + (f"; for each, the kernel switched threads {switches:.2f} times." if items else ".")
        for kind, items, rate, switches in result["table"]["rows"]
    ]


QUEUES = Workload(
    name="queues",
    family="structures",
    title="Four queues",
    sentence="One producer hands items to consumers through each of four queues in turn.",
    op="one item consumed",
    look_for=(
        "The run goes through the queues one after the other, a part of the timeline each. Where a worker "
        "finds nothing it is blocked: its lane is lock, or io at the pipe of multiprocessing.Queue.",
        "On a deque nobody is ever blocked: consumers that find it empty ask again and again, and the lanes "
        "are running and waiting without anything to do.",
        "The curve and the table have items a second; the table also how often the kernel had to switch "
        "threads for each of them.",
    ),
    why=(
        "queue.Queue is written in Python, with a lock and three conditions around a deque. SimpleQueue is C "
        "code with one lock. A deque's append and popleft need no lock, and so offer nothing to wait at.",
        "multiprocessing.Queue pickles each item, and a thread of its own writes it to a pipe: that is what "
        "it takes to cross to another process, and what is paid within one too.",
    ),
    helps=(
        "Between threads take SimpleQueue, or queue.Queue where a bound, task_done or join is needed.",
        "Send larger items, and fewer of them: what is paid is paid for each.",
    ),
    subject="Threads and their queues; data structures that need no lock around them (chapter 16).",
    roles=("producer", "consumer"),
    counting="consumer",
    work=_work,
    executors=("threads", "processes"),
    workers=3,
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    params=(Param("capacity", "int", 64, "How many items are on their way at the most.", min=1, max=1_000),),
)
