"""The private heap of each interpreter: its newest reading, the peaks, how it went, and its map.

A row is HeapFigures of app/model/summary.py. A reading's fields are those of the heap message.
`fragmentation` is the share of the arenas' bytes that no block in use takes: free blocks, free pools, pools
never carved, and what is too small for a block; null where there are no arenas. `torn` and `took_s` are of
the newest reading, `cpu_s` is the work of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from app.analysis.course import Course
from app.analysis.growth import LEAST_BYTES, LEAST_SHARE, HeapNow
from app.analysis.lows import Lows
from app.analysis.totals import seconds
from app.model.frames import Heap, Message, Row
from app.model.summary import HeapFigures, HeapPeak
from app.model.tracks import arena_maps, heap_classes, pinned_arenas

MAP_CHARACTERS = 2 * 1024 * 1024  # a heap of 8 GiB; what a viewer gets in its header


class HeapReading(NamedTuple):
    """A row of the course."""

    at_us: int
    blocks_used: int
    bytes_used: int
    arenas: int
    arena_bytes: int
    pinned_arenas: int
    pinned_bytes: int
    held_bytes: int


class HeapUse:
    """One interpreter's heap."""

    def __init__(self, message: Heap) -> None:
        self.pid = message.pid
        self.interpreter = message.interpreter
        self.newest = message
        self.course = Course()
        self.gone = False
        self._used = Lows()
        self._readings = 0
        self._cpu_us = 0
        self._peak: HeapPeak = {"blocks_used": 0, "bytes_used": 0, "arenas": 0, "arena_bytes": 0}
        self._map: dict[int, str] = {}
        self.mapped_us: int | None = None  # when the map was told last

    def read(self, message: Heap) -> None:
        """Take a reading."""
        self.newest = message
        self._used.add(message.at_us, message.bytes_used)
        self._readings += 1
        self._cpu_us += message.cpu_us
        self._peak = _highest(
            self._peak,
            {
                "blocks_used": message.blocks_used,
                "bytes_used": message.bytes_used,
                "arenas": message.arenas,
                "arena_bytes": message.arena_bytes,
            },
        )
        self.course.add(
            HeapReading(
                message.at_us,
                message.blocks_used,
                message.bytes_used,
                message.arenas,
                message.arena_bytes,
                *pinned_arenas(message),
            )
        )
        self._draw(message)

    def state(self) -> list[Any]:
        """All of it but the map, to be stored."""
        newest = replace(self.newest, mapped=False, changed=[], gone=[]).__dict__
        sums = [self._readings, self._cpu_us, self._peak, self._used.state()]
        return [newest, self.gone, *sums, self.course.state()]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        newest, self.gone, readings, cpu_us, peak, used, course = state
        self.newest = Heap(**newest)
        self._readings += readings
        self._cpu_us += cpu_us
        self._used.absorb(used)
        self._peak = _highest(self._peak, peak)
        self.course.absorb(course)

    def row(self) -> HeapFigures:
        """The row."""
        newest = self.newest
        pinned = pinned_arenas(newest)
        grown = self._used.trend(LEAST_BYTES, LEAST_SHARE)
        return {
            "pid": self.pid,
            "interpreter": self.interpreter,
            "allocator": newest.allocator,
            "at_s": newest.at_us / 1e6,
            "arenas": newest.arenas,
            "arena_bytes": newest.arena_bytes,
            "pools": newest.pools,
            "pools_free": newest.pools_free,
            "blocks_used": newest.blocks_used,
            "bytes_used": newest.bytes_used,
            "raw_blocks": newest.raw_blocks,
            "fragmentation": 1 - newest.bytes_used / newest.arena_bytes if newest.arena_bytes else None,
            "size_classes": [
                {
                    "size": each.size,
                    "pools": each.pools,
                    "blocks_used": each.blocks_used,
                    "blocks_free": each.blocks_free,
                }
                for each in heap_classes(newest)
            ],
            "pinned": {"arenas": pinned.arenas, "bytes": pinned.bytes, "held_bytes": pinned.held_bytes},
            "torn": newest.torn,
            "readings": self._readings,
            "took_s": seconds(newest.took_us),
            "cpu_s": seconds(self._cpu_us),
            "peak": self._peak,
            "growth": grown.to_json() if grown else None,
        }

    def message(self) -> Heap:
        """The newest reading, as if it were the first: with the whole map as it was told last, if ever.

        Of a map beyond MAP_CHARACTERS the arenas at the highest addresses are left out.
        """
        room = MAP_CHARACTERS
        shown: list[Row] = []
        for address, pools in sorted(self._map.items()):
            room -= len(pools)
            if room < 0:
                break
            shown.append([address, pools])
        return replace(self.newest, mapped=bool(shown), changed=shown, gone=[])

    def _draw(self, message: Heap) -> None:
        """Bring the map up to date, where the reading tells of it."""
        if not message.mapped:
            return
        self.mapped_us = message.at_us
        # Who comes to look is told the whole map anew, and not what went since the map before.
        if len(message.changed) >= message.arenas:
            self._map.clear()
        for address in message.gone:
            self._map.pop(address, None)
        self._map.update(arena_maps(message))


def _highest(one: HeapPeak, other: HeapPeak) -> HeapPeak:
    return {
        "blocks_used": max(one["blocks_used"], other["blocks_used"]),
        "bytes_used": max(one["bytes_used"], other["bytes_used"]),
        "arenas": max(one["arenas"], other["arenas"]),
        "arena_bytes": max(one["arena_bytes"], other["arena_bytes"]),
    }


class Heaps:
    """The heaps of a run, in the order in which they were first read."""

    def __init__(self) -> None:
        self._heaps: dict[tuple[int, int], HeapUse] = {}
        self._before: dict[int, HeapNow] = {}  # by pid, what was in use before a piece

    def __iter__(self) -> Iterator[HeapUse]:
        return iter(self._heaps.values())

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take a reading; of a pid that the kernel has given away again, it is another heap."""
        if isinstance(message, Heap):
            self._of(message).read(message)

    def begin(self, before: Heaps) -> None:
        """Of a piece of an observation (pieces.py): know what the heaps had before it."""
        pids = {heap.pid for heap in before.live()} | before._before.keys()
        self._before = {pid: now for pid in pids if (now := before.now(pid)) is not None}

    def state(self) -> list[Any]:
        """All of it but the maps, to be stored."""
        return [heap.state() for heap in self]

    def absorb(self, state: list[Any], begin_us: int) -> None:
        """Add the piece that follows."""
        for told in state:
            self._of(Heap(**told[0])).absorb(told)

    def _of(self, message: Heap) -> HeapUse:
        key = message.pid, message.interpreter
        heap = self._heaps.get(key)
        if heap is None or heap.gone:
            heap = self._heaps[key] = HeapUse(message)
        return heap

    def now(self, pid: int) -> HeapNow | None:
        """What all heaps of a process had in use when they were last read; None where none was."""
        there = [heap.newest for heap in self if heap.pid == pid and not heap.gone]
        if not there:
            return self._before.get(pid)
        large = [heap.raw_blocks for heap in there if heap.raw_blocks is not None]
        used = sum(heap.bytes_used for heap in there)
        at_us = min(heap.at_us for heap in there)
        return HeapNow(at_us, there[0].allocator, used, sum(large) if len(large) == len(there) else None)

    def process_gone(self, pid: int, at_us: int) -> None:
        """Its heaps are no more; their last readings stay."""
        self._before.pop(pid, None)
        for heap in self:
            if heap.pid == pid:
                heap.gone = True

    def forget(self, pids: Collection[int]) -> None:
        """Forget the heaps of these processes."""
        for pid in pids:
            self._before.pop(pid, None)
        for key in [key for key in self._heaps if key[0] in pids]:
            del self._heaps[key]

    def live(self) -> list[HeapUse]:
        """Those that are there."""
        return [heap for heap in self if not heap.gone]
