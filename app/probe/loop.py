"""The observer's loop: sample, tell, obey, until the program ends or the server says so.

beat (1 kHz)       sample every CPython of the run
look (100 Hz)      read the stacks of each GIL's holder, of its longest waiter, and of blocked threads
search (200 Hz)    take in new processes, if any was started; look for the interpreters of those without one
slice (50 ms)      write a frame; hear the server, the workload and the kernel; of a length that the spec has
counters (4 Hz)    write the kernel's totals and the collectors'; look for ended processes
heaps              read when they are due, a step between two beats
seldom             read what processes/seldom lists of each process when it is due, a step between two beats

What is due at the end of a slice takes milliseconds where there are hundreds of threads, so it is done in
parts between the samples: see chores.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from app.model.spec import Sampling

from .chores import Chores
from .dialogue import Dialogue
from .run_parts import RunParts
from .sampling.looks import Moments
from .sampling.pacing import Pacer
from .sampling.sampler import GAP_US
from .search import Search

_GAP_PERIODS = 2  # a beat that comes later than both of these leaves a gap, not a guess
_FIRST_WALK_NS = 100_000_000  # before the first sample there is time for one that takes long


class Loop:
    """Everything that happens between the first sample and the end."""

    def __init__(
        self, run: RunParts, sampling: Sampling, pacer: Pacer, search: Search, dialogue: Dialogue
    ) -> None:
        self._clock, self._subject, self._ending = run.clock, run.subject, run.ending
        self._tree, self._slow = run.tree, run.slow
        self._pacer, self._search, self._dialogue = pacer, search, dialogue
        self._moments = Moments(sampling.stacks_hz)
        self._counters_us = int(1e6 / sampling.counters_hz)
        self._counters_at_us = 0

    def run(self) -> None:
        """Beats until the program has ended, or the run is due to end."""
        self._read_first()
        pacer, clock, rounds, slow = self._pacer, self._clock, self._tree.rounds, self._slow
        moments, subject, search, chores = self._moments, self._subject, self._search, Chores()
        start = last = clock.now_us()
        self._tree.reports.begin(start)
        pacer.start()
        if subject.line is not None:
            subject.line.go()
        self._counters_at_us = start + self._counters_us
        samples, late, slice_us = 0, 0, subject.slice_us
        while True:
            slow.step(pacer.due_ns)
            now = clock.of(pacer.wait())
            period = pacer.period_ns // 1000
            if now - last > max(GAP_US, _GAP_PERIODS * period):
                rounds.gap(last + period)
            last = now
            now = rounds.sample(now)
            samples += 1
            if moments.due(now, pacer.hz / pacer.requested_hz):
                rounds.look_at_stacks(now)
            subject.relieve()
            search.search_if_due(now)
            chores.step(pacer.due_ns)
            if now - start < slice_us:
                continue
            over = self._ending.is_due(now)
            chores.begin(self._end_of_slice(start, now, samples, pacer.late - late, over))
            start, samples, late = now, 0, pacer.late
            if over:
                chores.finish()
                return

    def _end_of_slice(self, start: int, now: int, samples: int, late: int, over: bool) -> Iterator[None]:
        """What is due then, in parts of which none takes long: samples are taken in between."""
        yield from self._tree.reports.frame(start, now, samples, late)
        self._tree.rounds.share_looks(self._pacer.most_looks)
        yield
        self._dialogue.hear(now)
        yield
        self._tree.heaps.read(now)
        if self._ending.state is None:  # what is being ended says nothing of the run
            self._tree.seldom.read(now)
        if not over and now < self._counters_at_us:
            return
        yield
        if over:
            self._search.walk(now)
            self._dialogue.tell_counters(now, every=True)
        else:
            yield from self._dialogue.counters()
        self._counters_at_us = now + self._counters_us
        self._dialogue.tell_output()

    def _read_first(self) -> None:
        """What is told once before the first sample, when there is time for it."""
        until_ns = time.monotonic_ns() + _FIRST_WALK_NS
        self._tree.heaps.read(self._clock.now_us())
        self._slow.finish(until_ns)
        self._tree.seldom.read(self._clock.now_us())
        self._slow.finish(until_ns)
        self._dialogue.tell_counters(self._clock.now_us(), every=True)
