"""A process's memory in sum: one read of /proc/PID/smaps_rollup, so that all of it is of one instant.

It costs a tenth of a walk of the mappings or less: the kernel goes through the page tables and writes no line
for each mapping.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .procfs import read

_FIELD = re.compile(rb"^(\w+): +(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Sums:
    """Bytes; `shared` is how much of the RSS other processes map as well, `dirty` what it alone wrote to."""

    rss: int
    uss: int
    pss: int
    swap: int
    shared: int
    dirty: int


def sums(pid: int) -> Sums | None:
    """None where the process has ended, may not be looked at, or the kernel has no such file."""
    text = read(f"/proc/{pid}/smaps_rollup")
    if not text:
        return None
    kib = {name: int(number) for name, number in _FIELD.findall(text)}
    return Sums(
        kib[b"Rss"] << 10,
        kib[b"Private_Clean"] + kib[b"Private_Dirty"] + kib.get(b"Private_Hugetlb", 0) << 10,
        kib[b"Pss"] << 10,
        kib[b"Swap"] << 10,
        kib[b"Shared_Clean"] + kib[b"Shared_Dirty"] << 10,
        kib[b"Private_Dirty"] + kib.get(b"Private_Hugetlb", 0) << 10,
    )
