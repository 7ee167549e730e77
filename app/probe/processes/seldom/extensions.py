"""The C extensions that a process has loaded."""

from __future__ import annotations

from app.model.readings.extensions import Extensions
from app.probe.cpython.extensions import Loaded, loaded
from app.probe.processes.watched import Watched
from app.probe.sampling.slow import Cost, Steps

from .read import Parts, SeldomRead

_PERIOD_US = 5_000_000


class ExtensionsRead(SeldomRead):
    """Of one process."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._told: Loaded | None = None

    def period_us(self) -> int:
        """Programs import at their beginning, and now and then later."""
        return _PERIOD_US

    def is_ready(self, now_us: int) -> bool:
        """It is a CPython that is up."""
        return self.process.reader is not None

    def parts(self) -> Parts:
        """One read, told where it differs from the one before."""
        yield self._read(), self._message

    def _read(self) -> Steps:
        found = yield from loaded(self.process.pid)
        if found is None or found == self._told or self.process.reader is None:
            return None
        self._told = found
        return found

    def _message(self, found: Loaded, at_us: int, cost: Cost) -> Extensions:
        return Extensions(at_us, self.process.pid, [*found.rows], found.left_out)


READS = ExtensionsRead
