"""What private memory of no file is made of: stacks, arenas, blocks, told by what lies there."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator

from .memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from .pace import Pace
from .pagemap import PAGE, pages_present

_HEAP_MAX = 64 << 20  # glibc's HEAP_MAX_SIZE: its heaps are aligned to it
_HEAP_INFO = struct.Struct("=4Q")  # ar_ptr, prev, size, mprotect_size
_PTHREAD = 4096  # bytes of struct pthread that are searched; it has some 2,300
_ABOVE = 1 << 16  # bytes of a stack that lie above it, at most: on aarch64 the thread's own variables do
_BLOCK = struct.Struct("=2Q")  # of a chunk that is a mapping: 0, and its size with a flag
_IS_MMAPPED = 2
_FLAGS = 7
_PROBES = 2_000  # pages looked at for such a head, in one walk
_PAGES_A_READ = 4_096  # of pagemap


def thread_stack(memory: ProcessMemory, thread: int) -> list[Range]:
    """The stack of a thread that is not the main one, with its descriptor at the top; none with musl.

    The fields stackblock and stackblock_size are known by what they must be, for their place in struct
    pthread is another in each glibc.
    """
    words = _words(memory, thread, _PTHREAD) or _words(memory, thread, -thread % PAGE)
    for block, size in zip(words, words[1:]):
        if block and not (block | size) % PAGE and block < thread < block + size < thread + _ABOVE:
            return [(block, block + size)]
    return []


def _words(memory: ProcessMemory, address: int, size: int) -> tuple[int, ...]:
    """The memory there as words; () where some of it is not mapped."""
    try:
        return struct.unpack(f"={size // 8}Q", memory.read(address, size // 8 * 8))
    except Unmapped:
        return ()


def c_heaps(memory: ProcessMemory, anonymous: list[Range]) -> Iterator[Range]:
    """The heaps that glibc makes for other threads' arenas, as far as they can be used.

    One that has grown since its mapping was seen is told up to where that ended.
    """
    for first, beyond in anonymous:
        for start in range(first + -first % _HEAP_MAX, beyond, _HEAP_MAX):
            try:
                arena, previous, size, usable = _HEAP_INFO.unpack(memory.read(start, _HEAP_INFO.size))
            except Unmapped:
                continue
            if (
                arena
                and arena % _HEAP_MAX < PAGE
                and not previous % _HEAP_MAX
                and 0 < size <= usable <= _HEAP_MAX
                and not (size | usable) % PAGE
            ):
                yield start, min(start + usable, beyond)


def mapped_blocks(
    memory: ProcessMemory, pagemap: int, gaps: Iterable[Range]
) -> Generator[None, None, list[Range]]:
    """The blocks that glibc's malloc made mappings of, each known by its head.

    They lie one behind the other, the newest first, and one may be several mappings: who asks for huge pages
    (madvise) does so from its second page on. Only pages in memory are looked at, as a head always is:
    a read of another would have the kernel map a page for the process. AddressSpaceGone once it has ended.
    """
    found: list[Range] = []
    left, pace = _PROBES, Pace()
    for first, beyond in _joined(gaps):
        at = first
        window: tuple[int, bytes] = (0, b"")
        while at < beyond and left > 0:
            place = (at - window[0]) // PAGE
            if not 0 <= place < len(window[1]):
                pages = min(_PAGES_A_READ, (beyond - at) // PAGE)
                window, place = (at, pages_present(pagemap, at, pages)), 0
                if not window[1]:
                    raise AddressSpaceGone(memory.pid)
            if not window[1][place]:
                there = window[1].find(1, place)
                at = window[0] + PAGE * (len(window[1]) if there < 0 else there)
                continue
            left -= 1
            if pace.over:
                yield
                pace.begin()
            size = _block_size(memory, at)
            if PAGE <= size <= beyond - at:
                found.append((at, at + size))
                at += size
            else:
                at += PAGE
    return found


def _joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Those that touch as one; they are in order."""
    begun: Range | None = None
    for first, beyond in ranges:
        if begun is not None and begun[1] == first:
            begun = begun[0], beyond
            continue
        if begun is not None:
            yield begun
        begun = first, beyond
    if begun is not None:
        yield begun


def _block_size(memory: ProcessMemory, address: int) -> int:
    """The size of the block that begins there; 0 where none does."""
    try:
        before, size = _BLOCK.unpack(memory.read(address, _BLOCK.size))
    except Unmapped:
        return 0
    # glibc 2.43 leaves the head's own bytes out of the size.
    is_one = (
        not before and size & _FLAGS == _IS_MMAPPED and size % PAGE - _IS_MMAPPED in (0, PAGE - _BLOCK.size)
    )
    return -(-(size - _IS_MMAPPED) // PAGE) * PAGE if is_one else 0


def within(parts: Iterable[Range], mappings: list[Range]) -> Iterator[Range]:
    """What of the parts is mapped; neighbours are joined, so that few reads do for many arenas."""
    starts = [start for start, _ in mappings]
    first = beyond = 0
    for start, end in sorted(parts):
        index = max(bisect_right(starts, start) - 1, 0)
        for low, high in mappings[index:]:
            if low >= end:
                break
            low, high = max(low, start, beyond), min(high, end)
            if low >= high:
                continue
            if low == beyond:
                beyond = high
                continue
            if beyond:
                yield first, beyond
            first, beyond = low, high
    if beyond:
        yield first, beyond


def without(mappings: list[Range], parts: Iterable[Range]) -> list[Range]:
    """What of the mappings, which are in order, none of the parts takes."""
    gaps: list[Range] = []
    taken = sorted(parts)
    for first, beyond in mappings:
        at = first
        for start, end in taken[max(bisect_right(taken, (first, 0)) - 1, 0) :]:
            if start >= beyond:
                break
            if start > at:
                gaps.append((at, start))
            at = max(at, end)
        if at < beyond:
            gaps.append((at, beyond))
    return gaps
