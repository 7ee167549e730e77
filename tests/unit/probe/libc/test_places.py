"""glibc's main arena, found by its shape while the program that it serves is at work."""

from __future__ import annotations

import os
import struct

import pytest

from app.probe.kernel.memory import ProcessMemory, Range, Unmapped
from app.probe.kernel.pagemap import PAGE
from app.probe.libc import heap as heap_reader
from app.probe.libc import in_use, libraries, places
from app.probe.libc.chunks import Lists
from app.probe.libc.in_use import InUseReader
from app.probe.libc.libraries import Glibc, Mapped
from app.probe.libc.places import BINS, MainArena, Parameters, find_main, read_parameters

DATA = 0x7F00_0000_0000
ARENA = DATA + 0x40
OFFSET = 24  # of the bins
OLD, NEW = 0x5600_0000_1000, 0x5600_0000_2000  # chunks
BUSY = 5  # the bin that is changed


class Heap(ProcessMemory):
    """An arena of which one bin has OLD when its memory is copied, and NEW right after that."""

    def __init__(self) -> None:
        self.pid = self.fd = -1
        self.reads: list[int] = []

    def head(self, place: int) -> int:
        return ARENA + OFFSET + 16 * place - 16

    def words(self, chunk: int) -> bytes:
        pairs = [
            (chunk, chunk) if place == BUSY else (self.head(place), self.head(place)) for place in range(BINS)
        ]
        bins = struct.pack(f"={2 * BINS}Q", *(word for pair in pairs for word in pair))
        tail = struct.pack("=16x5Q", ARENA, 0, 1, 1 << 20, 1 << 20)
        return bytes(0x40 + OFFSET) + bins + tail

    def read(self, address: int, size: int) -> bytes:
        self.reads.append(address)
        if address == OLD + 24:
            return struct.pack("=Q", 0xDEAD)  # a program's own, by now
        if address == NEW + 24:
            return struct.pack("=Q", self.head(BUSY))
        data = self.words(OLD if len(self.reads) == 1 else NEW)
        if not 0 <= address - DATA <= len(data) - size:
            raise Unmapped(hex(address))
        return data[address - DATA : address - DATA + size]


def library(size: int) -> Glibc:
    ranges: list[Range] = [(DATA, DATA + size)]
    return Glibc("libc.so.6", ranges)


def test_a_bin_that_has_changed_since_it_was_copied_is_looked_at_again() -> None:
    heap = Heap()
    assert find_main(heap, library(len(heap.words(OLD)))) == MainArena(ARENA + OFFSET, OFFSET)


def test_an_arena_that_was_not_found_is_looked_for_again(monkeypatch) -> None:
    found = iter([None, MainArena(ARENA + OFFSET, OFFSET)])
    monkeypatch.setattr(places, "find_main", lambda memory, library: next(found))
    monkeypatch.setattr(in_use, "mapped", lambda pid: Mapped([library(1)], False, [], None))
    reader = InUseReader(Heap())
    assert [reader.is_readable() for _ in range(3)] == [False, True, True]


BASE = 0x5600_0000_0000  # of the heap
MAPPED, MOST_MAPPED = 3 << 20, 5 << 20
KIB, HUGE = 1 << 10, 2 << 20


class Words(ProcessMemory):
    """A library's data, as words."""

    def __init__(self, words: list[int]) -> None:
        self.pid = self.fd = -1
        self.data = struct.pack(f"={len(words)}Q", *words)

    def read(self, address: int, size: int) -> bytes:
        return self.data[address - DATA : address - DATA + size]


def of_2_36(trim: int, threshold: int, huge: int = 0, was_set: bool = False, arenas: int = 0) -> list[int]:
    """struct malloc_par, from trim_threshold to sbrk_base; `arenas` is arena_max."""
    ints = [0, (65_536 << 32) | 7, was_set]  # hp_flags and n_mmaps, n_mmaps_max and max_n_mmaps
    return [trim, 128 * KIB, threshold, 8, arenas, huge, 0, *ints, MAPPED, MOST_MAPPED, BASE]


def of_2_43(trim: int, threshold: int, huge: int = 0, was_set: bool = False, arenas: int = 0) -> list[int]:
    """The same with thp_mode before thp_pagesize."""
    words = of_2_36(trim, threshold, huge, was_set, arenas)
    return [*words[:5], 3, *words[5:]]


@pytest.mark.parametrize("parameters", [of_2_36, of_2_43])
@pytest.mark.parametrize(
    ("trim", "threshold", "huge", "was_set", "arenas", "found"),
    [
        (128 * KIB, 128 * KIB, 0, False, 0, Parameters(MAPPED, 128 * KIB, PAGE)),
        (800 * KIB, 400 * KIB, HUGE, False, 2, Parameters(MAPPED, 400 * KIB, HUGE)),
        (64 * KIB, 900 * KIB, HUGE, True, 2, Parameters(MAPPED, 900 * KIB, HUGE)),
        (64 * KIB, 900 * KIB, HUGE, False, 2, Parameters()),  # they contradict themselves
        (128 * KIB, 128 * KIB, 3 * KIB, False, 0, Parameters()),
    ],
)
def test_parameters_are_found_in_either_shape(
    parameters, trim: int, threshold: int, huge: int, was_set: bool, arenas: int, found: Parameters
) -> None:
    words = [0] * 16 + parameters(trim, threshold, huge, was_set, arenas) + [7]
    memory = Words(words)
    assert read_parameters(memory, library(len(memory.data)), (BASE, BASE + HUGE)) == found


@pytest.mark.parametrize(
    ("unit", "goes"),
    [(PAGE, HUGE * 2 + 5 * PAGE), (HUGE, HUGE * 2)],
)
def test_the_top_goes_back_in_units_and_the_rest_of_it_stays(unit: int, goes: int, tmp_path) -> None:
    """A top of two huge pages and five pages more, that begins with half a page."""
    at, size = BASE + PAGE // 2, HUGE * 2 + 5 * PAGE + PAGE // 2
    memory = Words([])
    memory.u64 = lambda address: {at + 8: size | 1, DATA: at}[address]  # type: ignore[method-assign]
    pagemap = os.open(tmp_path, os.O_RDONLY)
    try:
        lists = Lists(memory, pagemap, 10, unit)
        with pytest.raises(StopIteration) as ended:
            next(lists.top(at, DATA, size))
    finally:
        os.close(pagemap)
    found = ended.value.value
    assert found.free == size
    assert sum(end - start for start, end in found.pages) * PAGE == goes
    assert sum(end - start for start, end in (*found.pages, *found.kept)) == HUGE * 2 // PAGE + 5


def test_a_heap_that_the_map_has_in_parts_is_one() -> None:
    parts = [(0x1000, 0x3000), (0x3000, 0x200000), (0x200000, 0x400000)]
    lines = [f"{start:x}-{end:x} rw-p 00000000 00:00 0 {'[heap]':>20}" for start, end in parts]
    assert libraries._of(lines).heap == (0x1000, 0x400000)


@pytest.mark.parametrize(
    ("size", "place"), [(1_024, 63), (4_096, 98), (8_192, 106), (16_384, 113), (65_536, 120), (1 << 30, 125)]
)
def test_the_bin_of_a_page_of_any_size_is_the_one_of_malloc(size: int, place: int) -> None:
    assert heap_reader.bin_of(size) == place
