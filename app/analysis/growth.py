"""How the memory of a process grows, and which kind of it: see lows.py for when that is said.

What a process alone has written to, in memory or swapped out, is what it would give back by ending, so that
is what is judged; where it could not be read, the USS, or the RSS. The USS has pages of files too, of which
another program that starts takes some away. It is no growth of the program's where all
that it has, in memory or swapped out, stands still: pages that others have let go of, or that were copied
from a parent, are of a finding of their own.

Which kind of memory it is follows from the parts of the RSS (parts.py), at the pace at which they were read,
and from the number of blocks of more than 512 bytes, which CPython counts from 3.12 on. Where that grows as
the C library's blocks do, they are Python's objects; where it does not, somebody else's: native memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.analysis.course import Course, Row
from app.analysis.lows import Lows, Stored, lowest, slope
from app.analysis.parts import PARTS
from app.model.summary import GrowthKind, GrowthRow, PartName

MIB = 1 << 20

LEAST_BYTES = MIB
LEAST_SHARE = 0.02
_SPREAD = 0.25  # of what arenas grow by: where objects grow by less, it is free room that does
OF_ALL = 0.5  # of its pace, that of all that the process has

# The kinds are known from three readings of the parts on, over half of the time of the growth.
_LEAST_READINGS = 3
_LEAST_SPAN = 0.5

# Blocks that grow without Python's count of large ones are native. So are those that would have to be larger
# than a block in the C library's heap can be, and by far: from its threshold on they have mappings of their
# own.
_LARGEST = 1 << 30

_BLOCKS: tuple[GrowthKind, ...] = ("native", "c_library")
_KINDS: dict[GrowthKind, tuple[PartName, ...]] = {
    "small_objects": ("objects_in_use", "objects_free"),
    "c_library": ("c_in_use", "c_mapped", "c_trimmable", "c_free_kept"),
    "stacks": ("stacks",),
    "files": ("files",),
    "shared": ("shared",),
    "huge_waste": ("huge_waste",),
    "other": ("other",),
}


class HeapNow(NamedTuple):
    """What Python's own heaps of a process had in use when they were last read; the first was at `at_us`."""

    at_us: int
    allocator: str
    bytes_used: int
    large_blocks: (
        int | None
    )  # of more than 512 bytes, which the C library keeps; None where CPython has no count


class LargeObjects(NamedTuple):
    """Of what lies in the C library's blocks, what a census knows to be objects of Python's."""

    at_us: int
    bytes: int
    blocks: int  # bytes of all blocks in use
    every_size: bool = False  # Python has no allocator of its own for the small ones: PYTHONMALLOC=malloc


class DeadCycles(NamedTuple):
    """What the next collection is likely to give back; it is due, as the collectors are not disabled."""

    since_us: int  # the last collection that freed much,
    freed: int  # and how much that was
    bytes: int


class Growth:
    """Of one process: takes its readings, tells its growth."""

    def __init__(self) -> None:
        self._own, self._all = Lows(), Lows()
        self._large = Course()
        self._allocator: str | None = None

    def rss_read(self, at_us: int, rss: int) -> None:
        """Take a reading of the RSS; where the sums are read too, they alone count."""
        self._all.add(at_us, rss)

    def sums_read(self, at_us: int, all_: int, own: int) -> None:
        """Take a reading of all that the process has, and of what it has to itself: in memory and swap."""
        if not self._own:
            self._all = Lows()
        self._all.add(at_us, all_)
        self._own.add(at_us, own)

    def heap_read(self, heap: HeapNow) -> None:
        """Take a reading of Python's heaps, that belongs to one of the parts; each once."""
        self._allocator = heap.allocator
        if heap.large_blocks is not None:
            self._large.add((heap.at_us, heap.large_blocks))

    def state(self) -> Stored:
        """All of it, to be stored."""
        return [self._own.state(), self._all.state(), self._large.state(), self._allocator]

    def absorb(self, state: Stored) -> None:
        """Add the piece that follows (pieces.py)."""
        own, all_, large, allocator = state
        had_own = bool(self._own)
        self._own.absorb(own)
        if self._own and not had_own:
            self._all = Lows()
        self._all.absorb(all_)
        self._large.absorb(large)
        self._allocator = self._allocator if allocator is None else allocator

    def row(self, parts: Course, mmap_threshold: int | None) -> GrowthRow | None:
        """The growth, None where there is none; `parts` has at_us and PARTS."""
        judged = self._own if self._own else self._all
        found = judged.trend(LEAST_BYTES, LEAST_SHARE)
        if found is None:
            return None
        span = found.from_us, found.to_us
        if (_per_s(self._all.between(*span), *span) or 0.0) < OF_ALL * found.per_s:
            return None
        kinds, large_per_s = self._kinds(parts, *span, mmap_threshold)
        if kinds is not None and kinds.get("files", 0.0) >= found.per_s / 2:
            return None  # a file that is read by its mapping: the kernel can drop those pages, and they end
        return {
            "from_s": found.from_us / 1e6,
            "to_s": found.to_us / 1e6,
            "readings": found.readings,
            "bytes_from": found.first,
            "bytes_to": found.last,
            "bytes_per_s": found.per_s,
            "kinds": kinds,
            "large_blocks_per_s": large_per_s,
        }

    def _kinds(
        self, parts: Course, from_us: int, to_us: int, mmap_threshold: int | None
    ) -> tuple[dict[GrowthKind, float] | None, float | None]:
        """The pace of each kind, and of the number of large blocks; None where it was read too seldom."""
        large_per_s = _per_s(self._large.between(from_us, to_us), from_us, to_us)
        rows = parts.between(from_us, to_us)
        kinds: dict[GrowthKind, float] = {
            kind: pace
            for kind, names in _KINDS.items()
            if (pace := _per_s(_sums(rows, names), from_us, to_us)) is not None
        }
        if "small_objects" in kinds:
            arenas = kinds.pop("small_objects")
            kinds[self._of_arenas(arenas, _per_s(_sums(rows, ("objects_in_use",)), from_us, to_us))] = arenas
        blocks = kinds.pop("c_library", None)
        if blocks is not None and _sums(rows, ("c_in_use",)):  # else another allocator has the blocks
            mapped = (_per_s(_sums(rows, ("c_mapped",)), from_us, to_us) or 0.0) > blocks / 2
            owner = self._owner(blocks, large_per_s, None if mapped else mmap_threshold)
            if owner == "native" and blocks < kinds.get("small_objects", 0.0):
                owner = "c_library"  # the tables that hold those objects grow with them, in few blocks
            kinds[owner] = blocks
        return kinds or None, large_per_s

    def _of_arenas(self, arenas: float, in_use: float | None) -> GrowthKind:
        """What of Python's arenas grows: objects, or room that stays free, as each thread's may."""
        if in_use is not None and arenas > 0 and in_use < _SPREAD * arenas:
            return "objects_free"
        return "objects" if self._allocator == "mimalloc" else "small_objects"

    def _owner(self, blocks: float, large: float | None, largest: int | None) -> GrowthKind:
        """Whose blocks of the C library they are that grow; `largest` is what one of them can have."""
        if self._allocator == "mimalloc":
            return "native"  # it keeps objects of every size itself
        if large is None:
            return "c_library"
        return "large_objects" if large > 0 and blocks / large <= 2 * (largest or _LARGEST) else "native"


def settled(growth: GrowthRow, large: LargeObjects | None, cycles: DeadCycles | None) -> GrowthRow | None:
    """The same by what objects are known; None where it is dead cycles that grow until a collection comes.

    One object that grows (bytearray) is none more for CPython's count of blocks. But where what is in no
    object is less than half of the growth until then, that cannot be native. And where CPython has no count
    (3.11), it is native if all that is in objects is less than half of it.
    """
    grown = growth["bytes_to"] - growth["bytes_from"]
    if cycles is not None and _are_of_cycles(growth, cycles) >= grown / 2:
        return None
    kinds = growth["kinds"]
    if kinds is None or large is None:
        return growth
    until_s = large.at_us / 1e6 - growth["from_s"]
    until = growth["bytes_per_s"] * until_s
    owner = next((kind for kind in _BLOCKS if kind in kinds), None)
    is_late = until_s >= _LEAST_SPAN * (growth["to_s"] - growth["from_s"])
    if owner is None or not is_late:
        return growth
    objects: GrowthKind = "objects" if large.every_size else "large_objects"
    if large.blocks - large.bytes < until / 2:
        known = objects
    elif owner == "c_library" and large.bytes < until / 2:
        known = "native"
    else:
        return growth
    return {**growth, "kinds": {known if kind == owner else kind: at for kind, at in kinds.items()}}


def _are_of_cycles(growth: GrowthRow, cycles: DeadCycles) -> int:
    """Bytes of it that the next collection gives back, or that one has since the last reading."""
    if cycles.since_us <= growth["from_s"] * 1e6:
        return cycles.bytes
    return cycles.freed if cycles.since_us >= growth["to_s"] * 1e6 else 0


def _sums(rows: list[Row], names: tuple[PartName, ...]) -> list[Row]:
    """(at_us, the sum of these parts) of each row that knows any of them."""
    columns = [PARTS.index(name) + 1 for name in names]
    return [
        (row[0], sum(row[column] or 0 for column in columns))
        for row in rows
        if any(row[column] is not None for column in columns)
    ]


def _per_s(points: Sequence[Row], from_us: int, to_us: int) -> float | None:
    """The slope of the lows; None where there are too few points for that time.

    Not of their envelope, which one walk that missed a block on the move would keep down to the end.
    """
    known = [(at_us, value) for at_us, value in points if at_us is not None and value is not None]
    if len(known) < _LEAST_READINGS or known[-1][0] - known[0][0] < _LEAST_SPAN * (to_us - from_us):
        return None
    return slope(lowest(known, from_us, to_us)) * 1e6
