"""When a step of a slow read has lasted long enough."""

from __future__ import annotations

import time

_STEP_NS = 300_000  # and a block or a page more: half a millisecond in all


class Pace:
    """`begin` a step; it is `over` some time later."""

    def __init__(self) -> None:
        self._until_ns = 0
        self.begin()

    def begin(self) -> None:
        """A step begins now."""
        self._until_ns = time.monotonic_ns() + _STEP_NS

    @property
    def over(self) -> bool:
        """Whether the step has taken its time."""
        return time.monotonic_ns() >= self._until_ns
