"""C extensions: which a process has loaded, and whether each declares that it can do without the GIL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from .reading import ProcessReading

Row = Sequence[object]


@dataclass(frozen=True)
class Extensions(ProcessReading):
    """Of one process; told again when it has loaded more."""

    type: ClassVar[str] = "extensions"
    rows: Sequence[Row] = field(default_factory=list)  # as LoadedExtension
    left_out: int = 0  # files beyond the first thousand


class LoadedExtension(NamedTuple):
    """A file; `says` is declares, does-not or unknown: app/probe/cpython/extension_slots.py."""

    file: str
    says: str
    why: str
