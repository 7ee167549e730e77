"""One reading of pymalloc: every arena, and the header of every pool, as sys._debugmallocstats() counts them.

arenas is a vector of arena_object, each 48 bytes; an arena is 1 MiB of memory, which the kernel aligns to
4 KiB only, with 63 or 64 pools of 16 KiB in it. Pools are carved from the front; one that was carved says in
its header how many blocks of which class are in use.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import ProcessMemory
from app.probe.kernel.scatter import MOST, Scatter

from .reading import NOT_IN_USE, Tally

POOL = 16_384
HEADER = 48  # sizeof(struct pool_header)
ARENA_OBJECT = struct.Struct("=QQII24x")  # address, pool_address, nfreepools, ntotalpools
SIZES = [16 * (place + 1) for place in range(32)]
ROOM = [(POOL - HEADER) // size for size in SIZES]  # blocks a pool

_WORDS = HEADER // 4
_COUNT, _SZIDX = 0, 9  # of the header's words
_SLOTS_A_STEP = 1_024
_MAX_SLOTS = 1 << 24  # 16 TiB of arenas
_MAX_POOLS = 128  # 63 and 64; 127 and 128 where a 3.15 was built for huge pages
_MIB = 1 << 20
_FREE, _UNCARVED = b"\0\0", b"\0\xff"
_PIECES = [
    [bytes((place + 1, count * 255 // room)) for count in range(room + 1)] for place, room in enumerate(ROOM)
]


@dataclass(frozen=True)
class Vector:
    """Where a heap's arena objects lie at the moment, and what else its state says."""

    arenas: int
    slots: int
    raw_blocks: int | None


@dataclass(frozen=True)
class Arena:
    """An arena in use."""

    address: int
    first: int  # of its pools
    carved: int
    total: int

    @property
    def size(self) -> int:
        """In bytes: its pools, and what is lost to their alignment."""
        return -(-self.total * POOL // _MIB) * _MIB


def arena(address: int, pool_address: int, free: int, total: int) -> Arena | None:
    """The arena that an arena_object tells of; None where its numbers cannot be those of one."""
    first = -(-address // POOL) * POOL
    carved, rest = divmod(pool_address - first, POOL)
    if address % 4096 or rest or not 0 < total <= _MAX_POOLS or not 0 <= carved <= total or free > total:
        return None
    return Arena(address, first, carved, total)


def read(
    memory: ProcessMemory, scatter: Scatter, vector: Vector, mapped: bool
) -> Generator[None, None, Tally]:
    """A slow read of one heap."""
    tally = Tally("pymalloc", SIZES, vector.raw_blocks)
    arenas: list[Arena] = []
    if vector.slots > _MAX_SLOTS:
        raise Inconsistent(f"pymalloc has {vector.slots} arenas")
    for start in range(0, vector.slots, _SLOTS_A_STEP):
        count = min(_SLOTS_A_STEP, vector.slots - start)
        slots = memory.read(vector.arenas + start * ARENA_OBJECT.size, count * ARENA_OBJECT.size)
        # One that is being made or freed at this instant contradicts itself, and is nothing yet or no more.
        found = (arena(*slot) for slot in ARENA_OBJECT.iter_unpack(slots) if slot[0])
        arenas += [each for each in found if each is not None]
        yield
    for some in _in_steps(arenas):
        _read_pools(scatter, some, tally, mapped)
        yield
    return tally


def _in_steps(arenas: list[Arena]) -> Iterator[list[Arena]]:
    """As many at a time as one call reads the pools of."""
    some: list[Arena] = []
    pools = 0
    for each in arenas:
        if pools + each.carved > MOST:
            yield some
            some, pools = [], 0
        some.append(each)
        pools += each.carved
    if some:
        yield some


def _read_pools(scatter: Scatter, arenas: list[Arena], tally: Tally, mapped: bool) -> None:
    addresses: list[int] = []
    for each in arenas:
        addresses += range(each.first, each.first + each.carved * POOL, POOL)
    headers, missing = scatter.read(addresses)
    words = headers.cast("I")
    counts, classes = words[_COUNT::_WORDS].tolist(), words[_SZIDX::_WORDS].tolist()
    start = 0
    for each in arenas:
        end = start + each.carved
        if not any(start <= place < end for place in missing):  # else it was given back meanwhile
            _count(each, counts[start:end], classes[start:end], tally, mapped)
        start = end


def _count(arena: Arena, counts: list[int], classes: list[int], tally: Tally, mapped: bool) -> None:
    """Takes in an arena by what the headers of its carved pools say."""
    pools, used, room = tally.pools, tally.used, tally.room
    kinds = bytearray(bytes((NOT_IN_USE,)) * len(classes))
    held = 0
    free = arena.total - arena.carved
    pieces: list[bytes] = []
    for at, (count, place) in enumerate(zip(counts, classes)):
        piece = _FREE
        if not count:
            free += 1
        elif place > 31 or count > ROOM[place]:
            tally.torn += 1
        else:
            kinds[at] = place
            pools[place] += 1
            used[place] += count
            room[place] += ROOM[place]
            held += count * SIZES[place]
            piece = _PIECES[place][count]
        if mapped:
            pieces.append(piece)
    tally.kinds.append((arena.first, bytes(kinds)))
    tally.pools_free += free
    pieces.append(_UNCARVED * (arena.total - arena.carved))
    tally.add_arena(arena.address, arena.size, held, b"".join(pieces) if mapped else None)
