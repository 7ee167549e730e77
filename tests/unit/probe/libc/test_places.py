"""glibc's main arena, found by its shape while the program that it serves is at work."""

from __future__ import annotations

import struct

from app.probe.kernel.memory import ProcessMemory, Range, Unmapped
from app.probe.libc import in_use, places
from app.probe.libc.in_use import InUseReader
from app.probe.libc.libraries import Glibc, Mapped
from app.probe.libc.places import BINS, MainArena, find_main

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
