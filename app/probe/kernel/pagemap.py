"""Which pages of a process are in memory, from /proc/PID/pagemap: bit 63 of the entry of each says so.

Bit 56 says that no other process has the page mapped, bit 61 that it is a file's or shared memory's.
"""

from __future__ import annotations

import os

PAGE = os.sysconf("SC_PAGE_SIZE")
_NOT_PRESENT = bytes(range(128))
_IS_PRESENT = bytes(128) + b"\1" * 128
_IS_ALONE = bytes(byte >= 128 and byte & 1 and not byte & 32 for byte in range(256))


def open_pagemap(pid: int) -> int:
    """A descriptor for `present`; OSError where the process has ended or may not be looked at."""
    return os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)


def is_there(pagemap: int, address: int) -> bool:
    """Whether the process is there still: of one that has ended no page is in memory, whatever it had."""
    return bool(os.pread(pagemap, 8, address // PAGE * 8))


def present(pagemap: int, start: int, size: int) -> int:
    """Bytes in memory of whole pages: both numbers are multiples of PAGE. A GiB takes 8 ms."""
    entries = os.pread(pagemap, size // PAGE * 8, start // PAGE * 8)
    return len(entries[7::8].translate(None, _NOT_PRESENT)) * PAGE


def pages_present(pagemap: int, start: int, count: int) -> bytes:
    """The same of each page: 1 where it is in memory."""
    return os.pread(pagemap, count * 8, start // PAGE * 8)[7::8].translate(_IS_PRESENT)


class PageStates:
    """The states of a process's pages, as numbers that have a byte for each page: the first is the lowest."""

    def __init__(self, pagemap: int) -> None:
        self._pagemap = pagemap

    def of(self, first: int, count: int) -> tuple[int, int]:
        """1 for each page that is in memory, and for each that is there for this process alone."""
        states = os.pread(self._pagemap, count * 8, first * 8)[7::8]
        there, alone = states.translate(_IS_PRESENT), states.translate(_IS_ALONE)
        return int.from_bytes(there, "little"), int.from_bytes(alone, "little")
