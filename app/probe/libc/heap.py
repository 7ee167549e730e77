"""One reading of the C library's heap: a slow read, for nothing is stopped.

    free        the bins, the fast bins and the top of each arena: fordblks of mallinfo2(). Blocks that a
                thread keeps for its next call (tcache) are not among them, as they are not there
    absent      of the free bytes, whole pages that are not in memory
    trimmable   of the free bytes, whole pages that malloc_trim(0) would give back: those in memory within
                free chunks of more than a page, and the top of the main arena, of which it takes multiples
                of a huge page where the heap is to have some. malloc_trim leaves the top of other arenas
                alone, and what it joins with that. None, and `why` says so, where glibc's parameters, which
                tell that size, were not found

An arena's head is read at once, and its lists then walked in one go: pages are asked for when all chunks are
known. A list that contradicts itself was changed meanwhile: the head is read again and the list walked again,
and after some tries it is counted in `torn`, and what is behind its longest good part as in use. Where the
head is another once all lists are walked the program was at work, and chunks may have been missed or met
twice: the arena is walked some times more, and the walk in the middle is told, with how far the walks lay
from each other (`moved`). Arenas are read one after the other, which takes its time. Those that are others
once all of them were read are read again, and the mean of both is told: it is nearer to what was free on
average meanwhile than either, and `moved` says how far the two lay from each other. No more than MOST_CHUNKS
are looked at; `cut` counts the lists that were not walked to their end for that.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Callable, NamedTuple

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from app.probe.kernel.pagemap import PAGE, is_there, open_pagemap

from .chunks import Found, Lists, Torn
from .libraries import Glibc, Mapped, mapped
from .places import (
    BINS,
    MOST_ARENAS,
    MainArena,
    MainArenas,
    MallocArena,
    arena_words,
    read_arena,
    read_parameters,
)
from .unchanged import KnownArenas, ListsFound

MOST_CHUNKS = 250_000  # some 0.6 s of CPU
_TRIES = 3
_WALKS = 5  # of an arena that is in use meanwhile,
_WALKED_AGAIN = 5_000  # unless it has more chunks than this
_UNSORTED = 0
_HUGE_PAGES_SINCE = 2, 35  # of glibc's versions
_LITTLE = 1 << 20  # what glibc may have of the kernel though another allocator serves the program

Walk = Generator[None, None, Found]
WalkOf = Callable[[MallocArena], Walk]


@dataclass
class LibraryReading:
    """What was found, in bytes. Where no glibc could be read the sizes are None, and `why` says why."""

    allocator: str | None  # that serves the program: glibc, musl, jemalloc, tcmalloc, mimalloc
    version: str | None = None
    arenas: int | None = None
    system: int | None = None  # what the arenas have of the kernel
    free: int | None = None
    absent: int | None = None
    trimmable: int | None = None
    mapped: int | None = None  # blocks that are mappings of their own
    mmap_threshold: int | None = None  # the size from which on a block becomes one
    chunks: int = 0
    torn: int = 0
    cut: int = 0
    why: str = ""
    moved: int = 0  # by so much `free` changed while it was read, of all arenas together


class LibraryReader:
    """Reads the C library's heap of one process, for as long as it runs the same program."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory
        self._mains = MainArenas(memory)
        self._known = KnownArenas(memory)
        self._versions: dict[str, str | None] = {}

    def read(self) -> Generator[None, None, LibraryReading]:
        """A slow read. AddressSpaceGone where the process has ended."""
        there = mapped(self._memory.pid)
        mains: list[tuple[Glibc, MainArena]] = []
        for library in there.glibc:
            yield
            main = self._mains.of(library)
            if main is not None:
                mains.append((library, main))
        if not mains:
            return LibraryReading(_who_serves(there), why=_why_unread(there))
        yield
        first = mains[0][0]
        parameters = read_parameters(self._memory, first, there.heap)
        trim_unit = parameters.trim_unit or self._before_huge_pages(first)
        total = _Total()
        yield
        try:
            pagemap = open_pagemap(self._memory.pid)
        except OSError:
            raise AddressSpaceGone(self._memory.pid) from None
        try:
            lists = Lists(self._memory, pagemap, MOST_CHUNKS, trim_unit or PAGE)
            read: list[tuple[MainArena, _Read]] = []
            for _, main in mains:
                yield from self._ring(main, lists, read, total)
            for main, each in read:
                total.add((yield from self._again(main, each, lists)))
            if not is_there(pagemap, mains[0][1].bins):
                raise AddressSpaceGone(self._memory.pid)
        finally:
            os.close(pagemap)
        if there.others and total.system < _LITTLE:
            return LibraryReading(there.others[0], why=_why_unread(there))
        return LibraryReading(
            "glibc",
            self._version(first),
            total.arenas,
            total.system,
            total.free,
            total.absent,
            total.trimmable if trim_unit else None,
            parameters.mapped,
            parameters.mmap_threshold,
            total.chunks,
            total.torn,
            total.cut,
            _why_not_all(there, len(mains), trim_unit is not None),
            total.moved,
        )

    def _version(self, library: Glibc) -> str | None:
        if library.path not in self._versions:
            self._versions[library.path] = library.version(self._memory)
        return self._versions[library.path]

    def _before_huge_pages(self, library: Glibc) -> int | None:
        """How a library takes from its top that knows of no huge pages: by pages; None of any other."""
        version = self._version(library)
        is_old = version is not None and tuple(map(int, version.split("."))) < _HUGE_PAGES_SINCE
        return PAGE if is_old else None

    def _ring(
        self, main: MainArena, lists: Lists, read: list[tuple[MainArena, _Read]], total: _Total
    ) -> Generator[None, None, None]:
        """Reads all arenas of a library; those behind one that is torn are out of reach."""
        bins = main.bins
        seen: set[int] = set()
        while bins not in seen and len(seen) < MOST_ARENAS:
            seen.add(bins)
            try:
                each = yield from self._arena(bins, main, lists)
            except Unmapped:
                total.torn += 1
                return
            read.append((main, each))
            bins = each.arena.next + main.offset
        total.torn += bins != main.bins

    def _again(self, main: MainArena, read: _Read, lists: Lists) -> Generator[None, None, _Total]:
        """What an arena had that was read before: where it has changed since, the mean of then and of now."""
        own, bins = read.own, read.arena.bins
        if own.chunks > _WALKED_AGAIN:
            return own
        try:
            if arena_words(self._memory, bins, main.has_fast_bins) == read.arena.words:
                return own
            now = (yield from self._arena(bins, main, lists)).own
        except Unmapped:
            return own
        if now.torn > own.torn:
            return own
        if now.torn < own.torn:
            return now
        now.moved = max(own.moved, now.moved, abs(own.free - now.free))
        for name in ("free", "absent", "trimmable"):
            setattr(now, name, (getattr(own, name) + getattr(now, name)) // 2)
        return now

    def _arena(self, bins: int, main: MainArena, lists: Lists) -> Generator[None, None, _Read]:
        """Reads one arena; Unmapped.

        What adds up to more than it has is not believed.
        """
        walks: list[_Walked] = []
        while True:
            yield from lists.begin_arena()
            arena = read_arena(self._memory, bins, main.has_fast_bins)
            walked = yield from self._walk(arena, main, lists, is_main=bins == main.bins)
            walks.append(walked)
            is_still = arena_words(self._memory, bins, main.has_fast_bins) == walked.arena.words
            if is_still or len(walks) == _WALKS or walked.own.chunks > _WALKED_AGAIN:
                break
        last = walks[-1].arena
        least_torn = min(walked.own.torn for walked in walks)
        walks = sorted(
            (walked for walked in walks if walked.own.torn == least_torn), key=lambda each: each.own.free
        )
        walked, own = walks[len(walks) // 2], walks[len(walks) // 2].own
        own.moved = walks[-1].own.free - walks[0].own.free
        if own.free > own.system:
            return _Read(last, _Total(arenas=1, system=own.system, torn=own.torn + 1))
        if not walked.counted:
            try:
                yield from self._pages(walked, lists, own)
            except Torn:
                own.torn += 1
        return _Read(last, own)

    def _pages(self, walked: _Walked, lists: Lists, own: _Total) -> Generator[None, None, None]:
        """Which of its pages are in memory, and which of them malloc_trim would give back."""
        trimmed, kept, joined = yield from lists.pages_of(walked.trimmed, walked.kept, walked.joined)
        own.trimmable, own.absent = max(0, trimmed[0] - joined[0]), trimmed[1] + kept[1]

    def _walk(
        self, arena: MallocArena, main: MainArena, lists: Lists, is_main: bool
    ) -> Generator[None, None, _Walked]:
        """All lists of an arena, from its head as it was read last."""
        walked = _Walked(_Total(arenas=1, system=arena.system), arena)
        known = yield from self._known.again(arena, lists.states)
        if known is not None and known.chunks <= lists.left:
            lists.left -= known.chunks
            walked.own.chunks, walked.own.free = known.chunks, known.free
            walked.own.trimmable, walked.own.absent = known.trimmable, known.absent
            walked.counted = True
            return walked
        for is_trimmed, walk in _lists_of(arena, lists, is_main):
            yield from self._list(main, lists, is_trimmed, walk, walked)
        if not is_main:
            try:
                walked.joined = lists.joins(walked.arena.top, arena.system)
            except Torn:
                walked.own.torn += 1
        self._keep(arena, main, lists, walked)
        return walked

    def _keep(self, arena: MallocArena, main: MainArena, lists: Lists, walked: _Walked) -> None:
        """Remembers what was found if nothing moved: one walk, without a head that was read again."""
        own = walked.own
        still = walked.arena is arena and not (own.torn or own.cut or lists.top_joins(arena.top))
        if still and arena_words(self._memory, arena.bins, main.has_fast_bins) == arena.words:
            found = ListsFound(own.chunks, own.free, walked.trimmed, walked.kept)
            self._known.keep(arena, lists.places, lists.heads, found)
        else:
            self._known.forget(arena)

    def _list(
        self, main: MainArena, lists: Lists, is_trimmed: bool, walk: WalkOf, walked: _Walked
    ) -> Generator[None, None, None]:
        most = Found()
        for _ in range(_TRIES):
            found = yield from walk(walked.arena)
            most = max(most, found, key=lambda each: each.free)
            if not found.torn:
                most = found
                break
            lists.renew()
            try:
                walked.arena = read_arena(self._memory, walked.arena.bins, main.has_fast_bins)
            except Unmapped:
                break
        own = walked.own
        own.torn += most.torn
        own.cut += lists.left <= 0
        own.chunks += most.chunks
        own.free += most.free
        (walked.trimmed if is_trimmed else walked.kept).extend(most.pages)
        walked.kept.extend(most.kept)


@dataclass
class _Total:
    """Sums over arenas."""

    arenas: int = 0
    system: int = 0
    free: int = 0
    absent: int = 0
    trimmable: int = 0
    chunks: int = 0
    torn: int = 0
    cut: int = 0
    moved: int = 0

    def add(self, other: _Total) -> None:
        """Adds an arena."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass
class _Walked:
    """What a walk of an arena has found, and its head as it was last read."""

    own: _Total
    arena: MallocArena
    trimmed: list[Range] = field(default_factory=list)  # chunks of whose pages malloc_trim gives back,
    kept: list[Range] = field(default_factory=list)  # and does not
    joined: list[Range] = field(default_factory=list)  # with the top, which stays
    counted: bool = False  # the pages are counted already


class _Read(NamedTuple):
    """An arena: its head as it was read last, and what it has."""

    arena: MallocArena
    own: _Total


def _lists_of(
    arena: MallocArena, lists: Lists, is_main: bool
) -> Iterator[tuple[bool, Callable[[MallocArena], Walk]]]:
    """(whether malloc_trim looks at it, how to walk it in an arena whose head is newer) of each in use."""
    if arena.top:
        yield is_main, lambda arena: lists.top(arena.top, arena.top_at, arena.system)
    in_use = [
        place for place, (first, head) in enumerate(zip(arena.links[::2], arena.heads)) if first != head
    ]
    for place in sorted(in_use, key=_is_trimmed, reverse=True):  # first those with most of the bytes in them
        yield _is_trimmed(place), partial(_bin, lists, place)
    for place, first in enumerate(arena.fast):
        if first:
            yield False, partial(_fast_bin, lists, place)


def bin_of(size: int) -> int:
    """The place of the bin of chunks of 1,024 bytes or more: largebin_index_64 of malloc.c, less 1."""
    for shift, most, before in ((6, 48, 47), (9, 20, 90), (12, 10, 109), (15, 4, 118), (18, 2, 123)):
        if size >> shift <= most:
            return before + (size >> shift)
    return BINS - 2


_TRIMMED_FROM = bin_of(PAGE)  # malloc_trim looks at these, and at the unsorted ones


def _is_trimmed(place: int) -> bool:
    return place == _UNSORTED or place >= _TRIMMED_FROM


def _bin(lists: Lists, place: int, arena: MallocArena) -> Walk:
    return lists.bin(arena.heads[place], arena.links[2 * place], arena.system)


def _fast_bin(lists: Lists, place: int, arena: MallocArena) -> Walk:
    return lists.fast_bin(arena.fast[place], 32 + 16 * place)


def _who_serves(there: Mapped) -> str | None:
    if there.others:
        return there.others[0]
    if there.musl:
        return "musl"
    return "glibc" if there.glibc else None


def _why_unread(there: Mapped) -> str:
    name = _who_serves(there)
    if name is None:
        return "No C library is mapped: it is linked into the program, and its heap cannot be found."
    if name == "glibc":
        return "glibc is mapped, but nothing in its memory has the shape of its main arena."
    return f"{name} serves this program; how much of its memory is free cannot be read from outside."


def _why_not_all(there: Mapped, read: int, is_unit_known: bool) -> str:
    whys = []
    if not is_unit_known:
        whys.append(
            "glibc's parameters were not found, so that what malloc_trim would give back is not known"
        )
    if there.others:
        whys.append(f"{' and '.join(there.others)} is mapped as well, and what it keeps is not counted")
    if read < len(there.glibc):
        whys.append(f"{len(there.glibc)} copies of glibc are mapped, of which {read} could be read")
    elif read > 1:
        whys.append(f"the sum of {read} copies of glibc")
    return "; ".join(whys)
