"""On SIGUSR1 a program writes what it knows of its own memory into the file named by ACCOUNT, and trims it.

    {"rss", "free", "in_use", "mapped", "rss_after"}

`free`, `in_use` and `mapped` are glibc's own mallinfo2(), `rss_after` is what is left after malloc_trim(0).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from pathlib import Path


class _Info(ctypes.Structure):
    _names_ = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names_.split()]


_libc = ctypes.CDLL(None)
_libc.mallinfo2.restype = _Info


def rss() -> int:
    """Bytes in memory, each page counted by the kernel at this moment."""
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) * 1024


def _tell(*_: object) -> None:
    before, info = rss(), _libc.mallinfo2()
    told = {"rss": before, "free": info.fordblks, "in_use": info.uordblks, "mapped": info.hblkhd}
    _libc.malloc_trim(0)
    path = Path(os.environ["ACCOUNT"])
    path.with_suffix(".part").write_text(json.dumps({**told, "rss_after": rss()}))
    path.with_suffix(".part").rename(path)


def install() -> None:
    """Listens from now on, where somebody wants to know."""
    if "ACCOUNT" in os.environ:
        signal.signal(signal.SIGUSR1, _tell)
