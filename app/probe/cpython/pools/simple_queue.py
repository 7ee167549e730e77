"""How many items wait in a queue.SimpleQueue, which is an object of C."""

from __future__ import annotations

import struct

from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import members
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import ProcessMemory, Unmapped

_NAME = b"_queue.SimpleQueue\0"
_NONE = b"NoneType\0"
_TRIES = 3  # the queue is used while it is read
_MOST = 1 << 40
_LAST = 64  # items at the end among which those that are None are counted
_WORD = struct.Struct("=q")
_POINTER = 8


class SimpleQueues:
    """Reads those of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout) -> None:
        objects, of = layout.objects, layout.simple_queue
        self._memory = memory
        self._ob_type, self._tp_name = objects.ob_type, objects.tp_basicsize - 8
        self._ob_size = objects.ob_size  # sizeof(PyObject) too: where a class's own fields begin
        self._ring = of.lst is None
        if of.lst is None:
            self._at = of.put_idx
            self._words = members(
                *((of.put_idx, "q"), (of.get_idx, "q"), (of.items, "Q"), (of.items_cap, "q")),
                (of.num_items, "q"),
            )
        else:
            self._at = of.lst
            self._words = members((of.lst, "Q"), (of.lst_pos, "q"))

    def is_one(self, address: int) -> bool:
        """Whether the object there is a SimpleQueue, and no subclass of it; Unmapped."""
        return self._is_a(address, _NAME)

    def length(self, address: int) -> int | None:
        """How many items wait in it, up to the Nones at its end; None where what is read cannot be.

        A pool that is shut down puts None behind all tasks. Raises AddressSpaceGone.
        """
        for _ in range(_TRIES):
            try:
                items, first, end, count = self._of_ring(address) if self._ring else self._of_list(address)
                return count - self._nones(items, max(first, end - _LAST), end) if count else 0
            except (Inconsistent, Unmapped):
                continue
        return None

    def _is_a(self, address: int, name: bytes) -> bool:
        kind = self._memory.u64(address + self._ob_type)
        return self._memory.read(self._memory.u64(kind + self._tp_name), len(name)) == name

    def _read(self, address: int) -> tuple[int, ...]:
        words: tuple[int, ...] = self._words.unpack(
            self._memory.read(address + self._ob_size + self._at, self._words.size)
        )
        return words

    def _of_ring(self, address: int) -> tuple[int, int, int, int]:
        """(the array of items, places in it of the newest ones: from, to, how many there are in all)."""
        put, get, items, places, count = self._read(address)
        if not 0 < places < _MOST or not 0 <= count <= places or not 0 <= get < places:
            raise Inconsistent(f"no queue lies at {address:#x}")
        if (get + count) % places != put:
            raise Inconsistent("the queue was used while it was read")
        end = put or places
        return items, max(0, end - count), end, count

    def _of_list(self, address: int) -> tuple[int, int, int, int]:
        """The same."""
        before = held, taken = self._read(address)
        (size,) = _WORD.unpack(self._memory.read(held + self._ob_size, _WORD.size))
        items = self._memory.u64(held + self._ob_size + _POINTER)  # ob_item
        if not 0 <= taken <= size < _MOST or self._read(address) != before:
            raise Inconsistent("the queue was used while it was read")
        return items, taken, size, size - taken

    def _nones(self, items: int, first: int, end: int) -> int:
        """How many at the end of a part of the array are None."""
        data = self._memory.read(items + first * _POINTER, (end - first) * _POINTER)
        newest = struct.unpack(f"={end - first}Q", data)
        if not self._is_a(newest[-1], _NONE):
            return 0
        return next((n for n, item in enumerate(reversed(newest)) if item != newest[-1]), len(newest))
