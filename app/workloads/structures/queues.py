"""The same items through four kinds of queue."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from contextlib import ExitStack
from queue import Empty
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.structures.channels import Channel, Route, routes

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
        items = _produce(ctx, route, until_ns) if ctx.role == "producer" else _consume(ctx, route)
        length_s = (monotonic_ns() - begin_ns) / _NS_A_SECOND
        found.append({"items": items, "seconds": length_s, "switches": _switches() - switches})
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


def _consume(ctx: Context, route: Route) -> int:
    items = 0
    while _get(ctx, route.items) is not None:
        route.credits.put(1)
        ctx.count(1)
        items += 1
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
    return {"table": {"columns": ["queue", "items", "items/s", "switches an item"], "rows": rows}}


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
        "The table has items a second, and how often the kernel had to switch threads for each of them.",
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
