"""The parts of the heap's reader, each by itself."""

from __future__ import annotations

import base64
import ctypes
import mmap
import struct
from itertools import pairwise
from typing import Any

import pytest

from app.probe.cpython.heap import mimalloc, pymalloc, reading
from app.probe.cpython.heap.reading import MAX_MAPPED, MapChanges, Tally
from app.probe.cpython.heap.statics import StaticArenas
from app.probe.cpython.layouts import known
from app.probe.cpython.runtime import Runtime
from app.probe.kernel.memory import ProcessMemory
from app.probe.kernel.scatter import MOST, Scatter
from app.probe.sampling.heap_schedule import Schedule
from app.probe.sampling.slow import Cost, finished

MIB = 1 << 20


def mapped(size: int) -> tuple[mmap.mmap, int]:
    """Memory of one's own, and its address."""
    part = mmap.mmap(-1, size)
    return part, ctypes.addressof(ctypes.c_char.from_buffer(part))


# ---- when to read


def times_of(schedule: Schedule, cost: Cost, looked_at: bool, processes: int = 1) -> list[int]:
    """When readings of that cost begin, over twenty seconds."""
    times = []
    for now_us in range(0, 20_000_000, 50_000):
        if schedule.due(now_us, looked_at, processes):
            times.append(now_us)
            schedule.begin(now_us)
            schedule.cost = cost
    return times


def test_readings_grow_apart_while_nobody_looks() -> None:
    times = times_of(Schedule(), Cost(900, 500), looked_at=False)
    assert times[:5] == [0, 100_000, 200_000, 400_000, 800_000]
    assert {after - before for before, after in pairwise(times[5:])} == {1_000_000}


@pytest.mark.parametrize(
    ("cost", "looked_at", "period_us"),
    [
        pytest.param(Cost(400_000, 60_000), False, 6_000_000, id="a-hundredth-of-a-cpu"),
        pytest.param(Cost(1_000, 900), True, 1_000_000, id="once-a-second"),
        pytest.param(Cost(600_000, 60_000), True, 2_400_000, id="a-quarter-of-the-time"),
    ],
)
def test_a_reading_comes_as_often_as_it_may_cost(cost: Cost, looked_at: bool, period_us: int) -> None:
    times = times_of(Schedule(), cost, looked_at)
    assert {after - before for before, after in pairwise(times)} == {period_us}


def test_many_processes_share_what_all_readings_may_cost() -> None:
    cheap, dear = Cost(900, 500), Cost(8_000, 4_000)
    assert times_of(Schedule(), dear, looked_at=False, processes=50) == [0]
    assert times_of(Schedule(), dear, looked_at=True, processes=50)[:3] == [0, 2_000_000, 4_000_000]
    assert times_of(Schedule(), cheap, looked_at=False, processes=50)[:3] == [0, 2_500_000, 5_000_000]


def test_a_map_comes_each_five_seconds_while_nobody_looks_and_else_always() -> None:
    schedule = Schedule()
    unlooked = [now_us for now_us in range(0, 12_000_000, 1_000_000) if schedule.wants_map(now_us, False)]
    assert unlooked == [0, 5_000_000, 10_000_000]
    assert all(schedule.wants_map(now_us, looked_at=True) for now_us in range(12_000_000, 14_000_000, 50_000))


def test_who_comes_to_look_does_not_wait_for_it() -> None:
    schedule = Schedule()
    schedule.begin(0)
    schedule.hurry()  # while that reading, which has no map, goes on
    schedule.cost = Cost(400_000, 60_000)
    assert schedule.due(1, looked_at=True, processes=1)
    schedule.begin(1)
    assert not schedule.due(2, looked_at=True, processes=1)


# ---- what is told


def test_a_viewer_is_told_what_changed_and_what_is_gone() -> None:
    changes = MapChanges()
    first = changes.since({1: b"ab", 2: b"cd"})
    assert [address for address, _ in first["changed"]] == [1, 2]
    second = changes.since({2: b"ce", 3: b"ff"})
    assert [(address, base64.b64decode(text)) for address, text in second["changed"]] == [
        (2, b"ce"),
        (3, b"ff"),
    ]
    assert second["gone"] == [1]


def test_an_arena_is_pinned_by_a_tenth_of_itself_and_not_by_more() -> None:
    tally = Tally("pymalloc", [16])
    tally.add_arena(0, 1000, 100, None)
    tally.add_arena(1000, 1000, 101, None)
    assert tally.figures()["pinned"] == [1, 1000, 100]


def test_the_map_of_a_huge_heap_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_MAPPED", 2)
    tally = Tally("pymalloc", [16])
    for place in range(5):
        tally.add_arena(place * MIB, MIB, 0, b"\0\0")
    assert list(tally.map) == [0, MIB]
    assert tally.figures()["arenas"] == 5
    assert MAX_MAPPED == 4_096  # as app/model/frames.py says


# ---- pieces of memory


def test_pieces_are_read_past_those_that_are_no_memory(memory: ProcessMemory) -> None:
    part, address = mapped(MIB)
    for place in range(0, MIB, 4096):
        struct.pack_into("=I", part, place, place)
    scatter = Scatter(memory, 48)
    pieces, missing = scatter.read([0, address, address + 4096, 8, 16, address + 8192, 24])
    assert missing == [0, 3, 4, 6]
    words = pieces.cast("I")
    assert [words[12 * place] for place in (1, 2, 5)] == [0, 4096, 8192]


def test_as_many_pieces_as_a_call_takes_are_read(memory: ProcessMemory) -> None:
    part, address = mapped(MOST * 4096)
    for place in range(MOST):
        struct.pack_into("=I", part, place * 4096, place)
    pieces, missing = Scatter(memory, 48).read([address + 4096 * place for place in range(MOST)])
    assert not missing
    assert pieces.cast("I")[0::12].tolist() == list(range(MOST))


def test_a_page_that_is_unmapped_meanwhile_is_missing_and_not_made_up(memory: ProcessMemory) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    gone = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
    assert libc.munmap(gone + 4096, 4096) == 0
    pieces, missing = Scatter(memory, 48).read([gone, gone + 4096, gone + 4080])
    assert missing == [1, 2]
    assert bytes(pieces[:48]) == bytes(48)
    assert libc.munmap(gone, 4096) == 0


# ---- pymalloc


@pytest.mark.parametrize(
    "slot",
    [
        pytest.param((0x7F0000000100, 0x7F0000004000, 60, 63), id="address-not-of-a-page"),
        pytest.param((0x7F0000000000, 0x7F0000004010, 60, 64), id="next-pool-not-of-a-pool"),
        pytest.param((0x7F0000000000, 0x7F0000104000, 0, 64), id="next-pool-behind-the-arena"),
        pytest.param((0x7F0000000000, 0x7EFFFFFFC000, 60, 64), id="next-pool-before-the-arena"),
        pytest.param((0x7F0000000000, 0x7F0000004000, 65, 64), id="more-free-than-there-are"),
        pytest.param((0x7F0000000000, 0x7F0000004000, 1, 4096), id="too-many-pools"),
        pytest.param((0x7F0000000000, 0x7F0000000000, 0, 0), id="no-pools"),
    ],
)
def test_what_cannot_be_an_arena_is_none(slot: tuple[int, int, int, int]) -> None:
    assert pymalloc.arena(*slot) is None


@pytest.mark.parametrize(("address", "total", "size"), [(0x7F0000000000, 64, 1), (0x7F0000001000, 63, 1)])
def test_an_arena_is_as_large_as_its_pools_and_their_alignment(address: int, total: int, size: int) -> None:
    found = pymalloc.arena(address, -(-address // pymalloc.POOL) * pymalloc.POOL, total, total)
    assert found is not None
    assert found.size == size * MIB


def pool_header(count: int, place: int, arena: int) -> bytes:
    return struct.pack("=I28xIIII", count, arena, place, 0, 0)


def heap_of(arenas: int, slots: int) -> tuple[Any, bytearray, list[mmap.mmap]]:
    """A vector of arena objects over memory of this process: each with one pool of 5 blocks of 32 bytes."""
    parts: list[mmap.mmap] = []
    vector = bytearray(slots * 48)
    for index in range(arenas):
        part, address = mapped(MIB)
        first = -(-address // pymalloc.POOL) * pymalloc.POOL
        header = pool_header(5, 1, index)
        part[first - address : first - address + len(header)] = header
        total = (address + MIB - first) // pymalloc.POOL
        struct.pack_into("=QQII24x", vector, index * 48, address, first + pymalloc.POOL, total - 1, total)
        parts.append(part)
    return (ctypes.c_char * len(vector)).from_buffer(vector), vector, parts


def test_a_pool_that_contradicts_itself_is_counted_and_left_out(memory: ProcessMemory) -> None:
    held, vector, parts = heap_of(arenas=2, slots=16)
    address, pools = struct.unpack_from("=QQ", vector, 48)
    at = pools - pymalloc.POOL - address
    header = pool_header(pymalloc.ROOM[1] + 1, 1, 1)
    parts[1][at : at + len(header)] = header
    there = pymalloc.Vector(ctypes.addressof(held), 16, None)
    tally = finished(pymalloc.read(memory, Scatter(memory, 48), there, mapped=True))
    figures = tally.figures()
    assert (figures["torn"], figures["arenas"], figures["pools"], figures["blocks_used"]) == (1, 2, 1, 5)
    assert {len(text) for text in tally.map.values()} <= {126, 128}


def test_an_arena_given_back_meanwhile_is_nothing(memory: ProcessMemory) -> None:
    held, vector, parts = heap_of(arenas=3, slots=16)
    total = struct.unpack_from("=QQII", vector, 48)[3]
    struct.pack_into("=QQII", vector, 48, 0x10000, 0x14000, total - 1, total)  # no memory lies there
    there = pymalloc.Vector(ctypes.addressof(held), 16, None)
    figures = finished(pymalloc.read(memory, Scatter(memory, 48), there, mapped=False)).figures()
    assert (figures["torn"], figures["arenas"], figures["blocks_used"]) == (0, 2, 10)
    assert len(parts) == 3


# ---- the static variables of 3.11


def static_arenas(memory: ProcessMemory, variables: Any) -> StaticArenas:
    bss = ctypes.addressof(variables), ctypes.sizeof(variables)
    return StaticArenas(Runtime(memory, 0, known()[3, 11, False], "3.11.7", bss=bss))


@pytest.mark.parametrize(("arenas", "slots"), [(3, 16), (40, 64)])
def test_the_arenas_are_found_among_the_variables_and_counted(
    memory: ProcessMemory, arenas: int, slots: int
) -> None:
    held, vector, parts = heap_of(arenas, slots + 16)
    vector[slots * 48 :] = b"\1" * (16 * 48)  # what lies behind is anything
    address = ctypes.addressof(held)
    variables = (ctypes.c_uint64 * 100)(*range(60), address, address + 48, 0x7F0000000000)
    found = finished(static_arenas(memory, variables).vector())
    assert found == pymalloc.Vector(address, slots, None)
    assert len(parts) == arenas


def test_arenas_that_have_moved_are_found_again(memory: ProcessMemory) -> None:
    first, second = heap_of(2, 32), heap_of(3, 32)
    variables = (ctypes.c_uint64 * 100)(0, ctypes.addressof(first[0]))
    statics = static_arenas(memory, variables)
    assert finished(statics.vector()).arenas == ctypes.addressof(first[0])
    variables[1] = ctypes.addressof(second[0])
    assert finished(statics.vector()).arenas == ctypes.addressof(second[0])
    variables[1], variables[7] = 0, ctypes.addressof(first[0])
    assert finished(statics.vector()).arenas == ctypes.addressof(first[0])


def test_where_no_arenas_are_none_are_made_up(memory: ProcessMemory) -> None:
    part, address = mapped(MIB)
    variables = (ctypes.c_uint64 * 100)(address, address + 16, id(part) & ~15)
    assert finished(static_arenas(memory, variables).vector()) is None


# ---- mimalloc


def test_its_sizes_are_those_of_its_bins() -> None:
    assert mimalloc.SIZES[:13] == [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160]
    assert mimalloc.SIZES[-2:] == [128 << 10, 0]
    assert mimalloc.SIZES[:-1] == sorted(set(mimalloc.SIZES[:-1]))


def test_all_that_is_mapped_where_mimalloc_asks_for_memory_is_its_own() -> None:
    hinted, beyond = (3 << 40, (3 << 40) + mimalloc.SEGMENT), (0x7F0000000000, 0x7F0002000000)
    first, last = mimalloc.owned([hinted, beyond])
    assert first[0] < hinted[0] < hinted[1] < first[1]
    assert last == beyond
