"""How long a thread could have run and had no core: what else the machine does is no part of a job."""

from __future__ import annotations

import os
from time import monotonic_ns
from typing import NamedTuple


class Instant(NamedTuple):
    """When it was, and all that the thread had waited for a core by then."""

    at_ns: int  # CLOCK_MONOTONIC
    waited_ns: int


class CoreWaits:
    """The kernel's account of the thread that makes this, which alone may ask it."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> CoreWaits:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def now(self) -> Instant:
        """This instant: the thread has not lost its core between the two readings."""
        waited_ns = self._total_ns()
        while True:
            at_ns, before_ns = monotonic_ns(), waited_ns
            waited_ns = self._total_ns()
            if waited_ns == before_ns:
                return Instant(at_ns, waited_ns)

    def _total_ns(self) -> int:
        return int(os.pread(self._fd, 100, 0).split()[1])
