"""The lists of arenas that stand still, known again without walking them.

All that a walk finds follows from the arena's own words, the size of its top, and the heads of its free
chunks. Where these lay and what they held is kept of a walk during which nothing moved. At the next reading
they are read again, a thousand with one call, and compared as bytes: that takes a third of the time of
following them one by one. A program whose threads have ended has arenas by the hundred that nobody uses.

A head is the three words from a chunk's size on. The word before is not among them: where the chunk before
is in use it is the program's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.probe.kernel.memory import ProcessMemory, Range, Unmapped
from app.probe.kernel.pagemap import PAGE, PageStates
from app.probe.kernel.pieces import MemoryPieces
from app.probe.kernel.scatter import MOST, Scatter

from .places import MallocArena

HEAD = 24
HEAD_AT = 8  # in a chunk
WINDOW_PAGES = 2_048  # 8 MiB: their states are read in some 100 µs
_WINDOW = WINDOW_PAGES * PAGE
_HEADS_AT_ONCE = 256  # are compared in a step, which takes some 0.3 ms
_GATHERED = 500  # heads, or ranges of pages, in a step
_MOST_HEADS = 100_000  # that are kept of a process: 4 MB
_MOST_PAGES = 1 << 20  # of free chunks: 4 GiB of them, for which 2 MB are kept

_SIZE_AT = 8


@dataclass(frozen=True)
class ListsFound:
    """What the lists of an arena had: chunks, their bytes, and the whole pages in them, by their numbers."""

    chunks: int
    free: int
    trimmed: Sequence[Range]  # that malloc_trim gives back
    kept: Sequence[Range]  # that it does not


@dataclass(frozen=True)
class FreePages:
    """Of the same chunks: bytes of whole pages that a trim would give back, and of those not in memory."""

    chunks: int
    free: int
    trimmable: int
    absent: int


@dataclass(frozen=True)
class _Window:
    """Some neighbouring pages: the heads in them, and which of the pages lie in free chunks."""

    first: int
    count: int
    pieces: MemoryPieces
    heads: bytes
    in_heads: int  # a byte for each page, which is 1 or 0, as one number
    in_trimmed: int
    in_kept: int

    def pages(self, mask: int) -> int:
        """How many pages of a mask there are."""
        return mask.to_bytes(self.count, "little").count(1)


class _Lists(NamedTuple):
    """What a walk has met."""

    places: Sequence[int]
    heads: Sequence[bytes]
    found: ListsFound


@dataclass
class _Known:
    """An arena. What is compared is made of the lists when they are asked for first: many are never again."""

    words: bytes
    top_size: int
    heads: int
    chunks: int
    free: int
    lists: _Lists | None
    windows: list[_Window] = field(default_factory=list)

    def make(self) -> Generator[None, None, None]:
        """Makes the windows, in steps."""
        if self.lists is not None:
            self.windows = yield from _windows(self.lists)
            self.lists = None


class KnownArenas:
    """The arenas of one process that stood still."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory
        self._scatter = Scatter(memory, HEAD)
        self._known: dict[int, _Known] = {}  # by where their bins lie
        self._heads = 0

    def keep(
        self, arena: MallocArena, places: Sequence[int], heads: Sequence[bytes], found: ListsFound
    ) -> None:
        """What the lists of an arena had, and the heads that say so with their places."""
        self.forget(arena)
        pages = sum(end - start for start, end in (*found.trimmed, *found.kept))
        if self._heads + len(places) > _MOST_HEADS or pages > _MOST_PAGES:
            return
        try:
            top_size = self._top_size(arena)
        except Unmapped:
            return
        self._heads += len(places)
        self._known[arena.bins] = _Known(
            arena.words, top_size, len(places), found.chunks, found.free, _Lists(places, heads, found)
        )

    def forget(self, arena: MallocArena) -> None:
        """What is known of an arena is true no more."""
        known = self._known.pop(arena.bins, None)
        if known is not None:
            self._heads -= known.heads

    def again(self, arena: MallocArena, states: PageStates) -> Generator[None, None, FreePages | None]:
        """What its lists have, if that is what they had; None: they are to be walked. AddressSpaceGone."""
        known = self._known.get(arena.bins)
        if known is None or known.words != arena.words:
            return None
        try:
            if self._top_size(arena) != known.top_size:
                return None
        except Unmapped:
            return None
        yield from known.make()
        trimmable = absent = 0
        for window in known.windows:
            there, alone = states.of(window.first, window.count)
            if not (yield from self._is_as_it_was(window, alone)):
                return None
            trimmable += window.pages(window.in_trimmed & there)
            absent += window.pages(window.in_trimmed & ~there) + window.pages(window.in_kept & ~there)
            yield
        return FreePages(known.chunks, known.free, trimmable * PAGE, absent * PAGE)

    def _is_as_it_was(self, window: _Window, alone: int) -> Generator[None, None, bool]:
        """`alone`: the pages that no other process has."""
        if window.in_heads & ~alone == 0:
            read = window.pieces.read(self._memory.pid)
            if read is not None:
                return read == window.heads
        heads, places = memoryview(window.heads), window.pieces.addresses()
        for start in range(0, len(places), MOST):
            some, _ = self._scatter.read(places[start : start + MOST])
            if some != heads[start * HEAD : (start + MOST) * HEAD]:
                return False
            yield
        return True

    def _top_size(self, arena: MallocArena) -> int:
        return self._memory.u64(arena.top + _SIZE_AT) if arena.top else 0


def _windows(lists: _Lists) -> Generator[None, None, list[_Window]]:
    """All heads and pages of an arena, by the 8 MiB that they lie in; in steps."""
    blocks: dict[int, _Block] = defaultdict(_Block)
    for met, (at, head) in enumerate(zip(lists.places, lists.heads), 1):
        block = blocks[(at + HEAD_AT) // _WINDOW]
        block.places.append(at + HEAD_AT)
        block.heads.append(head)
        if not met % _GATHERED:
            yield
    for ranges, of_block in ((lists.found.trimmed, "in_trimmed"), (lists.found.kept, "in_kept")):
        for met, (start, end) in enumerate(ranges, 1):
            for number in range(start // WINDOW_PAGES, (end - 1) // WINDOW_PAGES + 1):
                getattr(blocks[number], of_block).append(_within(number, start, end))
            if not met % _GATHERED:
                yield
    windows: list[_Window] = []
    for block in blocks.values():
        for window in block.windows():
            windows.append(window)
            yield
    return windows


def _within(number: int, start: int, end: int) -> Range:
    """The part of a range of pages that lies in the 8 MiB of that number."""
    return max(start, number * WINDOW_PAGES), min(end, (number + 1) * WINDOW_PAGES)


@dataclass
class _Block:
    """What is gathered of a window."""

    places: list[int] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    in_trimmed: list[Range] = field(default_factory=list)
    in_kept: list[Range] = field(default_factory=list)

    def windows(self) -> Iterator[_Window]:
        """The same, ready to be compared and counted: the pages with the first of the heads."""
        ranges = (self.in_trimmed, self.in_kept)
        for start in range(0, max(1, len(self.places)), _HEADS_AT_ONCE):
            some = slice(start, start + _HEADS_AT_ONCE)
            yield _window(self.places[some], self.heads[some], *ranges)
            ranges = ([], [])


def _window(places: list[int], heads: list[bytes], trimmed: list[Range], kept: list[Range]) -> _Window:
    of_heads = {at // PAGE for at in places}
    of_heads |= {at // PAGE + 1 for at in places if at % PAGE > PAGE - HEAD}  # they end there
    ranges = (*trimmed, *kept, *((page, page + 1) for page in of_heads))
    first = min(start for start, _ in ranges)
    count = max(end for _, end in ranges) - first

    def mask(ranges: Iterable[Range]) -> int:
        pages = bytearray(count)
        for start, end in ranges:
            pages[start - first : end - first] = b"\1" * (end - start)
        return int.from_bytes(pages, "little")

    in_heads = mask((page, page + 1) for page in of_heads)
    pieces = MemoryPieces(places, HEAD)
    return _Window(first, count, pieces, b"".join(heads), in_heads, mask(trimmed), mask(kept))
