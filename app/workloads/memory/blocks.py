"""Where CPython's small object allocator has put an object of this process: its pool and its size class.

Since 3.10 a pool is 16 KiB, aligned to its size, of blocks of one size, behind a header of 48 bytes that
names the size class. What merely looks like a header is not believed: an object's block begins at a multiple
of the block size behind the header, and the header agrees with itself.
"""

from __future__ import annotations

import os
import struct
import sys
import sysconfig
from types import TracebackType
from typing import NamedTuple

_POOL_BYTES = 16 * 1024
_HEADER_BYTES = 48
_ALIGNMENT = 16
_CLASSES = 32
# struct pool_header: ref.count, freeblock, nextpool, prevpool, arenaindex, szidx, nextoffset, maxnextoffset
_HEADER = struct.Struct("=I4x24xIIII")
# What lies between the beginning of a block and the object: nothing, the collector's header, and from 3.11 on
# two words for the dict and the weak references of an instance.
_BEFORE_OBJECT = (0, 16, 32)

_MIMALLOC = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
_POOLS_OF_16K = sys.implementation.name == "cpython" and sys.version_info >= (3, 10) and not _MIMALLOC


class PoolPlace(NamedTuple):
    """A pool's address, and the size of its blocks."""

    pool: int
    size_class: int


class Blocks:
    """The pools of this process, read through the kernel, so that an address without memory does no harm."""

    def __init__(self) -> None:
        self._memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)

    def __enter__(self) -> Blocks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._memory)

    def place(self, address: int) -> PoolPlace | None:
        """Where the object at an address lies; None if the C library keeps it, or another allocator."""
        if not _POOLS_OF_16K:
            return None
        pool = address & -_POOL_BYTES
        try:
            header = os.pread(self._memory, _HEADER.size, pool)
        except OSError:
            return None  # nothing is mapped there: the object is the first of its mapping, and no pool's
        if len(header) < _HEADER.size:
            return None
        count, _, index, _, last = _HEADER.unpack(header)
        size = (index + 1) * _ALIGNMENT
        if index >= _CLASSES or not 0 < count <= (_POOL_BYTES - _HEADER_BYTES) // size:
            return None
        offsets = [address - pool - _HEADER_BYTES - before for before in _BEFORE_OBJECT]
        if last != _POOL_BYTES - size or not any(at >= 0 and at % size == 0 for at in offsets):
            return None
        return PoolPlace(pool, size)
