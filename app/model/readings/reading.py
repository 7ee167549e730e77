"""What every reading of a process tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ProcessReading:
    """A message that stands for its process, up to the next of its type and of the same pid."""

    type: ClassVar[str]
    at_us: int
    pid: int
