"""When the next report is due, so that many workers together write a few a second."""

from __future__ import annotations

from threading import Lock
from time import monotonic_ns

PERIOD_NS = 250_000_000


class Pulse:
    """A beat that all workers share: whoever asks first after it has the report to write."""

    def __init__(self, period_ns: int = PERIOD_NS) -> None:
        self._period_ns = period_ns
        self._due_ns = 0
        self._asking = Lock()

    def due(self) -> bool:
        """Whether the caller is the one to report now. Asked too soon it costs a reading of the clock."""
        if monotonic_ns() < self._due_ns or not self._asking.acquire(blocking=False):
            return False
        try:
            now_ns = monotonic_ns()
            if now_ns < self._due_ns:
                return False
            self._due_ns = now_ns + self._period_ns
            return True
        finally:
            self._asking.release()
