"""The files that a process has mapped, from /proc/PID/maps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_PART = 8192  # bytes


@dataclass(frozen=True)
class FileMapping:
    """The first mapping of a file: it is what the load bias is reckoned from."""

    start: int
    end: int
    offset: int
    device: str
    inode: int
    path: str


def mapped_files(pid: int, *parts: str) -> list[FileMapping]:
    """The first mapping of each file mapped by `pid`, in the order of their addresses.

    With `parts` only files whose path holds one of them: to parse every line takes longer than to get them.
    """
    with open(f"/proc/{pid}/maps", "rb") as file:
        lines = file.read().splitlines()
    if parts:
        wanted = [os.fsencode(part) for part in parts]
        lines = [line for line in lines if any(part in line for part in wanted)]
    return list(_first_of_each(lines))


def mapped_names(pid: int) -> Iterator[set[str]]:
    """The base names of the files mapped by `pid`, some hundred mappings at a time.

    Nothing more where it has ended, or may not be looked at.
    """
    try:
        with open(f"/proc/{pid}/maps", "rb", buffering=0) as file:
            while text := file.read(_PART):  # the kernel gives whole lines
                yield {os.fsdecode(line.rpartition(b"/")[2]) for line in text.splitlines() if b"/" in line}
    except OSError:
        return


def _first_of_each(lines: Iterable[bytes]) -> Iterator[FileMapping]:
    seen = set()
    for raw in lines:
        line = raw.decode("utf-8", "surrogateescape")
        fields = line.split(None, 5)
        if len(fields) < 6 or not fields[5].startswith("/"):
            continue
        key = (fields[3], int(fields[4]))
        if key in seen:
            continue
        seen.add(key)
        start, end = (int(part, 16) for part in fields[0].split("-"))
        yield FileMapping(start, end, int(fields[2], 16), fields[3], int(fields[4]), fields[5])


def open_mapped(pid: int, mapping: FileMapping) -> int:
    """A descriptor of the very file that is mapped, in the process's own mount namespace.

    A file deleted or replaced since is reached through map_files, which needs CAP_SYS_ADMIN or
    CAP_CHECKPOINT_RESTORE. FileNotFoundError where neither way leads to it.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        fd = os.open(f"/proc/{pid}/root{mapping.path}", flags)
    except FileNotFoundError:
        fd = -1
    if fd >= 0 and os.fstat(fd).st_ino == mapping.inode:
        return fd
    if fd >= 0:
        os.close(fd)
    return os.open(f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}", flags)
