"""A random sample of mimalloc's pages, in which free-threaded builds have all of their blocks.

Each thread has a heap for memory that is no object, and three for objects: without the collector's words,
with them, and with room for attributes before them. A page belongs to one of these and has blocks of one
size, so its tag tells which blocks are objects and where in a block they begin. Of memory that is no object,
blocks of up to 512 bytes count with the object that they belong to, as in pools; larger ones are judged by
their shape.

A block is in use if it was ever handed out, and is in none of the page's lists of free ones. What another
thread than the owner has freed is free, though mimalloc counts it as in use until the owner takes it back.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence

from app.probe.cpython.heap.mimalloc import SLICE
from app.probe.cpython.heap.reading import MimallocPage, Tally
from app.probe.cpython.layouts import MimallocOffsets
from app.probe.cpython.objects import members
from app.probe.kernel.memory import ProcessMemory, Unmapped
from app.probe.kernel.pace import Pace

from .blocks import BUFFERS, SMALL, BlockReader
from .estimate import Estimate, Page, Stratum, add_all
from .large import Large, LargeReader
from .pools import BLOCKS, LEAST, MOST, OBJECTS, PoolSample, in_list

WHOLE = 150  # pages of a heap that is small enough to be counted, not sampled
_MEMORY, _ATTRIBUTES = 0, 3  # tags: of memory that is no object, of objects with room for attributes
_HEADS = {_MEMORY: (0,), 1: (0,), 2: (0,), _ATTRIBUTES: (16,)}  # where in a block an object begins
_EACH_ITSELF = 16 << 10  # blocks that are larger lie so few to a page that each is drawn by itself
SLICES_A_PAGE = 8  # of those that hold more than a block
_JUDGED = 4 * BLOCKS  # of a page, which is four times as large as a pool
_ALL = 1 << 16  # blocks: more than a page may have
_LIST_FLAGS = 3  # in the pointer to the list of what other threads have freed


class PageSampler:
    """Of one process."""

    def __init__(
        self, memory: ProcessMemory, of: MimallocOffsets, blocks: BlockReader, large: LargeReader
    ) -> None:
        self._memory, self._blocks, self._large = memory, blocks, large
        self._page = members(
            (of.capacity, "H"),
            (of.free, "Q"),
            (of.used, "I"),
            (of.xblock_size, "I"),
            (of.local_free, "Q"),
            (of.xthread_free, "Q"),
        )
        self._page_at = of.capacity

    def sample(self, tally: Tally) -> Generator[None, None, PoolSample]:
        """A slow read."""
        pace = Pace()
        strata: dict[tuple[int, int], list[MimallocPage]] = {}
        single: list[MimallocPage] = []
        for page in tally.pages:
            if page.size > _EACH_ITSELF:
                single.append(page)
            elif page.tag in _HEADS and (page.tag != _MEMORY or page.size > SMALL):
                strata.setdefault((page.place, page.tag), []).append(page)
        pages = len(single) + sum(map(len, strata.values()))
        found = PoolSample(pages)
        unit = max(1.0, tally.bytes_used / MOST)
        judged = max(_JUDGED, _JUDGED * MOST // max(pages, 1))
        for of in strata.values():
            share = sum(page.size * page.used for page in of) / unit
            number = len(of) if pages <= WHOLE else min(len(of), max(LEAST, round(share)))
            room = max(page.used for page in of)
            is_whole = number == len(of) and (pages <= WHOLE or room <= judged or number <= LEAST)
            stratum = Stratum(sum(page.used for page in of), is_whole)
            for page in _every(of, number):
                if pace.over:
                    yield
                    pace.begin()
                read = yield from self._read(page, _ALL if is_whole else judged, pace)
                if read is None:
                    found.torn += 1
                    stratum.miss()
                else:
                    stratum.add(read)
                    found.pools += 1
            stratum.add_to(found.types)
        large = Large()
        for page in single:
            if pace.over:
                yield
                pace.begin()
            chance = 1.0 if pages <= WHOLE else min(1.0, page.size * page.used / unit)
            if random.random() < chance:
                yield from self._take_each(page, chance, large, found, pace)
        add_all(found.types, large.types)
        objects = sum(page.size * page.used for page in tally.pages if page.tag != _MEMORY)
        found.types[OBJECTS] = Estimate(bytes=objects)
        found.room = sum(
            page.size * page.used for page in tally.pages if page.tag == _MEMORY and page.size > SMALL
        )
        return found

    def _take_each(
        self, page: MimallocPage, chance: float, large: Large, found: PoolSample, pace: Pace
    ) -> Generator[None, None, None]:
        """Judges each block of a page of few: their own words alone are read, for they may be of any size."""
        try:
            capacity, *lists, used, size = self._head(page)
            if size != page.size or not 0 < used <= capacity <= SLICES_A_PAGE * SLICE // _EACH_ITSELF:
                raise Unmapped
            free: set[int] = set()
            for at in lists:
                while at:
                    place, rest = divmod(at - page.first, size)
                    if rest or not 0 <= place < capacity or place in free:
                        raise Unmapped
                    free.add(place)
                    at = self._memory.u64(at)
        except Unmapped:
            found.torn += 1
            return
        found.pools += 1
        for place in range(capacity):
            if place not in free:
                if pace.over:
                    yield
                    pace.begin()
                at = page.first + place * size
                self._large.take(large, at, size, chance, size // 4 + 16, _HEADS[page.tag])

    def _head(self, page: MimallocPage) -> tuple[int, int, int, int, int, int]:
        """(blocks ever handed out, the beginnings of its three lists, blocks in use, their size)."""
        capacity, free, used, size, local, others = self._page.unpack(
            self._memory.read(page.entry + self._page_at, self._page.size)
        )
        return capacity, free, local, others & ~_LIST_FLAGS, used, size

    def _read(self, page: MimallocPage, most: int, pace: Pace) -> Generator[None, None, Page | None]:
        """What is in a page, by at most so many of its blocks; None where it is another by now."""
        try:
            capacity, *lists, used, size = self._head(page)
            if size != page.size or not 0 < used <= capacity:
                return None
            data = self._memory.read(page.first, capacity * size)
        except Unmapped:
            return None
        words = memoryview(data).cast("Q")
        own, rest, theirs = (in_list(words, page.first, at, page.first, size, capacity) for at in lists)
        if own is None or rest is None or theirs is None or len(own) + len(rest) + used != capacity:
            return None
        own |= rest
        start = random.randrange(-(-capacity // most)) * most
        count = min(capacity - start, most)
        free_here = {each - start for each in own if start <= each < start + count}
        dead_here = {each - start for each in theirs if start <= each < start + count}
        free = free_here | dead_here
        if page.tag == _MEMORY:
            of = yield from self._of_memory(page, start, count, free, pace)
        else:
            of = yield from self._of_objects(page, words, start, count, free, pace)
        return Page(count - len(free_here), of)

    def _of_objects(
        self, page: MimallocPage, words: memoryview, start: int, count: int, free: set[int], pace: Pace
    ) -> Generator[None, None, dict[str, tuple[float, float]]]:
        of: dict[str, tuple[float, float]] = {}
        for first in range(start, start + count, _JUDGED):
            if pace.over:
                yield
                pace.begin()
            part = min(start + count - first, _JUDGED)
            free_here = {each + start - first for each in free if 0 <= each + start - first < part}
            read = self._blocks.read(
                words, first * page.size // 8, part, page.size, free_here, _HEADS[page.tag]
            )
            for kind, each in read.items():
                _add(of, kind.name, each.count, each.bytes - each.large - each.buffers)
                if each.buffers:
                    _add(of, BUFFERS, 0.0, each.buffers)
        return of

    def _of_memory(
        self, page: MimallocPage, start: int, count: int, free: set[int], pace: Pace
    ) -> Generator[None, None, dict[str, tuple[float, float]]]:
        """Tables of dicts and sets, items of lists, and the like."""
        of: dict[str, tuple[float, float]] = {}
        for place in range(start, start + count):
            if place - start in free:
                continue
            if pace.over:
                yield
                pace.begin()
            at = page.first + place * page.size
            for name, number, bytes_ in self._large.judge(at, page.size, page.size // 4 + 16):
                _add(of, name, number, bytes_)
        return of


def _add(of: dict[str, tuple[float, float]], name: str, number: float, bytes_: float) -> None:
    before = of.get(name, (0.0, 0.0))
    of[name] = before[0] + number, before[1] + bytes_


def _every(pages: Sequence[MimallocPage], number: int) -> list[MimallocPage]:
    """So many of them at even distances, from a random one on."""
    step = len(pages) / number
    first = random.random() * step
    return [pages[min(int(first + turn * step), len(pages) - 1)] for turn in range(number)]
