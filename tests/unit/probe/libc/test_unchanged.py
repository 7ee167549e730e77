"""Arenas that stand still, over words of this process's own memory."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from app.probe.kernel.memory import ProcessMemory
from app.probe.kernel.pagemap import PAGE, PageStates, open_pagemap
from app.probe.kernel.scatter import MOST
from app.probe.libc.places import MallocArena
from app.probe.libc.unchanged import HEAD, HEAD_AT, WINDOW_PAGES, FreePages, KnownArenas, ListsFound
from app.probe.sampling.slow import finished

CHUNKS = MOST + 40  # more than one read's
CHUNK = 48  # bytes
LISTS = ListsFound(CHUNKS, CHUNKS * CHUNK, [], [])
FOUND = FreePages(CHUNKS, CHUNKS * CHUNK, 0, 0)


class Heap:
    """Chunks side by side, and an arena whose top is the last of them."""

    def __init__(self) -> None:
        self.words = ctypes.create_string_buffer(bytes(range(1, 49)) * CHUNKS)
        base = ctypes.addressof(self.words)
        self.places = [base + CHUNK * number for number in range(CHUNKS - 1)]
        self.top = base + CHUNK * (CHUNKS - 1)

    def arena(self, words: bytes = b"as they are") -> MallocArena:
        return MallocArena(0x1000, (), (), self.top, 0, 0, words)

    def heads(self) -> list[bytes]:
        return [ctypes.string_at(at + HEAD_AT, HEAD) for at in self.places]


class Shared(PageStates):
    """Of pages that another process has as well."""

    def of(self, first: int, count: int) -> tuple[int, int]:
        there, _ = super().of(first, count)
        return there, 0


class Asked(NamedTuple):
    """What is known of this process's arenas, and the states of its pages."""

    arenas: KnownArenas
    states: PageStates

    def again(self, arena: MallocArena) -> FreePages | None:
        found: FreePages | None = finished(self.arenas.again(arena, self.states))
        return found


@pytest.fixture(params=[PageStates, Shared])
def known(request: pytest.FixtureRequest) -> Iterator[Asked]:
    memory, pagemap = ProcessMemory(os.getpid()), open_pagemap(os.getpid())
    yield Asked(KnownArenas(memory), request.param(pagemap))
    memory.close()
    os.close(pagemap)


def test_what_stands_still_is_known_again_as_often_as_it_is_asked(known: Asked) -> None:
    heap = Heap()
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    assert known.again(heap.arena()) == FOUND
    assert known.again(heap.arena()) == FOUND


@pytest.mark.parametrize("chunk", [0, MOST, CHUNKS - 2])
@pytest.mark.parametrize("byte", [HEAD_AT, HEAD_AT + HEAD - 1])
def test_any_head_that_is_another_tells(known: Asked, chunk: int, byte: int) -> None:
    heap = Heap()
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    heap.words[chunk * CHUNK + byte] = 0
    assert known.again(heap.arena()) is None


@pytest.mark.parametrize("byte", [0, HEAD_AT + HEAD])
def test_what_the_program_writes_beside_a_head_is_its_own_matter(known: Asked, byte: int) -> None:
    heap = Heap()
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    heap.words[CHUNK + byte] = 0
    assert known.again(heap.arena()) == FOUND


def test_the_size_of_the_top_and_the_words_of_the_arena_tell_as_well(known: Asked) -> None:
    heap = Heap()
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    assert known.again(heap.arena(b"others")) is None
    heap.words[(CHUNKS - 1) * CHUNK + HEAD_AT] = 0
    assert known.again(heap.arena()) is None


def test_what_was_forgotten_is_not_known(known: Asked) -> None:
    heap = Heap()
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    known.arenas.forget(heap.arena())
    assert known.again(heap.arena()) is None


def test_no_more_is_kept_than_there_is_room_for(known: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.probe.libc.unchanged._MOST_HEADS", CHUNKS)
    heap = Heap()
    for _ in range(3):  # each in the place of the one before
        known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    assert known.again(heap.arena()) == FOUND
    monkeypatch.setattr("app.probe.libc.unchanged._MOST_HEADS", CHUNKS - 2)
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), LISTS)
    assert known.again(heap.arena()) is None


def test_pages_are_counted_as_they_are_now(known: Asked) -> None:
    heap = Heap()
    count = 2 * WINDOW_PAGES + 5
    area = mmap.mmap(-1, count * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    area.madvise(mmap.MADV_NOHUGEPAGE)
    holder = ctypes.c_char.from_buffer(area)
    first = ctypes.addressof(holder) // PAGE
    end = first + count
    lists = ListsFound(CHUNKS, 0, [(first, first + 4), (first + 10, end)], [(first + 5, first + 9)])
    known.arenas.keep(heap.arena(), heap.places, heap.heads(), lists)
    assert known.again(heap.arena()) == FreePages(CHUNKS, 0, 0, (count - 2) * PAGE)
    for page in (
        0,
        3,
        4,
        6,
        11,
        WINDOW_PAGES,
        count - 1,
    ):  # of which 4 is of no chunk, and 6 is not given back
        area[page * PAGE] = 1
    assert known.again(heap.arena()) == FreePages(CHUNKS, 0, 5 * PAGE, (count - 8) * PAGE)
    del holder
    area.close()


def test_an_arena_of_many_chunks_is_compared_in_steps(known: Asked) -> None:
    heap = Heap()
    places, heads = heap.places * 20, heap.heads() * 20
    known.arenas.keep(heap.arena(), places, heads, LISTS)
    first, later = (sum(1 for _ in known.arenas.again(heap.arena(), known.states)) for _ in range(2))
    assert first > later >= len(places) / 256
    assert known.again(heap.arena()) == FOUND
