"""Reads that take longer than two samples are apart, done a step at a time between them.

A slow read is a generator: it yields after each step of at most half a millisecond, and its value is what it
has found. Steps are taken before a sample that is not yet due, so that a read which takes a tenth of a
second costs no sample. Many steps are far shorter than they may be: as many are taken as there is time for.
A read ends without a value where its process ends, calls exec, or contradicts itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Callable

from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import AddressSpaceGone, Unmapped

STEP_NS = 500_000  # what a step may take
# An observer that is never ahead of its next sample takes some steps so often still, for so long: with fifty
# processes it would else take minutes until each of them has been read.
_STARVED_NS = 20_000_000
_STARVED_STEPS_NS = 2_000_000

Steps = Generator[None, None, Any]


def finished(steps: Steps) -> Any:
    """What a slow read has found, its steps taken one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@dataclass(frozen=True)
class Cost:
    """What a read took: from when it was begun to its last step, and at work."""

    took_us: int
    cpu_us: int


Done = Callable[[Any, Cost], None]  # the value, or None where the read could not be ended


@dataclass
class _Read:
    steps: Steps
    done: Done
    began_ns: int
    cpu_ns: int = 0


class SlowReads:
    """The reads in hand; they take turns."""

    def __init__(
        self,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        cpu_ns: Callable[[], int] = time.thread_time_ns,
    ) -> None:
        self._clock_ns, self._cpu_ns = clock_ns, cpu_ns
        self._reads: deque[_Read] = deque()
        self._stepped_ns = clock_ns()
        self.cpu_ns = 0  # of all steps so far

    def begin(self, steps: Steps, done: Done) -> None:
        """Takes a read in hand; `done` is called once, after its last step."""
        self._reads.append(_Read(steps, done, self._clock_ns()))

    def step(self, until_ns: int) -> None:
        """Takes steps while one is likely to end before `until_ns`; some if none was taken for too long."""
        if not self._reads:
            return
        now = self._clock_ns()
        if until_ns - now < STEP_NS:
            if now - self._stepped_ns < _STARVED_NS:
                return
            until_ns = now + _STARVED_STEPS_NS
        while self._reads and until_ns - now >= STEP_NS:
            self._step()
            self._stepped_ns = now = self._clock_ns()

    def finish(self, until_ns: int) -> None:
        """Takes steps without a pause until every read has ended, or the time is up."""
        while self._reads and self._clock_ns() < until_ns:
            self._step()

    def _step(self) -> None:
        read = self._reads.popleft()
        before = self._cpu_ns()
        try:
            next(read.steps)
        except StopIteration as end:
            over, value = True, end.value
        except (AddressSpaceGone, Inconsistent, Unmapped):
            over, value = True, None
        else:
            over = False
        spent = self._cpu_ns() - before
        read.cpu_ns += spent
        self.cpu_ns += spent
        if not over:
            self._reads.append(read)
            return
        took_us = (self._clock_ns() - read.began_ns) // 1000
        read.done(value, Cost(took_us, read.cpu_ns // 1000))
