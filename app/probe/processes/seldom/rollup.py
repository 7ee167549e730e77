"""The sums of a process's memory, read in one go: far more often than its mappings can be walked."""

from __future__ import annotations

import random

from app.model.frames import Rollup
from app.probe.kernel.rollup import Sums, sums
from app.probe.processes.watched import Watched
from app.probe.sampling.slow import Cost, Steps

from .read import Parts, SeldomRead

_PERIOD_US = (150_000, 350_000)
_FAULTS = 256


class RollupRead(SeldomRead):
    """Of one process."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._faults = 0

    def period_us(self) -> int:
        """Uneven, so that a program with a beat of its own is not met at the same point of it each time."""
        return random.randrange(*_PERIOD_US)

    def is_pressing(self) -> bool:
        """It, or its children, have had pages given to them, or copied, that come to a MiB."""
        return self.process.faults - self._faults >= _FAULTS

    def parts(self) -> Parts:
        """One read."""
        self._faults = self.process.faults
        yield self._read(), self._message

    def _read(self) -> Steps:
        return sums(self.process.pid)
        yield

    def _message(self, found: Sums, at_us: int, cost: Cost) -> Rollup:
        self.process.own = found.uss
        return Rollup(at_us, self.process.pid, **vars(found))
