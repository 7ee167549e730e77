"""Lists of free chunks, walked in a copy of what they lie in.

A chunk of glibc's begins with four words: the size of the one before, its own size with three bits of flags,
and, where it is free, the links to the next and the one before in its list. 4 KiB are read at once, in less
than twice the time of a few words: so a list of 100,000 small chunks costs a tenth of a second, where a
read of each would cost half of one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Generator, Sequence
from typing import NamedTuple

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from app.probe.kernel.pace import Pace
from app.probe.kernel.pagemap import PAGE, PageStates, pages_present, present

from .unchanged import HEAD, HEAD_AT, WINDOW_PAGES

LEAST = 32  # bytes of the smallest chunk
_FLAGS = 7
_SIZE = ~_FLAGS
_HEADER = 48  # sizeof(struct malloc_chunk): malloc_trim leaves so much of a free chunk alone

_CHUNK = struct.Struct("=3Q")  # size, fd, bk
_SIZES = struct.Struct("=2Q")  # of the chunk before where that is free, size
_IN_USE_BEFORE = 1  # a flag
_FAST = struct.Struct("=2Q8x")  # size, fd
_PART = 4_096  # what is read at once: a page at most, for the kernel has pages of 4, 16 and 64 KiB
_WHOLE = _PART - HEAD  # a head that begins behind that ends in the next part
_MOST_PARTS = 8_192  # that are kept: 32 MiB
_LINK_SHIFT = 12  # of a link in a fast bin, whatever the size of a page: PROTECT_PTR of malloc.c
_PACED = 32  # chunks from one look at the clock to the next
_MOST_BYTES = 1 << 40  # of all chunks in a reading: who claims more lies
_SHIFT = PAGE.bit_length() - 1  # a shift takes less than a division, which counts for each chunk
_FIRST_PAGE = _HEADER + PAGE - 1  # where the first whole page begins that malloc_trim may give back
_PAGES_A_READ = 8_192  # of pagemap: 32 MiB of addresses


_Tagged = tuple[int, int, int]  # pages from, up to, and of which group


class Torn(Exception):
    """A list contradicts itself: it was changed while it was walked."""


class Found(NamedTuple):
    """What is in a list: how many chunks, their bytes, and the whole pages in them, by their numbers."""

    chunks: int = 0
    free: int = 0
    pages: Sequence[Range] = ()
    torn: bool = False  # the list contradicts itself behind these
    kept: Sequence[Range] = ()  # of the top: the whole pages that malloc_trim leaves there


class Lists:
    """Walks the lists of a process's arenas, until `left` chunks were looked at.

    malloc_trim takes from the main arena's top multiples of `trim_unit` bytes.
    """

    def __init__(self, memory: ProcessMemory, pagemap: int, left: int, trim_unit: int = PAGE) -> None:
        self._memory, self._pagemap, self._trim_unit = memory, pagemap, trim_unit
        self.states = PageStates(pagemap)
        self._parts: dict[int, bytes] = {}
        self._pace = Pace()
        self._fast: dict[int, int] = {}  # where chunks of fast bins end: where they begin
        self._room = _MOST_BYTES
        self.left = left
        self.places: list[int] = []  # of the free chunks of this arena that were met, but for its top,
        self.heads: list[bytes] = []  # and what their heads said

    def renew(self) -> None:
        """What is read from now on is read as it is now."""
        self._parts.clear()

    def begin_arena(self) -> Generator[None, None, None]:
        """The lists that follow are another arena's, or the same one's again: in a step of their own."""
        yield
        self._pace.begin()
        self.renew()
        self._fast.clear()
        self.places, self.heads = [], []

    def rest(self) -> Generator[None, None, None]:
        """Ends the step if it has taken its time."""
        if self._pace.over:
            yield
            self._pace.begin()

    def bin(self, head: int, first: int, most: int) -> Generator[None, None, Found]:
        """A doubly linked list from its `first` chunk back to its head, of chunks of at most `most` bytes."""
        unpack, parts, fd, pread, heads = _CHUNK.unpack, self._parts, self._memory.fd, os.pread, self.heads
        places: list[int] = []
        sizes: list[int] = []
        size, back, at, left = 0, head, first, self.left
        try:
            while at != head and self.left > 0:
                for _ in range(_PACED):
                    if size > _PART or (place := at % _PART + HEAD_AT) > _WHOLE:
                        head_of = pread(fd, HEAD, at + HEAD_AT)  # large ones lie far from each other
                    else:
                        head_of = (parts.get(at // _PART) or self._load(at))[place : place + HEAD]
                    size, following, previous = unpack(head_of)
                    size &= _SIZE
                    if previous != back or at & 15 or not LEAST <= size <= most:
                        raise Torn
                    places.append(at)
                    heads.append(head_of)
                    sizes.append(size)
                    back, at = at, following
                    if at == head:
                        break
                else:  # a short list is walked in one go with the next ones, for the program is at work
                    self.left -= _PACED
                    yield from self.rest()
        except struct.error:  # less was read than a head is long
            if not pread(fd, 1, at):
                raise AddressSpaceGone(self._memory.pid) from None
            torn = True
        except (OSError, OverflowError, Torn):
            torn = True
        else:
            torn = False
        self.left = left - len(sizes)
        self.places += places
        whole = [
            (start, end)
            for at, size in zip(places, sizes)
            if size > PAGE and (start := at + _FIRST_PAGE >> _SHIFT) < (end := at + size >> _SHIFT)
        ]
        return Found(len(sizes), sum(sizes), whole, torn)

    def fast_bin(self, first: int, size: int) -> Generator[None, None, Found]:
        """A fast bin: chunks of one size, each link xored with where it lies, in units of 4 KiB."""
        unpack, parts = _FAST.unpack_from, self._parts
        chunks, at = 0, first
        try:
            while at and self.left > 0:
                if (place := at % _PART + HEAD_AT) > _WHOLE:
                    head_of = self._read(at + HEAD_AT, HEAD)
                else:
                    head_of = (parts.get(at // _PART) or self._load(at))[place : place + HEAD]
                said, link = unpack(head_of)
                if said & _SIZE != size or at % 16:
                    raise Torn
                chunks += 1
                self.left -= 1
                self._fast[at + size] = at
                self.places.append(at)
                self.heads.append(head_of)
                if not chunks % _PACED:
                    yield from self.rest()
                at = (at + 16) >> _LINK_SHIFT ^ link
        except Torn:
            return Found(chunks, chunks * size, torn=True)
        return Found(chunks, chunks * size)

    def top(self, at: int, kept_at: int, most: int) -> Generator[None, None, Found]:
        """The chunk at an arena's end, which keeps its address there.

        Where a block has been cut off from it, another chunk lies at that address by now.
        """
        try:
            size = self._memory.u64(at + 8) & _SIZE
            moved = self._memory.u64(kept_at) != at
        except Unmapped:
            return Found(torn=True)
        if moved or at % 16 or size > most:
            return Found(torn=True)
        end = at + size
        cut = end - max(0, size - LEAST - 1) // self._trim_unit * self._trim_unit  # as systrim of malloc.c
        return Found(1, size, whole_pages(cut, end), kept=whole_pages(at + LEAST, cut))
        yield

    def top_joins(self, top: int) -> bool:
        """Whether the chunk before the top is of a fast bin, so that malloc_trim joins the two."""
        return top in self._fast

    def joins(self, top: int, most: int) -> list[Range]:
        """What malloc_trim joins with the top before it looks for pages to give back. Torn.

        It first empties the fast bins, whose chunks are joined with what is free beside them. Call it after
        the fast bins were walked. The chunks of bins alone are told, for they were counted as theirs.
        """
        joined: list[Range] = []
        while top in self._fast:
            top = self._fast[top]
            before, size = _SIZES.unpack_from(self._head(top))
            if size & _IN_USE_BEFORE:
                continue
            if not LEAST <= before <= most:
                raise Torn
            joined += whole_pages(top - before + _HEADER, top)
            top -= before
        return joined

    def pages_of(self, *groups: Sequence[Range]) -> Generator[None, None, list[tuple[int, int]]]:
        """Of the pages of each group: bytes that are in memory, and that are not. Torn."""
        base = min((min(group)[0] for group in groups if group), default=0)
        beyond = max((end for group in groups for _, end in group), default=0)
        if beyond - base <= WINDOW_PAGES:  # as in most arenas
            count = pages_present(self._pagemap, base * PAGE, beyond - base).count
            there = [sum([count(1, start - base, end - base) for start, end in group]) for group in groups]
            yield from self.rest()
        else:
            there = yield from self._far_apart(groups)
        whole = [sum([end - start for start, end in group]) for group in groups]
        return [(has * PAGE, (of - has) * PAGE) for has, of in zip(there, whole)]

    def _far_apart(self, groups: Sequence[Sequence[Range]]) -> Generator[None, None, list[int]]:
        """How many pages of each group are in memory, where one read would take too long for a step. Torn."""
        there = [0] * len(groups)
        near: list[_Tagged] = []  # so near to each other that one read tells of all
        for start, end, group in sorted(
            (start, end, group) for group, ranges in enumerate(groups) for start, end in ranges
        ):
            if end - start > WINDOW_PAGES:
                there[group] += yield from self._present(start, end)
                continue
            if near and end - near[0][0] > WINDOW_PAGES:
                yield from self._window(near, there)
                near = []
            near.append((start, end, group))
        if near:
            yield from self._window(near, there)
        return there

    def _present(self, start: int, end: int) -> Generator[None, None, int]:
        """How many of the pages in between are in memory. Raises Torn."""
        self._room -= (end - start) * PAGE
        if self._room < 0:
            raise Torn
        there = 0
        for first in range(start, end, _PAGES_A_READ):
            there += present(self._pagemap, first * PAGE, min(end - first, _PAGES_A_READ) * PAGE) // PAGE
            yield from self.rest()
        return there

    def _window(self, near: list[_Tagged], there: list[int]) -> Generator[None, None, None]:
        """Adds how many of their pages are in memory to what is `there` of their groups."""
        base, beyond = near[0][0], max(end for _, end, _ in near)
        count = pages_present(self._pagemap, base * PAGE, beyond - base).count
        for start, end, group in near:
            there[group] += count(1, start - base, end - base)
        yield from self.rest()

    def _load(self, address: int) -> bytes:
        """The part of a page in which that address lies; Torn where there is none.

        No byte more: a read of another page that is not in memory would have the kernel map one for the
        process.
        """
        part = self._read(address - address % _PART, _PART)
        if len(self._parts) >= _MOST_PARTS:
            self._parts.clear()
        self._parts[address // _PART] = part
        return part

    def _head(self, address: int) -> bytes:
        """The head of a chunk alone."""
        return self._read(address, LEAST)

    def _read(self, address: int, size: int) -> bytes:
        try:
            data = os.pread(self._memory.fd, size, address)
        except (OSError, OverflowError):
            raise Torn from None
        if len(data) < size:
            if not data:
                raise AddressSpaceGone(self._memory.pid)
            raise Torn
        return data


def whole_pages(first: int, beyond: int) -> list[Range]:
    """The numbers of the whole pages in between, as one range or none."""
    start, end = first + PAGE - 1 >> _SHIFT, beyond >> _SHIFT
    return [(start, end)] if start < end else []
