"""What interpreters have said of themselves, kept in a file from one command to the next.

    {PROGRAM: [MTIME_NS, SIZE, ANSWER]}

To ask one takes it a start, 20 ms or more of a CPU, and most commands want to know them all. An answer holds
for as long as the program's file is the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Answers = dict[tuple[str, int, int], dict[str, Any]]  # by program, mtime and size


def recall(path: Path) -> Answers:
    """What was kept; nothing where there is no such file, or one that was damaged."""
    try:
        kept = json.loads(path.read_bytes())
        return {
            (program, int(mtime_ns), int(size)): dict(answer)
            for program, (mtime_ns, size, answer) in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}


def keep(path: Path, answers: Mapping[tuple[str, int, int], Any]) -> None:
    """Keep these in place of what was kept; where nothing can be written, all are asked again."""
    kept = {program: [mtime_ns, size, answer] for (program, mtime_ns, size), answer in answers.items()}
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two commands at once: the file is that of one of them, and whole.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
            try:
                json.dump(kept, file)
                file.flush()
                os.replace(file.name, path)
            except OSError:
                os.unlink(file.name)
                raise
