"""Pacing: an even beat that keeps its mean rate, counts how late it was, and does less before it hurts.

Under strain it first has fewer threads looked at in each beat, since the lock is what a beat cannot do
without, and only then beats more slowly.
"""

from __future__ import annotations

from typing import Callable

from .turns import LEAST_LOOKS, MOST_LOOKS

MIN_HZ = 100.0  # below this a 5 ms switch interval can no longer be seen at all
_CPU_BUDGET = 0.5  # of one core: above it the observer takes from the target more than it tells
_OWN_FAULT = 0.8  # of the budget: one that uses less is late because others have the CPUs
_REVIEW_NS = 1_000_000_000
_CALM_REVIEWS = 5  # so many reviews without strain before the rate is raised again
_CALM_FRACTION = 0.25  # and only where the strain is below this part of what made it slow down


class Pacer:
    """Beats at `hz` on an absolute schedule, so that one late beat does not delay those after it."""

    def __init__(
        self,
        hz: float,
        clock_ns: Callable[[], int],
        sleep_s: Callable[[float], None],
        cpu_ns: Callable[[], int],
        looks: Callable[[], int],
    ) -> None:
        """`looks` tells how many threads were looked at in the newest beat."""
        self.requested_hz = hz
        self.hz = hz
        self.late = 0  # beats that came more than a period after they were due
        self._clock_ns, self._sleep_s, self._cpu_ns, self._looks = clock_ns, sleep_s, cpu_ns, looks
        self._most_looks = MOST_LOOKS
        self._period = int(1e9 / hz)
        self._lateness: list[int] = []
        self._calm = 0
        self.start()

    def start(self) -> None:
        """The first beat is due one period from now."""
        self._due = self._clock_ns() + self._period
        self._reviewed, self._reviewed_cpu = self._clock_ns(), self._cpu_ns()

    @property
    def period_ns(self) -> int:
        """The time between two beats at the present rate."""
        return self._period

    @property
    def most_looks(self) -> int:
        """How many threads may be looked at in a beat."""
        return max(1, int(self._most_looks / self.hz))

    @property
    def due_ns(self) -> int:
        """When the next beat is due."""
        return self._due

    def wait(self) -> int:
        """Sleeps until the next beat is due; the time at which it came, in ns."""
        now = self._clock_ns()
        if self._due > now:
            self._sleep_s((self._due - now) * 1e-9)
            now = self._clock_ns()
        late = now - self._due
        self._lateness.append(late)
        if late > self._period:
            self.late += 1
            self._due += late // self._period * self._period  # beats that cannot be had are not made up for
        self._due += self._period
        if now - self._reviewed >= _REVIEW_NS:
            self._review(now)
        return now

    def _review(self, now: int) -> None:
        used = self._cpu_ns()
        share = (used - self._reviewed_cpu) / (now - self._reviewed)
        lateness = sorted(self._lateness)[len(self._lateness) // 2] / self._period
        cpu = share / _CPU_BUDGET
        strain = max(cpu, lateness)
        self._reviewed, self._reviewed_cpu = now, used
        self._lateness.clear()
        if strain > 1:
            self._calm = 0
            looks = min(self._most_looks, int(self._looks() * self.hz))
            if looks > LEAST_LOOKS and cpu > _OWN_FAULT:
                self._most_looks = max(looks // 2, LEAST_LOOKS)
            else:
                self._set(max(self.hz / 2, min(MIN_HZ, self.requested_hz)))
        elif strain < _CALM_FRACTION and (self.hz < self.requested_hz or self._most_looks < MOST_LOOKS):
            self._calm += 1
            if self._calm >= _CALM_REVIEWS:
                self._calm = 0
                if self.hz < self.requested_hz:
                    self._set(min(self.hz * 2, self.requested_hz))
                else:
                    self._most_looks = min(self._most_looks * 2, MOST_LOOKS)

    def _set(self, hz: float) -> None:
        self._due += int(1e9 / hz) - self._period
        self.hz, self._period = hz, int(1e9 / hz)
