"""What children of a fork copied of the memory that they shared with their parent, told by a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.analysis.heaps import HeapReading
from app.analysis.processes import MemoryReading
from app.model.summary import HeapRow, MemoryRow

MIB = 1024 * 1024
PAGE_BYTES = 4096  # the smallest that a fault can copy

# Copying changes whose a page is, not how many there are: USS grows, RSS and the heap do not, and each page
# took a fault. Without the faults a sibling or the parent has let go of its share.
COPIED_BYTES = 8 * MIB
OTHER_SHARE = 0.25  # of the USS's growth, that RSS or the heap may have grown by
FAULTED_SHARE = 0.5  # of the USS's growth, that faults must account for


class Copies(NamedTuple):
    """What a child of a fork came to have to itself."""

    pid: int
    parent: int
    uss_first: int
    uss_last: int
    rss_grown: int
    heap_grown: int | None  # None where its heap was not read twice
    faults: int

    @property
    def grown(self) -> int:
        """Bytes copied."""
        return self.uss_last - self.uss_first


def readings_of(heap: HeapRow) -> list[HeapReading]:
    """The readings in a heap's course."""
    return [HeapReading._make(row) for row in heap["course"]["rows"]]


def copies_of(child: MemoryRow, parent: MemoryRow, heaps: dict[int, list[HeapRow]]) -> Copies | None:
    """What a child copied while its parent was there; None where it grew in another way, or not."""
    until_us = float("inf") if parent["ended_s"] is None else parent["ended_s"] * 1e6
    known = [
        (rss, uss)
        for at_us, rss, uss, _ in map(MemoryReading._make, child["course"]["rows"])
        if rss is not None and uss is not None and at_us < until_us
    ]
    if not known:
        return None
    (rss_first, uss_first), (rss_last, uss_last) = known[0], known[-1]
    copies = Copies(
        pid=child["pid"],
        parent=parent["pid"],
        uss_first=uss_first,
        uss_last=uss_last,
        rss_grown=rss_last - rss_first,
        heap_grown=_heap_grown(heaps.get(child["pid"], ())),
        faults=child["minor_faults"] or 0,
    )
    if (
        copies.grown < COPIED_BYTES
        or copies.rss_grown > OTHER_SHARE * copies.grown
        or (copies.heap_grown or 0) > OTHER_SHARE * copies.grown
        or copies.faults * PAGE_BYTES < FAULTED_SHARE * copies.grown
    ):
        return None
    return copies


def _heap_grown(heaps: Sequence[HeapRow]) -> int | None:
    """By how many bytes the heaps of a process grew from their first readings to their last."""
    courses = [course for heap in heaps if len(course := readings_of(heap)) > 1]
    if not courses:
        return None
    return sum(course[-1].bytes_used - course[0].bytes_used for course in courses)
