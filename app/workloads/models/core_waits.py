"""How long a thread could have run and had no core: what else the machine does is no part of a job."""

from __future__ import annotations

import os


class CoreWaits:
    """The kernel's account of the thread that makes this, which alone may ask it."""

    def __init__(self) -> None:
        self._fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> CoreWaits:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def total_ns(self) -> int:
        """All of it, since the thread began."""
        return int(os.pread(self._fd, 100, 0).split()[1])
