"""What a collector is set to and how far it has come, from struct _gc_runtime_state."""

from __future__ import annotations

import struct
from typing import Any, Callable

from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import ProcessMemory

GENERATIONS = 3

Stats = list[tuple[int, int, int]]  # collections, collected, uncollectable of each: running totals
Check = Callable[[], None]  # raises Unmapped once the interpreter has ended


class CollectorTotals:
    """The settings of one collector, and its counts towards the next collection."""

    def __init__(self, memory: ProcessMemory, layout: Layout, gc: int, check: Check) -> None:
        """`gc` is the address of the structure. Raises Unmapped, AddressSpaceGone."""
        self._memory, self._gc, self._layout, self._check = memory, gc, layout, check
        generations_end = layout.gc.generations + GENERATIONS * layout.gc_generation.size
        self._size = max(generations_end, layout.gc.long_lived_pending + 8, (layout.gc.heap_size or 0) + 8)
        self.read()

    def read(self) -> None:
        """Reads them anew; Unmapped, AddressSpaceGone."""
        raw = self._memory.read(self._gc, self._size)
        self._check()
        self._raw = raw

    def row(self, stats: Stats) -> list[Any]:
        """From enabled to long_lived, as a collector message lists them."""
        gc, generation = self._layout.gc, self._layout.gc_generation
        starts = [gc.generations + number * generation.size for number in range(GENERATIONS)]
        return [
            bool(self._int(gc.enabled)),
            [self._int(start + generation.threshold) for start in starts],
            [self._int(start + generation.count) for start in starts],
            *(list(column) for column in zip(*stats)),
            None if gc.heap_size is None else self._long(gc.heap_size),
            [self._long(gc.long_lived_total), self._long(gc.long_lived_pending)],
        ]

    def _long(self, offset: int) -> int:
        value: int = struct.unpack_from("=q", self._raw, offset)[0]
        return value

    def _int(self, offset: int) -> int:
        value: int = struct.unpack_from("=i", self._raw, offset)[0]
        return value
