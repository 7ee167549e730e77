"""Where glibc keeps its arenas and its parameters. Its symbols are stripped: shapes tell.

An arena (struct malloc_state) has 127 bins, pairs of words that are the ends of lists: both are the bin's own
address less 16 where it is empty, else the last chunk of the list points back at the bin. `top` lies before
them, the words after them and after a bitmap are `next` (a ring of all arenas), `next_free`,
`attached_threads`, `system_mem` and `max_system_mem`. Before glibc 2.43 at the latest ten lists of small
chunks, the fast bins, lie between the arena's beginning and `top`.

The main arena is the one of these in the C library's own memory; the ring leads from it to the others and
back to its beginning, which tells how far before the bins that is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from app.probe.kernel.memory import ProcessMemory, Range, Unmapped
from app.probe.kernel.pagemap import PAGE

from .libraries import Glibc

BINS = 127
FAST_BINS = 10
MOST_ARENAS = 5_000

_WORDS = struct.Struct(f"={2 * BINS}Q")
_TAIL = struct.Struct("=16x5Q")  # the bitmap; next, next_free, attached_threads, system_mem, max_system_mem
_PAIR = struct.Struct("=2Q")
_LOOKS = 3  # at a bin that was changed since: a program that starts does so all the time
_BACK = 24  # of a chunk: its link to the chunk before
_WITH_FAST_BINS = 112
_WITHOUT = 24
_MOST_DATA = 1 << 20
_MOST_TEST = 64  # arena_test is 8


@dataclass(frozen=True)
class MallocArena:
    """What an arena's own words say, all read at one instant."""

    bins: int  # the address of the first pair
    links: tuple[int, ...]  # the pairs
    fast: tuple[int, ...]  # the first chunk of each fast bin
    top: int  # 0 where it has none yet
    next: int
    system: int  # bytes that it has of the kernel
    words: bytes  # the words themselves

    @property
    def top_at(self) -> int:
        """Where the address of `top` is."""
        return self.bins - 16

    @property
    def heads(self) -> range:
        """The addresses that the chunks of each bin are linked to, as if they were chunks themselves."""
        return range(self.bins - 16, self.bins - 16 + 16 * BINS, 16)


@dataclass(frozen=True)
class MainArena:
    """Where a library's main arena lies."""

    bins: int
    offset: int  # of the bins in an arena

    @property
    def has_fast_bins(self) -> bool:
        """Whether an arena has those too."""
        return self.offset == _WITH_FAST_BINS


@dataclass(frozen=True)
class Parameters:
    """Of struct malloc_par. None where it could not be found or contradicts itself."""

    mapped: int | None = None  # bytes of blocks that are mappings of their own
    mmap_threshold: int | None = None  # a block of so many gets one, as of now
    trim_unit: int | None = None  # the top of the main arena goes back in multiples of so many


class MainArenas:
    """The main arenas of one process's libraries: each is looked for until it is found, and then known."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory
        self._known: dict[int, MainArena] = {}  # by where the library's data lies

    def of(self, library: Glibc) -> MainArena | None:
        """That of a library; None where nothing has its shape, or not yet."""
        key = library.data[0][0] if library.data else 0
        if key not in self._known:
            found = find_main(self._memory, library)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]


def find_main(memory: ProcessMemory, library: Glibc) -> MainArena | None:
    """The main arena of a library; None where nothing has its shape."""
    for start, end in library.data:
        try:
            data = memory.read(start, min(end - start, _MOST_DATA))
        except Unmapped:
            continue
        for bins in _candidates(memory, start, data):
            for offset in (_WITH_FAST_BINS, _WITHOUT):
                main = MainArena(bins, offset)
                if _is_a_ring(memory, main):
                    return main
    return None


def _candidates(memory: ProcessMemory, start: int, data: bytes) -> Iterator[int]:
    """The addresses at which 127 pairs begin."""
    words = struct.unpack(f"={len(data) // 8}Q", data[: len(data) // 8 * 8])

    def is_bin(place: int) -> bool:
        head = start + 8 * place - 16
        first, last = words[place], words[place + 1]
        for _ in range(_LOOKS):
            if first == head or last == head:
                return bool(first == last)
            try:
                if last % 16 == 0 and memory.u64(first + _BACK) == head:
                    return True
                first, last = _PAIR.unpack(memory.read(head + 16, _PAIR.size))
            except Unmapped:
                return False
        return False

    place = 0
    while place + 2 * BINS <= len(words):
        # Some bin is always empty. It may stand anywhere in the array, so that is looked for in both ways.
        if not words[place] == words[place + 1] == start + 8 * place - 16:
            place += 1
            continue
        first = last = place
        while first >= 2 and place - first < 2 * BINS and is_bin(first - 2):
            first -= 2
        while last + 3 < len(words) and last - first < 2 * BINS and is_bin(last + 2):
            last += 2
        if (last - first) // 2 + 1 >= BINS:
            yield start + 8 * first
        place = last + 2


def _is_a_ring(memory: ProcessMemory, main: MainArena) -> bool:
    try:
        at = main.bins - main.offset
        for _ in range(MOST_ARENAS):
            at, *_ = _TAIL.unpack(memory.read(at + main.offset + _WORDS.size, _TAIL.size))
            if at == main.bins - main.offset:
                return True
            if not at or at % 16:
                return False
    except Unmapped:
        pass
    return False


def read_arena(memory: ProcessMemory, bins: int, has_fast_bins: bool) -> MallocArena:
    """The arena whose bins lie there; Unmapped."""
    before = _before(has_fast_bins)
    data = arena_words(memory, bins, has_fast_bins)
    *fast, top, _ = struct.unpack_from(f"={before // 8}Q", data)
    links = _WORDS.unpack_from(data, before)
    following, _, _, system, _ = _TAIL.unpack_from(data, before + _WORDS.size)
    return MallocArena(bins, links, tuple(fast), 0 if top == bins - 16 else top, following, system, data)


def arena_words(memory: ProcessMemory, bins: int, has_fast_bins: bool) -> bytes:
    """The words that it is made of: as they were, where nothing was changed. Unmapped."""
    before = _before(has_fast_bins)
    return memory.read(bins - before, before + _WORDS.size + _TAIL.size)


def _before(has_fast_bins: bool) -> int:
    """Bytes of the words before the bins."""
    return 8 * (FAST_BINS + 2) if has_fast_bins else 16


def read_parameters(memory: ProcessMemory, library: Glibc, heap: Range | None) -> Parameters:
    """What the library's parameters say; `heap` is [heap], whose beginning they hold.

    In the words before that are max_mmapped_mem and mmapped_mem, and in the seventh before it thp_pagesize:
    the size of a huge page where the heap is to have some, 0 where it is not. It is to by the tunable
    glibc.malloc.hugetlb, and on aarch64 from glibc 2.43 on without it. Ten or eleven words before, by the
    version, is mmap_threshold, known by the words beside it: trim_threshold is twice as much once the
    threshold has moved, and as much before; arena_test is small. A program that has set one of the two has
    no_dyn_threshold set as well, in the third word before.
    """
    if heap is None:
        return Parameters()
    for start, end in library.data:
        try:
            data = memory.read(start, min(end - start, _MOST_DATA))
        except Unmapped:
            continue
        words = struct.unpack(f"={len(data) // 8}Q", data[: len(data) // 8 * 8])
        for place in range(16, len(words)):
            if words[place] != heap[0] or not words[place - 2] <= words[place - 1]:
                continue
            huge, was_set = words[place - 7], words[place - 3] & 0xFFFF_FFFF == 1
            if huge & (huge - 1):
                continue
            for back in (10, 11):
                trim, _, threshold, test = words[place - back - 2 : place - back + 2]
                if not 0 < test <= _MOST_TEST < threshold:
                    continue
                if was_set or trim in (threshold, 2 * threshold):
                    return Parameters(words[place - 2], threshold, huge or PAGE)
    return Parameters()
