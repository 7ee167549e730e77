"""The cyclic garbage collector of each interpreter of a process: its totals, and its pauses.

The totals are CPython's own. From 3.15 on CPython publishes when each collection began and ended, and a pause
is exact (published.py); before, the observer looks at every beat whether one is going on (sampled.py).
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from app.probe.cpython.collector.published import PublishedPauses
from app.probe.cpython.collector.sampled import SampledPauses
from app.probe.cpython.collector.totals import CollectorTotals
from app.probe.cpython.survey import InterpreterState
from app.probe.kernel.memory import Unmapped
from app.probe.kernel.resident import Resident

from .collected import Gauge, MovedMemory, Pauses
from .roster import Roster

Row = list[Any]


class _Collector:
    """Of one interpreter: what reads it, and what was last told of it."""

    def __init__(
        self,
        interpreter: InterpreterState,
        totals: CollectorTotals,
        pauses: Pauses,
        memory: MovedMemory,
    ) -> None:
        self.interpreter = interpreter
        self.totals = totals
        self.pauses = pauses
        self.memory = memory
        self.told: Row = []


class CollectorReads:
    """The collectors of one process. They come and go with its interpreters."""

    def __init__(self, roster: Roster, origin_ns: int) -> None:
        """`origin_ns` is the run's, for CPython gives its own times on CLOCK_MONOTONIC."""
        self._roster = roster
        self._origin_ns = origin_ns
        self._resident = Resident(roster.pid)
        self._surveyed: list[InterpreterState] = []
        self._collectors: dict[InterpreterState, _Collector] = {}
        self._ended: list[_Collector] = []

    def sample(self, now_us: int) -> None:
        """Looks at each once; AddressSpaceGone."""
        if self._roster.interpreters is not self._surveyed:
            self._follow(now_us)
        for collector in self._collectors.values():
            try:
                if collector.pauses.sample(now_us) or now_us >= collector.memory.due_us:
                    collector.memory.look(now_us)
            except Unmapped:
                continue  # it has ended, which the roster finds within a few beats

    def close(self) -> None:
        """Gives the descriptor back."""
        self._resident.close()

    def gap(self, from_us: int) -> None:
        """The observer did not run from then until the next sample."""
        for collector in self._collectors.values():
            collector.pauses.gap(from_us)

    def take_pauses(self, now_us: int) -> list[Row]:
        """Those that have ended by now and were not taken before, as a collector message lists them."""
        return [
            [self._roster.pid, collector.interpreter.id, *pause]
            for collector in (*self._ended, *self._collectors.values())
            for pause in collector.pauses.take(now_us)
        ]

    def take_moved(self) -> list[Row]:
        """What memory moved with collections since the last call, as a collector message lists it."""
        return [
            [self._roster.pid, collector.interpreter.id, *moved]
            for collector in (*self._ended, *self._collectors.values())
            for moved in collector.memory.take()
        ]

    def take_totals(self) -> list[Row]:
        """The rows that have changed since they were last taken; AddressSpaceGone."""
        rows = [self._row(collector) for collector in self._ended]
        self._ended = []
        for collector in self._collectors.values():
            with contextlib.suppress(Unmapped):
                collector.totals.read()
                rows.append(self._row(collector))
        return [row for row in rows if row]

    def take_last(self) -> list[Row]:
        """The same of a process that can no longer be read, as its last sample found it."""
        rows = [self._row(collector) for collector in (*self._ended, *self._collectors.values())]
        return [row for row in rows if row]

    def _row(self, collector: _Collector) -> Row:
        """The row, or nothing where it was told already."""
        stats = collector.pauses.stats()
        totals = *collector.totals.row(stats), collector.memory.given_back
        row = [self._roster.pid, collector.interpreter.id, *totals]
        if row == collector.told:
            return []
        collector.told = row
        return row

    def _follow(self, now_us: int) -> None:
        """Takes in new interpreters and lets go of those that have ended; AddressSpaceGone."""
        there = self._roster.interpreters
        runtime = self._roster.runtime
        for interpreter in [known for known in self._collectors if known not in there]:
            self._ended.append(self._collectors.pop(interpreter))
        for interpreter in there:
            if interpreter in self._collectors:
                continue
            gc = interpreter.address + runtime.layout.interpreter_state.gc
            check = partial(self._check, interpreter)
            try:
                totals = CollectorTotals(runtime.memory, runtime.layout, gc, check)
                pauses: Pauses = (
                    SampledPauses(runtime.memory, runtime.layout, gc, check)
                    if runtime.layout.gc_stats is None
                    else PublishedPauses(runtime.memory, runtime.layout, gc, check, self._origin_ns)
                )
                gauge = Gauge(
                    self._resident, runtime.memory, runtime.layout, runtime.address, interpreter.address
                )
                memory = MovedMemory(pauses, gauge, now_us)
            except Unmapped:
                return  # it is being made or taken down: it is looked at anew at the next beat
            self._collectors[interpreter] = _Collector(interpreter, totals, pauses, memory)
        self._surveyed = there

    def _check(self, interpreter: InterpreterState) -> None:
        """Raises Unmapped once the interpreter has ended; what was read of it before is its own if not."""
        runtime = self._roster.runtime
        fields = runtime.layout.interpreter_state
        owner = runtime.memory.u64(interpreter.address + fields.runtime)
        if owner != runtime.address or runtime.memory.u64(interpreter.address + fields.id) != interpreter.id:
            raise Unmapped(hex(interpreter.address))
