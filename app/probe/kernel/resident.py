"""How much memory a process has at this moment, from /proc/PID/statm, kept open: a microsecond a reading."""

from __future__ import annotations

import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Resident:
    """The sizes of one process."""

    def __init__(self, pid: int) -> None:
        """A process that has ended has none, as `read` says."""
        try:
            self._fd = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = -1

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def read(self) -> tuple[int, int] | None:
        """(RSS, what of it is anonymous) in bytes; None once the process has ended."""
        if self._fd < 0:
            return None
        try:
            _, resident, of_files, *_ = os.pread(self._fd, 128, 0).split()
        except (OSError, ValueError):
            return None
        rss = int(resident)
        return (rss * _PAGE, (rss - int(of_files)) * _PAGE) if rss else None
