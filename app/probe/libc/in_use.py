"""Blocks of the C library that are in use, by a random sample: where what is larger than 512 bytes lies.

Chunks lie one behind the other and each tells its size, so an arena's heaps are walked from their first chunk
to the last, in copies of pages that are in memory. A block is taken into the sample with a chance that is its
share of the bytes: so large ones are all in it, and each block of it stands for as many bytes as another.
Blocks that are mappings of their own are known by their heads.

A walk that meets a chunk that can be none was overtaken by the program: that heap's rest is left out, and
counted.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from app.probe.kernel.pace import Pace
from app.probe.kernel.pagemap import PAGE, open_pagemap, pages_present
from app.probe.kernel.regions import c_heaps, mapped_blocks, without

from .libraries import mapped
from .places import BINS, MOST_ARENAS, MainArena, MainArenas, read_arena

SMALL = 512  # bytes: what is not larger lies in a pool
MOST_CHUNKS = 400_000  # that are walked over in a reading: some 0.2 s of CPU
SAMPLED = 1_000  # blocks, about, beside those that are larger than a thousandth of all
MOST_OF_ALL, SAMPLED_ALL = 1_000_000, 4_000  # the same where small objects lie among them

_HEADER = 16  # a chunk's own size, and that of the one before
_IN_USE_BEFORE = 1
_FLAGS = 7
_LEAST = 32
_WINDOW = 16_384  # bytes: some 500 chunks at most, an eighth of a millisecond
_PAGES_A_READ = 1_024  # of the page map
_ARENA_BEHIND_BINS = 16 * BINS + 16 + 40  # the pairs, the bitmap, and five words
_SIZES = struct.Struct("=8xQ")
_FIRSTS = (32, 48)  # where chunks begin in a heap that is not its arena's first: sizeof(heap_info)


class Block(NamedTuple):
    """One of the sample."""

    address: int
    size: int  # bytes that the program may use
    chance: float  # with which it came into the sample
    is_mapping: bool


@dataclass
class InUse:
    """The sample. `bytes` are those of all blocks that are larger than `least`."""

    least: int
    blocks: list[Block] = field(default_factory=list)
    bytes: int = 0
    chunks: int = 0
    torn: int = 0
    cut: bool = False  # there were more chunks than are walked over


class InUseReader:
    """Of one process, for as long as it runs the same program."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory
        self._mains = MainArenas(memory)

    def is_readable(self) -> bool:
        """Whether the blocks of the C library that serves the process can be walked."""
        there = mapped(self._memory.pid)
        return bool(not there.others and there.glibc) and self._mains.of(there.glibc[0]) is not None

    def read(self, skipped: Iterable[Range], least: int = SMALL) -> Generator[None, None, InUse | None]:
        """A slow read; None where no glibc serves the program. `skipped` are the arenas of Python's.

        Of blocks that are no larger than `least` bytes none is taken: 0 where small objects lie here too.
        """
        there = mapped(self._memory.pid)
        yield
        if there.others or not there.glibc:
            return None
        main = self._mains.of(there.glibc[0])
        if main is None:
            return None
        yield
        anonymous = _anonymous(self._memory.pid)
        yield
        try:
            heaps = list(self._heaps(main, there.heap, anonymous))
        except Unmapped:
            return None
        yield
        try:
            pagemap = open_pagemap(self._memory.pid)
        except OSError:
            raise AddressSpaceGone(self._memory.pid) from None
        try:
            found = InUse(least)
            gaps = without(
                anonymous, [*skipped, *((heap.start - heap.start % PAGE, heap.end) for heap in heaps)]
            )
            mappings = yield from mapped_blocks(self._memory, pagemap, gaps)
            whole = sum(heap.end - heap.start for heap in heaps) + sum(end - start for start, end in mappings)
            unit = max(least, whole // SAMPLED) if least else max(_LEAST, whole // SAMPLED_ALL)
            for start, end in mappings:
                _take(found, start, end - start, unit, is_mapping=True)
            for heap in heaps:
                yield
                yield from self._walk(heap, pagemap, found, unit)
        finally:
            os.close(pagemap)
        return found

    def _heaps(self, main: MainArena, heap: Range | None, anonymous: list[Range]) -> Iterable[_Heap]:
        """Where chunks lie: of the main arena, and of all others."""
        memory = self._memory
        tops: set[int] = set()
        arenas: set[int] = set()
        bins = main.bins
        for _ in range(MOST_ARENAS):
            arena = read_arena(memory, bins, main.has_fast_bins)
            tops.add(arena.top)
            arenas.add(bins - main.offset)
            bins = arena.next + main.offset
            if bins == main.bins:
                break
        if heap is not None:
            yield _Heap(heap[0], heap[1], tops)
        for start, end in c_heaps(memory, anonymous):
            owner = memory.u64(start)
            if owner not in arenas:
                continue
            if start < owner < end:
                first = owner + main.offset + _ARENA_BEHIND_BINS
                yield _Heap(first + -first % 16, end, tops)
                continue
            for head in _FIRSTS:
                size = memory.u64(start + head + 8)
                if size & _IN_USE_BEFORE and _LEAST <= size & ~_FLAGS <= end - start:
                    yield _Heap(start + head, end, tops)
                    break

    def _walk(self, heap: _Heap, pagemap: int, found: InUse, unit: int) -> Generator[None, None, None]:
        fd, unpack = self._memory.fd, _SIZES.unpack_from
        at, flags_from, flags = heap.start, 0, b""
        pace = Pace()
        before = (0, 0)  # the chunk before, and its size: whether it is in use the next one says
        while at + _HEADER <= heap.end:
            page = (at - flags_from) // PAGE
            if not 0 <= page < len(flags):
                flags_from, page = at - at % PAGE, 0
                flags = pages_present(
                    pagemap, flags_from, min(_PAGES_A_READ, -(-(heap.end - flags_from) // PAGE))
                )
                if not flags:
                    raise AddressSpaceGone(self._memory.pid)
            if not flags[page]:
                found.torn += 1
                return
            absent = flags.find(0, page)
            until = flags_from + PAGE * (absent if absent > 0 else len(flags))
            try:
                data = os.pread(fd, min(until, heap.end, at + _WINDOW) - at, at)
            except (OSError, OverflowError):
                found.torn += 1
                return
            if not data:
                raise AddressSpaceGone(self._memory.pid)
            last, start = len(data) - _HEADER, at
            if last < 0:
                found.torn += 1
                return
            while at - start <= last:
                (word,) = unpack(data, at - start)
                if word & _IN_USE_BEFORE and before[1] > found.least:
                    _take(found, *before, unit)
                size = word & ~_FLAGS
                if at in heap.tops:
                    return
                if size < _LEAST or size % 16 or at + size > heap.end:
                    found.torn += not _is_fence(word)
                    return
                before = at, size
                at += size
                found.chunks += 1
            if found.chunks > (MOST_CHUNKS if found.least else MOST_OF_ALL):
                found.cut = True
                return
            if pace.over:
                yield
                pace.begin()


class _Heap(NamedTuple):
    """A range of chunks; `tops` are the last ones of all arenas."""

    start: int
    end: int
    tops: set[int]


def _take(found: InUse, chunk: int, size: int, unit: int, is_mapping: bool = False) -> None:
    found.bytes += size
    chance = size / unit
    if chance >= 1 or random.random() < chance:
        found.blocks.append(
            Block(chunk + _HEADER, size - (_HEADER if is_mapping else 8), min(chance, 1.0), is_mapping)
        )


def _is_fence(word: int) -> bool:
    """Whether a chunk's size is that of those that end a heap which is not its arena's last."""
    return word & ~_FLAGS in (0, 16)


def _anonymous(pid: int) -> list[Range]:
    """Private memory of no file that may be written to."""
    found: list[Range] = []
    try:
        with open(f"/proc/{pid}/maps", "rb") as lines:
            for line in lines:
                fields = line.split(None, 5)
                if fields[1] == b"rw-p" and fields[4] == b"0" and len(fields) < 6:
                    start, end = (int(part, 16) for part in fields[0].split(b"-"))
                    found.append((start, end))
    except OSError:
        raise AddressSpaceGone(pid) from None
    return found
