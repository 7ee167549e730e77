"""What the other tools stand on: a server of this checkout, and programs that say when they are ready."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.serving import Lab, lab

__all__ = ["ROOT", "Lab", "lab", "started"]

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def started(command: list[str], ready: str, **options: Any) -> Iterator[tuple[int, re.Match[str]]]:
    """A program that has said that it is ready: its pid, and what it said."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    ) as process:
        try:
            assert process.stdout
            said = []
            for line in process.stdout:
                said.append(line)
                if match := re.search(ready, line):
                    break
            else:
                raise SystemExit(f"{command} ended without {ready!r}:\n{''.join(said)}")
            # A program that logs each request would stand still once the pipe is full.
            drain = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
            drain.start()
            yield process.pid, match
            process.terminate()
            drain.join()
        finally:
            process.terminate()
