"""Whether any process or thread was started on this machine since the last look, for one cheap system call.

The last field of /proc/loadavg is the newest pid of this pid namespace, and of those below it. So a tree of
processes need be walked only when it may have grown. Some containers put another file in its place (lxcfs),
which may tell of a birth late or never: who goes by this looks by itself from time to time as well.
"""

from __future__ import annotations

import os


class Births:
    """Holds /proc/loadavg open."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        self._newest = b""
        self._were_any = False

    def any(self) -> bool:
        """Whether there were any since the call before the last; true of the first. Costs 2 microseconds.

        Not since the last: a process has its pid before it is among its parent's children.
        """
        newest = os.pread(self._fd, 256, 0).rpartition(b" ")[2]
        were_any, self._were_any = self._were_any, newest != self._newest
        self._newest = newest
        return were_any or self._were_any

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
