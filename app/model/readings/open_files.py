"""Open files: how many descriptors a process has, of what kinds, and how many it may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .reading import ProcessReading

Row = Sequence[object]


@dataclass(frozen=True)
class OpenFiles(ProcessReading):
    """Of one process."""

    type: ClassVar[str] = "open_files"
    files: int  # on a file system, devices too
    sockets: int
    pipes: int
    others: int  # what the kernel keeps without a name: epoll, eventfd, timers
    limit: int | None  # how many it may have open: "Max open files", the soft limit; null where there is none
    most: Sequence[Row] = field(default_factory=list)  # [path, how often]: files that are open more than once
