"""Rounds that all threads of a workload begin together, so that what came of each can be counted exactly."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, BrokenBarrierError
from time import monotonic_ns

from app.workloads.context import Context


class RoundBarrier:
    """A barrier before and after each round: in between one worker alone takes stock."""

    def __init__(self, workers: int, length_ns: int) -> None:
        self._barrier = Barrier(workers)
        self._length_ns = length_ns
        self._until_ns = 0
        self._over = False

    def run(self, ctx: Context, play: Callable[[int], None], between: Callable[[], None]) -> None:
        """Play until it is time to end; every worker calls this.

        `play(until_ns)` is called once a round, and returns soon after that instant. `between` is called by
        one worker while all others stand still: before the first round, after each, and after the last.
        """
        try:
            while True:
                if self._barrier.wait() == 0:
                    between()
                    self._over = ctx.stopping
                    self._until_ns = monotonic_ns() + self._length_ns
                self._barrier.wait()
                if self._over:
                    return
                play(self._until_ns)
        except BrokenBarrierError:
            return  # another worker failed, and tells of it itself
        except BaseException:
            self._barrier.abort()
            raise
