"""What is due now and then and takes longer than a sample may wait: done in parts, one after each sample.

Unlike slow reads chores are done within some tens of milliseconds, whether there is time or not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Callable

_PART_NS = 500_000  # what a part may take


class Chores:
    """The chores in hand, in their order."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._parts: Iterator[None] = iter(())

    def begin(self, parts: Iterator[None]) -> None:
        """Takes these in hand, and does the first part; what was left of others is done before."""
        self.finish()
        self._parts = parts
        next(parts, None)

    def step(self, until_ns: int) -> None:
        """Does one part, and more for as long as another is likely to end before `until_ns`."""
        for _ in self._parts:
            if until_ns - self._clock_ns() < _PART_NS:
                return

    def finish(self) -> None:
        """Does all that is left."""
        for _ in self._parts:
            pass
