"""The C extensions that a process has mapped, and what the file of each declares."""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator, Sequence
from typing import NamedTuple

from app.model.readings.extensions import LoadedExtension
from app.probe.kernel.mapped_files import FileMapping, mapped_files, open_mapped

from .extension_slots import UNKNOWN, GilDeclaration, declared

_MOST = 1000  # files that are told
_KEPT: dict[
    tuple[str, int, str], GilDeclaration | None
] = {}  # by device, inode and path: files are read once
_MOST_KEPT = 10_000
_UNREADABLE = GilDeclaration(UNKNOWN, "its file could not be read")


class Loaded(NamedTuple):
    """Of one process, in the order of their paths."""

    rows: Sequence[LoadedExtension]
    left_out: int


def loaded(pid: int) -> Generator[None, None, Loaded | None]:
    """A slow read, a file a step; None where the process has ended or may not be looked at."""
    try:
        files = mapped_files(pid, ".so")
    except OSError:
        return None
    rows = []
    for file in sorted(files, key=lambda each: each.path):
        key = file.device, file.inode, file.path
        if key not in _KEPT:
            if len(_KEPT) >= _MOST_KEPT:
                _KEPT.clear()
            _KEPT[key] = _read(pid, file)
            yield
        says = _KEPT[key]
        if says is not None:
            rows.append(LoadedExtension(file.path, *says))
    return Loaded(rows[:_MOST], max(0, len(rows) - _MOST))


def _read(pid: int, file: FileMapping) -> GilDeclaration | None:
    try:
        fd = open_mapped(pid, file)
    except OSError:
        return _UNREADABLE if "/site-packages/" in file.path else None
    try:
        with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as data:
            return declared(file.path, data)
    except (OSError, ValueError):  # it is empty, or no longer as long as it was
        return _UNREADABLE
    finally:
        os.close(fd)
