"""Where CPython 3.11 keeps its arenas.

The vector of arena objects is named by a static variable, whose symbol most builds are stripped of. But
the variable lies in .bss, and what it points to can be told from everything else: slots of 48 bytes, of
which each that is in use tells of an arena whose first pool names that very slot in its header.

How many slots the vector has, another static variable would say. It doubles from 16 on, so its end is found
by going on as long as what lies behind looks like slots; garbage there is no arena, since no pool names it.
"""

from __future__ import annotations

import struct
from collections.abc import Generator

from app.probe.cpython.runtime import Runtime
from app.probe.kernel import procfs
from app.probe.kernel.machine import HERE
from app.probe.kernel.memory import Unmapped

from .pymalloc import ARENA_OBJECT, Vector, arena

_FIRST_SLOTS = 16
_PART = 16_384  # bytes of variables a step
_ODD = 8  # one slot in so many may be changing while it is looked at
_LOWEST, _HIGHEST = 1 << 16, HERE.user_end  # of an address
_NEXTARENA = 32
_ARENAINDEX = 32  # of struct pool_header
_PAGE = 4_096  # to which the first word of a slot is aligned, the address of an arena
_MIB = 1 << 20


class StaticArenas:
    """Finds the vector, and finds it again when it has moved."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._memory = runtime.memory
        self._pointers: list[int] = []  # addresses of variables that have pointed to it
        self._slots: dict[int, int] = {}  # by the vector's address, at which it only grows

    def vector(self) -> Generator[None, None, Vector | None]:
        """A slow read: where the vector is now; None where there is none."""
        found = self._known()
        if found is None:
            yield from self._search()
            found = self._known()
        if found is None:
            return None
        self._slots = {found: (yield from self._count(found))}
        return Vector(found, self._slots[found], None)

    def _known(self) -> int | None:
        for pointer in self._pointers:
            found = self._memory.u64(pointer)
            if self._is_vector(found):
                return found
        return None

    def _search(self) -> Generator[None, None, None]:
        """Looks through the variables that begin as 0."""
        self._pointers = []
        start, size = self._runtime.bss
        for part in range(start, start + size - 7, _PART):
            count = min(_PART, start + size - part) // 8
            words = struct.unpack(f"={count}Q", self._memory.read(part, 8 * count))
            for place, word in enumerate(words):
                if _LOWEST < word < _HIGHEST and not word % 16 and self._is_vector(word):
                    self._pointers.append(part + 8 * place)
            yield

    def _is_vector(self, address: int) -> bool:
        """Whether the first slots lie there, and one of them at least is sure to be an arena's."""
        try:
            if self._memory.u64(address) % _PAGE:
                return False
            odd, sure = self._look_at(address, 0, _FIRST_SLOTS)
        except Unmapped:
            return False
        return sure > 0 and odd * _ODD <= _FIRST_SLOTS

    def _count(self, address: int) -> Generator[None, None, int]:
        """How many slots the vector has; not more than the arenas that the process ever had room for."""
        slots = self._slots.get(address, _FIRST_SLOTS)
        most = procfs.peak_size(self._memory.pid) // _MIB + 1
        while slots < most and self._are_slots(address, slots, _FIRST_SLOTS):
            yield
            if not self._are_slots(address, slots, slots):
                break
            slots *= 2
        return slots

    def _are_slots(self, address: int, first: int, count: int) -> bool:
        try:
            odd, _ = self._look_at(address, first, count)
        except Unmapped:
            return False
        return odd * _ODD <= count

    def _look_at(self, address: int, first: int, count: int) -> tuple[int, int]:
        """Of some slots: how many are none, and how many are sure to be those of arenas."""
        size = ARENA_OBJECT.size
        data = self._memory.read(address + first * size, count * size)
        odd = sure = 0
        for index, slot in enumerate(ARENA_OBJECT.iter_unpack(data)):
            if slot[0]:
                named = self._is_arena(first + index, *slot)
                odd += not named
                sure += named
            else:
                (following,) = struct.unpack_from("=Q", data, index * size + _NEXTARENA)
                odd += bool(following) and bool((following - address) % size)
        return odd, sure

    def _is_arena(self, index: int, address: int, pool_address: int, free: int, total: int) -> bool:
        """Whether a slot tells of an arena whose first pool names the slot."""
        found = arena(address, pool_address, free, total)
        if found is None or not found.carved:
            return False
        try:
            return self._memory.u32(found.first + _ARENAINDEX) == index
        except Unmapped:
            return False
