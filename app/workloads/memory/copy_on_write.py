"""Reading writes: what a forked child copies of memory that it only looks at."""

from __future__ import annotations

import gc
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from time import monotonic_ns, sleep
from typing import Any, Union

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.memory.measures import MEGABYTE, private, sized

TOUCHED_FROM = 0.3  # of the time: until then the children hold still, and are seen to share

_LOOK_S = 0.1
_PIECE = 100_000  # objects between two questions whether to end


class Reading:
    """An object as programs have them: the collector follows it, and its value is another object."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


def _block_bytes(each: object) -> int:
    """The memory that an object takes, with its header and the collector's, in blocks of 16 bytes."""
    return -(-sys.getsizeof(each) // 16) * 16


# And the pointer to it in a list.
READING_BYTES = _block_bytes(Reading(0.0)) + _block_bytes(0.0) + 8

Readings = Union["list[Reading]", "array[float]"]


def _objects(size: int) -> Readings:
    return [Reading(float(number)) for number in range(size // READING_BYTES)]


def _frozen(size: int) -> Readings:
    readings = _objects(size)
    gc.freeze()
    return readings


def _buffer(size: int) -> Readings:
    return array("d", range(size // 8))


_DATA: dict[str, Callable[[int], Readings]] = {"objects": _objects, "frozen": _frozen, "buffer": _buffer}


def _prepare(setting: Setting, resources: ExitStack) -> Readings:
    gc.collect()  # so that no child has garbage of its parent's to free
    return _DATA[str(setting.params["data"])](int(setting.params["megabytes"]) * MEGABYTE)


def _work(ctx: Context) -> Json:
    """Hold still, then touch all the data over and over; measure what this process has to itself."""
    gc.disable()  # a collection is one of the things to be told apart
    start_ns, deadline_ns = ctx.span
    while monotonic_ns() < start_ns + TOUCHED_FROM * (deadline_ns - start_ns) and not ctx.stopping:
        sleep(_LOOK_S)
    before, touched = private(), 0
    if ctx.worker == 0:
        ctx.report({"phase": ctx.params["child"]})
    touch = _collect if ctx.params["child"] == "collects" else _read
    while not ctx.stopping:
        touched += touch(ctx)
    return {"before": before, "after": private(), "touched": touched}


def _collect(ctx: Context) -> int:
    """One collection of all generations: it writes into the header of each object that it follows."""
    gc.collect()
    ctx.count(1)
    sleep(_LOOK_S)
    return 1


def _read(ctx: Context) -> int:
    """Every reading once: nothing is assigned, and yet each object's count goes up and down."""
    readings = iter(ctx.prepared)
    touched = 0
    while not ctx.stopping:
        piece = _sum(islice(readings, _PIECE))
        if not piece:
            break
        ctx.count(piece)
        touched += piece
    return touched


def _sum(readings: Iterable[Any]) -> int:
    seen, total = 0, 0.0
    for reading in readings:
        total += reading if type(reading) is float else reading.value
        seen += 1
    return seen


def _summarise(prepared: Readings, found: Sequence[Json], companion: Json | None) -> Json:
    size = len(prepared) * (8 if isinstance(prepared, array) else READING_BYTES)
    growth = [child["after"] - child["before"] for child in found if "after" in child]
    return {
        "data_bytes": size,
        "uss_before": [child["before"] for child in found if "after" in child],
        "uss_after": [child["after"] for child in found if "after" in child],
        "uss_growth": growth,
        "copied_share": max(growth) / size if growth else None,
        "touched": sum(child.get("touched", 0) for child in found),
    }


def _showed(result: Json) -> list[str]:
    if not result["touched"]:
        return []
    growth, before, after = max(zip(result["uss_growth"], result["uss_before"], result["uss_after"]))
    return [
        f"The parent made {sized(result['data_bytes'])} of data before it forked, and nothing was ever "
        f"assigned to it. What a child had to itself went from {sized(before)} to "
        f"{sized(after)}: {growth / result['data_bytes']:.0%} of the data was copied.",
        f"All children together, {len(result['uss_growth'])} of them, took "
        f"{sized(sum(result['uss_growth']))} more.",
    ]


COPY_ON_WRITE = Workload(
    name="copy-on-write",
    family="memory",
    title="Children that copy what they read",
    sentence="Forked children only read what their parent made, and still get a copy of it, page by page.",
    op="one reading read, or one collection",
    look_for=(
        "Until a third of the time the children hold still: their USS is small, all the data is shared.",
        "Then they read. Each child's USS climbs by the size of the data though it allocates nothing: "
        "compare its blocks in use, which stand still, with its minor faults, one for each page copied.",
        "With data=buffer neither moves. With data=frozen and child=collects the collector leaves the pages "
        "alone, but reading still copies them.",
    ),
    why=(
        "After a fork both processes share every page until one of them writes to it. To look at an object "
        "is to hold a reference, and its count is in the object itself: a read writes.",
        "The collector writes too: it keeps its own counts in the header of each object that it follows. "
        "gc.freeze() before the fork takes the objects out of its reach, so that no collection in a child "
        "copies them; it does nothing about reference counts.",
        "The numbers in an array lie in one buffer without a header each, and a read makes a float of its "
        "own.",
    ),
    helps=(
        "Keep large read-only data in buffers: array, bytes, mmap, NumPy, shared_memory.",
        "Call gc.freeze() in the parent just before it forks, where the children live long enough to "
        "collect.",
        "Count memory by PSS or USS, not by the sum of RSS, and plan for each child to grow towards a copy.",
    ),
    subject="Processes: what a fork shares, and reference counts in memory that is shared (chapter 6).",
    finding="copy-on-write-growth",
    mended=Variant("The same numbers in one buffer", params={"data": "buffer"}),
    roles=("child",),
    work=_work,
    executors=("processes",),
    executor="processes",
    workers=2,
    max_workers=4,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("data_bytes", "Data of the parent", "bytes"),
        Shown("uss_before", "Children's own memory before", "bytes"),
        Shown("uss_after", "Children's own memory after", "bytes"),
        Shown("copied_share", "Share of the data copied", "share"),
    ),
    params=(
        Param("megabytes", "int", 60, "How much data the parent makes.", min=2, max=200, unit="MB"),
        Param(
            "data",
            "choice",
            "objects",
            "What the data is: objects, the same after gc.freeze(), or an array of numbers.",
            choices=tuple(_DATA),
        ),
        Param(
            "child",
            "choice",
            "reads",
            "What the children do: read every object, or run the collector.",
            choices=("reads", "collects"),
        ),
    ),
)
