"""What a process can say of its own memory: the account that is set beside the one from outside."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.context import Json

MEGABYTE = 1_000_000
SMALL_BYTES = 512  # the largest block that pymalloc keeps

_MIB = 1 << 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MIMALLOC_PAGE_BYTES = 64 * 1024
_ARENAS = re.compile(r"^# arenas allocated current\s*=\s*([\d,]+)$", re.M)
_ARENA_BYTES = re.compile(r"^\d+ arenas \* (\d+) bytes/arena", re.M)
_POOL_BYTES = re.compile(r"^\d+ unused pools \* (\d+) bytes", re.M)
_FREE_LIST = re.compile(r"^\s*(\d+) free (.+?)s \* \d+ bytes each", re.M)


class Allocator(NamedTuple):
    """What CPython's allocator says of itself. Of mimalloc, in free-threaded builds, it knows no arenas."""

    arenas: int | None
    arena_bytes: int | None
    pool_bytes: int  # pools are aligned to their size, so an address tells its pool
    free_lists: dict[str, int]  # objects ready for reuse, by type; the empty lists are left out

    @property
    def name(self) -> str:
        """Who keeps the small blocks."""
        return "mimalloc" if self.arenas is None else "pymalloc"


def allocator() -> Allocator:
    """The allocator's figures, out of sys._debugmallocstats. For a process of one thread.

    CPython writes them to descriptor 2, which for that moment is a file in memory.
    """
    with open(os.memfd_create("malloc-stats"), "w+b") as file:
        kept = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            sys._debugmallocstats()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        text = file.read().decode()
    arena_bytes, pool_bytes = _number(_ARENA_BYTES, text), _number(_POOL_BYTES, text)
    free_lists = {name: int(count) for count, name in _FREE_LIST.findall(text) if int(count)}
    return Allocator(_number(_ARENAS, text), arena_bytes, pool_bytes or _MIMALLOC_PAGE_BYTES, free_lists)


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found else None


def resident() -> int:
    """RSS: the bytes of this process that are in memory."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * _PAGE_BYTES


def private() -> int:
    """USS: the bytes in memory that no other process maps."""
    with open("/proc/self/smaps_rollup", "rb") as rollup:
        rows = [line.split() for line in rollup if line.startswith((b"Private_Clean", b"Private_Dirty"))]
    return sum(int(row[1]) for row in rows) * 1024


class _Mallinfo2(ctypes.Structure):
    _NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _NAMES.split()]


def c_library() -> Json | None:
    """What the C library's malloc keeps: its heap, what it mapped beside it, used and free.

    None where it does not say: glibc does from 2.33 on.
    """
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return None
    mallinfo2.restype = _Mallinfo2
    info = mallinfo2()
    return {"heap": info.arena, "mapped": info.hblkhd, "used": info.uordblks, "free": info.fordblks}


def trim() -> bool | None:
    """Have the C library give free pages back; whether it gave any. None where it cannot be asked."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return bool(malloc_trim(0)) if malloc_trim else None


def trimmed() -> Json | None:
    """Calls malloc_trim(0), and says what RSS was around it; None where the C library has none.

    An observer sets it beside what it had foretold: see app/analysis/trims.py.
    """
    kept, before, at_ns = c_library(), resident(), monotonic_ns()
    if trim() is None:
        return None
    return {
        "at_ns": at_ns,
        "rss_before": before,
        "rss_after": resident(),
        "free_before": kept["free"] if kept else None,
    }


def sized(size: float) -> str:
    """A size as it stands in a sentence, in the unit of the figures beside it: 1.2 MiB."""
    return f"{size / _MIB:,.1f} MiB"
