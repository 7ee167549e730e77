"""Pauses from CPython 3.15 on, which notes the last collections of each generation with their times.

Eleven young and three old collections fit into its rings (one each without the GIL), which are read on every
beat. Each item holds running totals too, so that what was overwritten before it was read is missing from the
pauses alone.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import ProcessMemory, Unmapped

from .sampled import Pause
from .totals import GENERATIONS, Check, Stats


class _Item(NamedTuple):
    """struct gc_generation_stats: one collection, and the totals up to it."""

    collections: int
    collected: int
    uncollectable: int
    start_ns: int
    stop_ns: int


class PublishedPauses:
    """The pauses of one collector, as it notes them itself."""

    def __init__(self, memory: ProcessMemory, layout: Layout, gc: int, check: Check, origin_ns: int) -> None:
        """Collections that are over already are not told. Raises Unmapped, AddressSpaceGone."""
        self._memory, self._layout, self._origin_ns = memory, layout, origin_ns
        self._check = check
        assert layout.gc_stats is not None
        self._size = layout.gc_stats.size
        self._pointer = gc + layout.gc.generation_stats
        self._flag_at = gc + layout.gc.collecting
        self._at = memory.u64(self._pointer)
        self._raw = memory.read(self._at, self._size)
        self._newest = [self._ring(number)[-1] for number in range(GENERATIONS)]
        self._done: list[tuple[int, int, int, int | None]] = []  # start_ns, stop_ns, generation, collected
        self.last: tuple[int, int] | None = None  # from when to when the newest of them lasted
        self._later = False  # a collection has ended since the instant of the last sample

    def sample(self, now_us: int) -> bool:
        """Reads the rings, and says whether something is new; Unmapped, AddressSpaceGone.

        A collection that ended after the instant of the sample, while it was taken, is the next one's: totals
        and pauses count it together, and no pause ends in the future.
        """
        raw = self._memory.read(self._at, self._size)
        if raw == self._raw or raw != self._memory.read(self._at, self._size):
            return False  # nothing is new, or an item is being written, and whole at the next beat
        self._check()
        if self._memory.u64(self._pointer) != self._at:
            raise Unmapped(hex(self._at))  # the collector has been taken down
        self._raw = raw
        now_ns = self._origin_ns + now_us * 1000
        self._later, known = False, len(self._done)
        for generation in range(GENERATIONS):
            before = self._newest[generation]
            for item in self._ring(generation):
                if item.collections <= before.collections or item.stop_ns < item.start_ns:
                    continue  # told already, or no item
                if item.stop_ns > now_ns:
                    self._later = True
                    break
                follows = item.collections == before.collections + 1
                collected = item.collected - before.collected if follows else None
                self._done.append((item.start_ns, item.stop_ns, generation, collected))
                before = item
            self._newest[generation] = before
        if self._later:
            self._raw = b""  # as if it had changed since
        new = self._done[known:]
        if new:
            start_ns, stop_ns = min(each[0] for each in new), max(each[1] for each in new)
            self.last = self._us(start_ns), self._us(stop_ns)
        return bool(new)

    def is_collecting(self) -> bool:
        """Whether it is at work, or has ended a collection that the next sample is to count; Unmapped."""
        return self._later or bool(self._memory.i32(self._flag_at))

    def gap(self, from_us: int) -> None:
        """Nothing is lost but what the rings could not hold."""

    def take(self, now_us: int) -> list[Pause]:
        """The pauses that have ended since the last call, in their order: all that `stats` counts."""
        done, self._done = self._done, []
        return [
            self._row(start_ns, stop_ns, generation, collected)
            for start_ns, stop_ns, generation, collected in sorted(done)
        ]

    def stats(self) -> Stats:
        """The totals of each generation, as the last sample found them."""
        return [item[:3] for item in self._newest]

    def _row(self, start_ns: int, stop_ns: int, generation: int, collected: int | None) -> Pause:
        start_us = self._us(start_ns)
        return start_us, self._us(stop_ns) - start_us, generation, collected

    def _us(self, instant_ns: int) -> int:
        return max(0, (instant_ns - self._origin_ns) // 1000)  # it may have begun before the run

    def _ring(self, generation: int) -> list[_Item]:
        """The items of a generation, the newest last."""
        stats, size = self._layout.gc_stats, self._layout.gc_generation_stats.size
        assert stats is not None
        first = stats.old + (generation - 1) * stats.old_size if generation else 0
        count = stats.old_items if generation else stats.young_items
        return sorted(self._item(first + number * size) for number in range(count))

    def _item(self, at: int) -> _Item:
        item = self._layout.gc_generation_stats
        assert item.ts_start is not None
        assert item.ts_stop is not None
        fields = (item.collections, item.collected, item.uncollectable, item.ts_start, item.ts_stop)
        return _Item(*(struct.unpack_from("=q", self._raw, at + field)[0] for field in fields))
