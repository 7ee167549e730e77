"""The run's clock: microseconds of CLOCK_MONOTONIC since the run began."""

from __future__ import annotations

import time


class RunClock:
    """All times that are told count from its origin."""

    def __init__(self) -> None:
        self.origin_ns = time.monotonic_ns()

    def begin(self) -> None:
        """The run begins now."""
        self.origin_ns = time.monotonic_ns()

    def now_us(self) -> int:
        """The time now."""
        return (time.monotonic_ns() - self.origin_ns) // 1000

    def of(self, monotonic_ns: int) -> int:
        """A time of CLOCK_MONOTONIC, as the run counts it."""
        return (monotonic_ns - self.origin_ns) // 1000
