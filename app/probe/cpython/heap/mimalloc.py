"""One reading of mimalloc, the heap of free-threaded builds: every segment, and each page in it.

A segment is 32 MiB at a multiple of 32 MiB, cut into slices of 64 KiB; a page is one slice or some, and
holds blocks of one size. The segment's head has an entry a slice, so that one read of some 48 KiB tells of
them all. Segments are found by their place among the mappings, and known by their cookie: their own address,
masked with a word that all segments of a process share. So those that ended threads have left behind are
found like any other. A block freed by another thread than its owner counts as in use until the owner takes
it back, as it does in sys.getallocatedblocks().
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from app.probe.cpython.objects import members
from app.probe.cpython.runtime import Runtime
from app.probe.cpython.survey import survey
from app.probe.kernel.memory import AddressSpaceGone, Range, Unmapped

from .reading import MimallocPage, Tally

SEGMENT = 32 << 20
SLICE = 64 << 10
_MOST_SLICES = SEGMENT // SLICE + 1
_HEADS_A_STEP = 200

# Where it asks the kernel for memory, from MI_HINT_BASE to MI_HINT_MAX: the kernel puts nothing else there.
# It keeps what it has there when all objects in it are freed, so there is more than the segments in use.
_HINTED = 2 << 40, 30 << 40

# Blocks of up to 8 words in steps of one, then four sizes to each power of two up to 128 KiB; 0 is for blocks
# larger than that, each as large as it is.
SIZES = [8 * words for words in range(1, 9)]
SIZES += [SIZES[-1] * (4 + quarter) // 4 << power for power in range(11) for quarter in range(1, 5)]
_BINS = tuple(SIZES)
SIZES.append(0)


@dataclass(frozen=True)
class Segment:
    """The head of a segment in use."""

    address: int
    slices: int  # of all its memory
    first: int  # the slices before it hold the head itself
    entries: int
    key: int  # its cookie without its address
    thread: int  # pthread_t of its owner; 0 where it has none


def owned(segments: list[Range]) -> list[Range]:
    """All that is mimalloc's where it is mapped: these segments, and what it keeps of those that are free."""
    first, beyond = _HINTED
    return sorted([_HINTED, *(part for part in segments if part[1] <= first or part[0] >= beyond)])


class MimallocReader:
    """Reads the heaps of all interpreters of one process."""

    def __init__(self, runtime: Runtime) -> None:
        assert runtime.layout.mimalloc is not None
        self._runtime, self._memory, self._of = runtime, runtime.memory, runtime.layout.mimalloc
        of = self._of
        self._head = members(
            (of.pages_in_use, "Q"),
            (of.cookie, "Q"),
            (of.segment_slices, "Q"),
            (of.segment_info_slices, "Q"),
            (of.slice_entries, "Q"),
            (of.thread_id, "Q"),
        )
        self._page = members(
            (of.slice_count, "I"),
            (of.tag, "B"),
            (of.reserved, "H"),
            (of.used, "I"),
            (of.xblock_size, "I"),
            (of.xheap, "Q"),
        )
        self._key: int | None = None

    def read(self, mapped: bool) -> Generator[None, None, list[tuple[int, Tally]]]:
        """A slow read: (interpreter, what its heap holds) of each that has one."""
        owners, threads = self._owners()
        yield
        segments = yield from self._segments(threads)
        tallies: dict[int, Tally] = {}
        for segment in segments:
            try:
                self._read_segment(segment, owners, tallies, mapped)
            except Unmapped:
                continue  # it was given back meanwhile
            yield
        return sorted(tallies.items())

    def _owners(self) -> tuple[list[tuple[int, int]], set[int]]:
        """[(address of a thread state, its interpreter)] in order, and every pthread_t."""
        layout = self._runtime.layout
        seen = survey(self._memory, self._runtime.address, layout)
        at = layout.thread_state.thread_id
        threads = {self._memory.u64(thread.address + at) for thread in seen.threads}
        return sorted((thread.address, thread.interpreter) for thread in seen.threads), threads

    def _segments(self, threads: set[int]) -> Generator[None, None, list[Segment]]:
        found: list[Segment] = []
        for tried, address in enumerate(_places(self._memory.pid)):
            segment = self._segment(address)
            if segment is not None:
                found.append(segment)
            if tried % _HEADS_A_STEP == _HEADS_A_STEP - 1:
                yield
        if self._key is None:
            keys = Counter(segment.key for segment in found if segment.thread in threads)
            self._key = keys.most_common(1)[0][0] if keys else None
        return [segment for segment in found if segment.key == self._key]

    def _segment(self, address: int) -> Segment | None:
        try:
            head = self._memory.read(address + self._of.pages_in_use, self._head.size)
        except Unmapped:
            return None
        pages, cookie, slices, first, entries, thread = self._head.unpack(head)
        if not 0 < pages <= entries <= _MOST_SLICES or not 0 < first < entries or slices < entries - 1:
            return None
        return Segment(address, slices, first, entries, cookie ^ address, thread)

    def _read_segment(
        self, segment: Segment, owners: list[tuple[int, int]], tallies: dict[int, Tally], mapped: bool
    ) -> None:
        of, unpack = self._of, self._page.unpack_from
        entries = self._memory.read(segment.address + of.slices, segment.entries * of.page_size)
        pages = []
        torn = 0
        place = segment.first
        while place < segment.entries:
            count, flags, reserved, used, size, heap = unpack(entries, place * of.page_size + of.slice_count)
            if not count or (size and used > reserved):
                torn, count, size, used = torn + 1, count or 1, 0, 0
            tag = flags >> 3 & 15
            pages.append((min(count, segment.entries - place), reserved, used, size, heap, place, tag))
            place += count
        interpreter = _owner(owners, (heap for *_, size, heap, _, _ in pages if size and heap))
        tally = tallies.setdefault(interpreter, Tally("mimalloc", SIZES))
        tally.torn += torn
        held = 0
        pieces: list[bytes] = []
        for count, reserved, used, size, _, place, tag in pages:
            piece = b"\0\0"
            if used and size:
                bin_ = bisect_left(_BINS, size)
                tally.pools[bin_] += 1
                tally.used[bin_] += used
                tally.room[bin_] += reserved
                held += used * size
                entry = segment.address + of.slices + place * of.page_size
                first = segment.address + place * SLICE + _offset(size)
                tally.pages.append(MimallocPage(entry, first, size, bin_, tag, used))
                piece = bytes((bin_ + 1, used * 255 // reserved))
            else:
                tally.pools_free += 1 if size else count
            if mapped:
                pieces.append(piece * count)
        size = segment.slices * SLICE
        tally.add_arena(segment.address, size, held, b"".join(pieces) if mapped else None)


def _offset(size: int) -> int:
    """How far behind a page's beginning its blocks begin."""
    return 3 * size if size <= 64 else size if size <= 512 else 0


def _owner(owners: list[tuple[int, int]], heaps: Iterator[int]) -> int:
    """The interpreter in whose thread state a segment's heaps lie; the first, where its thread has ended."""
    heap = next(heaps, 0)
    place = bisect_right(owners, (heap, 0)) - 1
    return owners[place][1] if heap and place >= 0 else min((number for _, number in owners), default=0)


def _places(pid: int) -> list[int]:
    """Where segments may lie: each multiple of their size in memory that is no file's."""
    places: list[int] = []
    try:
        with open(f"/proc/{pid}/maps", "rb") as lines:
            for line in lines:
                fields = line.split(None, 5)
                if fields[1].startswith(b"rw") and fields[4] == b"0":
                    start, end = (int(part, 16) for part in fields[0].split(b"-"))
                    places += range(-(-start // SEGMENT) * SEGMENT, end, SEGMENT)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        raise AddressSpaceGone(pid) from None
    return places
