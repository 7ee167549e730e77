"""Reading another process's memory through one kept-open descriptor of /proc/PID/mem.

The descriptor is bound to the address space that it was opened on: once the process exits or calls exec it
reads nothing at all, so what it gives is never another program's memory. (process_vm_readv would read
whatever then lies there.) A read of 32 bytes costs half a microsecond.
"""

from __future__ import annotations

import os
import struct

from . import access
from .machine import HERE

_U64 = struct.Struct("=Q")
_U32 = struct.Struct("=I")
_I32 = struct.Struct("=i")

_LARGEST = 32 << 20  # no read is as large: who asks for more has taken a size from what is none

Range = tuple[int, int]  # of addresses: from, up to


class AddressSpaceGone(Exception):
    """The process exited, or became another program by exec."""


class Unmapped(Exception):
    """No memory at that address: a pointer that was followed is stale, or no pointer."""


class ProcessMemory:
    """The memory of one process, for as long as it runs the same program."""

    def __init__(self, pid: int) -> None:
        """Opens the memory of `pid`; raises NoSuchProcess or NotPermitted."""
        self.pid = pid
        try:
            self.fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, ProcessLookupError):
            raise access.gone(pid) from None
        except PermissionError:
            raise access.refused(pid) from None

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`."""
        if not 0 <= size <= _LARGEST or not 0 <= address < HERE.user_end:
            raise Unmapped(hex(address))
        try:
            data = os.pread(self.fd, size, address)
        except OSError:
            raise Unmapped(hex(address)) from None
        if len(data) == size:
            return data
        if not data:
            raise AddressSpaceGone(self.pid)
        raise Unmapped(hex(address))

    def u64(self, address: int) -> int:
        """The 64-bit word, or the pointer, at `address`."""
        value: int = _U64.unpack(self.read(address, 8))[0]
        return value

    def i32(self, address: int) -> int:
        """The C int at `address`."""
        value: int = _I32.unpack(self.read(address, 4))[0]
        return value

    def u32(self, address: int) -> int:
        """The 32-bit word at `address`."""
        value: int = _U32.unpack(self.read(address, 4))[0]
        return value
