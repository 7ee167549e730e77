"""How much memory moved with the collections of one collector.

The sizes of the process are read while it does not collect: every hundredth of a second while they move,
more rarely while they do not, and at once when a collection has ended. What lies between two such readings is
what moved with the collections between them, and with what the program itself did in that time.
"""

from __future__ import annotations

import os
import struct
from typing import Any, NamedTuple, Union

from app.probe.cpython.collector.published import PublishedPauses
from app.probe.cpython.collector.sampled import SampledPauses
from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Unmapped
from app.probe.kernel.resident import Resident

SHORT_US = 10_000
LONG_US = 80_000
TOLD_BYTES = 1 << 20  # what moved less is told in the sum alone,
TOLD_US = 5_000  # unless the collection lasted so long, or none was told for a while
TOLD_EVERY_US = 250_000

_COUNTS = struct.Struct("=Q16xq")  # arenas, raw_allocated_blocks
_MOVES = 64 * 1024

Pauses = Union[PublishedPauses, SampledPauses]


class MemorySizes(NamedTuple):
    """Bytes in memory, and two counts of the interpreter's own; None where it keeps none."""

    rss: int
    anonymous: int
    arenas: int | None
    large_blocks: int | None  # of more than 512 bytes


class Gauge:
    """Reads the sizes of one process, as one of its interpreters sees them."""

    def __init__(
        self, resident: Resident, memory: ProcessMemory, layout: Layout, runtime: int, interpreter: int
    ) -> None:
        """`runtime` and `interpreter` are their addresses. Raises Unmapped, AddressSpaceGone."""
        self._resident, self._memory = resident, memory
        self._finalizing_at = runtime + layout.runtime_state.finalizing
        self._counts_at: int | None = None
        at, of = layout.interpreter_state, layout.obmalloc
        if of is None:
            return
        state = interpreter + at.obmalloc if at.obmalloc is not None else 0
        if at.obmalloc_pointer is not None:
            state = memory.u64(interpreter + at.obmalloc_pointer)
        if state:
            self._counts_at = state + of.narenas_currently_allocated

    def read(self) -> MemorySizes | None:
        """None where the process has ended, or the interpreter is being taken down: what its last
        collections give back was in use until then. Unmapped, AddressSpaceGone.
        """
        if self._memory.u64(self._finalizing_at):
            return None
        sizes = self._resident.read()
        if sizes is None:
            return None
        if self._counts_at is None:
            return MemorySizes(*sizes, None, None)
        try:
            raw = os.pread(self._memory.fd, _COUNTS.size, self._counts_at)
        except (OSError, OverflowError):
            raise Unmapped(hex(self._counts_at)) from None
        if len(raw) < _COUNTS.size:
            raise AddressSpaceGone(self._memory.pid)
        return MemorySizes(*sizes, *_COUNTS.unpack(raw))


class MovedMemory:
    """What moved with the collections of one collector."""

    def __init__(self, pauses: Pauses, gauge: Gauge, now_us: int) -> None:
        """Unmapped, AddressSpaceGone."""
        self._pauses, self._gauge = pauses, gauge
        self.due_us = now_us
        self.given_back = 0  # bytes of RSS, by collections that freed objects; what they took is less
        self._every_us = SHORT_US
        self._before_us, self._before = now_us, self._gauge.read()
        self._stats = pauses.stats()
        self._told_us = now_us
        self._moved: list[list[Any]] = []

    def look(self, now_us: int) -> None:
        """Reads the sizes, unless it collects; Unmapped, AddressSpaceGone."""
        if self._pauses.is_collecting():
            self.due_us = now_us  # until it has ended
            return
        sizes, stats = self._gauge.read(), self._pauses.stats()
        before = self._before
        if sizes is None or before is None:
            self.due_us = now_us + LONG_US
            self._before_us, self._before, self._stats = now_us, sizes, stats
            return
        if stats != self._stats:
            self._note(before, sizes, stats, now_us)
        still = abs(sizes.rss - before.rss) < _MOVES
        self._every_us = min(2 * self._every_us, LONG_US) if still else SHORT_US
        self.due_us = now_us + self._every_us
        self._before_us, self._before, self._stats = now_us, sizes, stats

    def take(self) -> list[list[Any]]:
        """The end of each row of `moved` in a collector message, from its start on, since the last call."""
        moved, self._moved = self._moved, []
        return moved

    def _note(
        self, before: MemorySizes, after: MemorySizes, stats: list[tuple[int, int, int]], now_us: int
    ) -> None:
        ran = [new[0] - old[0] for old, new in zip(self._stats, stats)]
        freed = [new[1] - old[1] for old, new in zip(self._stats, stats)]
        if min(*ran, *freed) < 0:
            return  # counters that fell were not read whole
        collected = sum(freed)
        back = before.rss - after.rss
        if collected:
            self.given_back += back
        last = self._pauses.last
        seen = last is not None and last[1] >= self._before_us
        start_us, end_us = last if last is not None and seen else (self._before_us, now_us)
        long = seen and end_us - start_us >= TOLD_US
        rare = collected > 0 and now_us - self._told_us >= TOLD_EVERY_US
        if abs(back) < TOLD_BYTES and not long and not rare:
            return
        self._told_us = now_us
        generation = ran.index(1) if sum(ran) == 1 else None
        self._moved.append(
            [
                start_us,
                end_us - start_us if seen else None,
                generation,
                sum(ran),
                collected,
                self._before_us,
                list(before),
                now_us,
                list(after),
            ]
        )
