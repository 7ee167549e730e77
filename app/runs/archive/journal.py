"""The journal of an experiment in a file: a line of JSON for each thing that happens, written at once.

Whoever writes one holds a lock on it, as with a recording. `read_journal` gives the whole lines of a file
that was cut anywhere. What the lines say is told by app/analysis/experiment_trials.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.runs.locks import lock

Json = dict[str, Any]


class Journal:
    """A journal that is being written. OSError where its disk is full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb")
        lock(self._file.fileno())

    def write(self, line: Json) -> None:
        """Add a line."""
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Give the file back, and its lock."""
        self._file.close()


def read_journal(path: Path) -> Iterator[Json]:
    """Its lines; FileNotFoundError, and ValueError where one that is whole is no object of JSON."""
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            told = json.loads(line)
            if not isinstance(told, dict):
                raise ValueError("a line of it is no object")
            yield told
