"""From 8 bytes to 1 MiB: who serves an allocation, what it costs, and what comes back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import repeat
from math import ceil, log10
from statistics import median
from time import perf_counter_ns
from typing import Any

from app.workloads.catalogue import Param, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown, head
from app.workloads.memory.measures import MEGABYTE, SMALL_BYTES, allocator, resident
from app.workloads.picture import COLOURS, Axis, Line, chart

_EMPTY_BYTES = sys.getsizeof(b"")
_LAST_SMALL = SMALL_BYTES - _EMPTY_BYTES
PAYLOADS = (8, 16, 32, 64, 128, 256, _LAST_SMALL, _LAST_SMALL + 1, *(4**power for power in range(5, 11)))
_TIMES = ("1 ns", "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s")
MOST_OBJECTS = 50_000  # on a rung


_HEADS = [
    *(head("Bytes"), head("Block, bytes"), head("Allocator", "text"), head("Objects")),
    *(head("Allocate one", "ns"), head("Free one", "ns"), head("More arenas")),
    *(head("RSS grew by", "bytes"), head("RSS left when freed", "bytes")),
]


def _work(ctx: Context) -> Json:
    """Climb the ladder over and over."""
    rungs: dict[int, list[Json]] = {payload: [] for payload in PAYLOADS}
    while not ctx.stopping:
        for payload in PAYLOADS:
            if ctx.stopping:
                break
            rungs[payload].append(_climb(ctx, payload))
    return {"rungs": rungs}


def _climb(ctx: Context, payload: int) -> Json:
    """Allocate many objects of one size, and free them; what moved meanwhile."""
    size = payload + _EMPTY_BYTES
    count = max(2, min(MOST_OBJECTS, ctx.params["megabytes"] * MEGABYTE // size))
    arenas, blocks, rss = allocator().arenas, sys.getallocatedblocks(), resident()
    begin_ns = perf_counter_ns()
    objects = list(map(bytes, repeat(payload, count)))
    made_ns = perf_counter_ns()
    blocks_more, rss_more, then = sys.getallocatedblocks() - blocks, resident() - rss, allocator()
    free_from_ns = perf_counter_ns()
    objects.clear()
    freed_ns = perf_counter_ns()
    ctx.count(count)
    return {
        "objects": count,
        "allocate_ns": (made_ns - begin_ns) / count,
        "free_ns": (freed_ns - free_from_ns) / count,
        "blocks": blocks_more,
        "arenas": None if arenas is None or then.arenas is None else then.arenas - arenas,
        "rss": rss_more,
        "rss_left": resident() - rss,
    }


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    small = allocator().name
    rungs = []
    for payload, climbs in found[0]["rungs"].items():
        if not climbs:
            continue
        size = payload + _EMPTY_BYTES
        served = small if small == "mimalloc" or size <= SMALL_BYTES else "malloc"
        middle = {name: median(climb[name] for climb in climbs) for name in ("allocate_ns", "free_ns")}
        # The first climb finds no arenas left by an earlier one.
        rungs.append({"bytes": payload, "block": size, "allocator": served, **climbs[0], **middle})
    return {"rungs": rungs, "small_bytes": SMALL_BYTES, "table": _table(rungs), "pictures": pictures(rungs)}


def pictures(rungs: Sequence[Json]) -> list[Json]:
    """The curve: how long one object takes, by its size, on a scale of powers; none of a single rung."""
    if len(rungs) < 2:
        return []
    named = [f"{rung['bytes']:,}" for rung in rungs]
    every = max(1, len(rungs) // 6)
    places = [*range(1, len(rungs) + 1, every)]
    lines = [
        Line(label, colour, [(n, log10(max(1.0, rung[key]))) for n, rung in enumerate(rungs, 1)], dots=True)
        for label, colour, key in (("allocate", COLOURS[0], "allocate_ns"), ("free", COLOURS[2], "free_ns"))
    ]
    highest = ceil(max(value for line in lines for _, value in line.points))
    return [
        {
            "title": "How long it takes to allocate and to free one object, by its size",
            "svg": chart(
                Axis("bytes", lambda place: named[int(place) - 1], places),
                Axis("", lambda power: _TIMES[int(power)], [*range(highest + 1)]),
                lines,
            ),
            "alt": f"To allocate {named[0]} bytes takes {rungs[0]['allocate_ns']:,.0f} ns, {named[-1]} bytes "
            f"{rungs[-1]['allocate_ns']:,.0f} ns.",
        }
    ]


def _table(rungs: Sequence[Json]) -> Json:
    shown = ("bytes", "block", "allocator", "objects", "allocate_ns", "free_ns", "arenas", "rss", "rss_left")
    rows = [[round(v, 1) if isinstance(v := rung[name], float) else v for name in shown] for rung in rungs]
    return {"columns": list(shown), "heads": _HEADS, "rows": rows}


def _showed(result: Json) -> list[str]:
    rungs = result["rungs"]
    if len(rungs) < len(PAYLOADS):
        return []
    by_payload = {rung["bytes"]: rung for rung in rungs}
    last, first = by_payload[_LAST_SMALL], by_payload[_LAST_SMALL + 1]
    largest = rungs[-1]
    said = [
        f"An allocation took {rungs[0]['allocate_ns']:.0f} ns for {rungs[0]['bytes']} bytes, "
        f"{last['allocate_ns']:,.0f} ns for {last['bytes']} and {largest['allocate_ns']:,.0f} ns for "
        f"{largest['bytes']:,}."
    ]
    if last["arenas"] is not None:
        said.append(
            f"A block of {last['block']} bytes is pymalloc's: {last['objects']:,} of them took "
            f"{last['arenas']:,} more arenas. One of {first['block']} is the C library's: "
            f"{first['objects']:,} of those took {first['arenas']:,}."
        )
    return said


ALLOCATION_LADDER = Workload(
    name="allocation-ladder",
    family="memory",
    title="From 8 bytes to a megabyte",
    sentence="Allocates objects of every size: pymalloc serves those of up to 512 bytes, the C library the "
    "rest.",
    op="one object allocated and freed",
    look_for=(
        "In the heap the size classes fill and empty one after the other, up to the one of 512 bytes; then "
        "the blocks in use stand still while RSS goes on moving: those are the C library's.",
        "In the result, compare the last size that pymalloc serves with the one after it.",
    ),
    why=(
        "An object's memory comes from PyObject_Malloc. It takes up to 512 bytes from a pool of blocks of "
        "that size, with no system call and no search; anything larger it passes to malloc.",
        "The object is larger than what is in it: bytes take 33 more for their header, 49 in a free-threaded "
        "build, where mimalloc serves all sizes.",
    ),
    helps=(
        "Many small objects cost a header and a pointer each: __slots__, tuples, array or NumPy hold the "
        "same in less.",
        "Memory for large blocks is mapped and unmapped by the C library, and each page costs a fault when "
        "it is first written: reuse a buffer (readinto, memoryview) rather than making a new one.",
    ),
    subject="Memory management: raw allocator, private heap, object-specific allocators (chapter 17).",
    roles=("main",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=_showed,
    shown=(Shown("small_bytes", "Largest block of pymalloc", "bytes"),),
    params=(
        Param("megabytes", "int", 16, "How much is allocated on a rung, at most.", min=2, max=128, unit="MB"),
    ),
)
