"""Which processes or threads were started on this machine since the last look, for one cheap system call.

The last field of /proc/loadavg is the newest pid of this pid namespace, and of those below it, and pids are
given in turn. So a tree of processes need be walked only when it may have grown, and only those that are new
need be asked for their parent: a walk asks every thread for its children. Some containers put another file in
its place (lxcfs), which may tell of a birth late or never: who goes by this walks from time to time as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

_MOST = 200  # new pids that are asked one by one; a program that starts threads takes pids, too


def newest_pid() -> bytes:
    """The newest pid, as the kernel writes it."""
    fd = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 256).rpartition(b" ")[2]
    finally:
        os.close(fd)


class Births:
    """Holds /proc/loadavg open."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        self._newest = b""
        self._before: int | None = None  # the newest pid at the look before the last
        self._last: int | None = None

    def new(self) -> Iterable[int] | None:
        """The pids that were given since the look before the last; None where any may be. Costs 2 us.

        Not since the last: a process has its pid before it is among its parent's children.
        """
        text = os.pread(self._fd, 256, 0).rpartition(b" ")[2]
        if text != self._newest:
            self._newest = text
        elif self._before == self._last and self._last is not None:
            return ()
        before, self._before = self._before, self._last
        self._last = int(text)
        if before is None or not 0 <= self._last - before <= _MOST:
            return None  # there was no look yet, or so many, or the numbers have begun anew
        return range(before + 1, self._last + 1)

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
