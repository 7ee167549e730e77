"""A recording read through, for who asked in apart.py.

    python -m app.runs.archive SOURCE FOLDER RUN_ID    what came of it, in a folder
    python -m app.runs.archive SOURCE                  its timeline alone, beside it

It tells on standard output, a JSON object a line, what share it has read, and last what came of it:

    {"share": 0.25} ... then {"rebuilt": Rebuilt} or {"error": GilscopeError}

where of a timeline Rebuilt is null,

and ends, leaving nothing, once nobody reads that.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from app.model.errors import GilscopeError
from app.runs.archive.rebuild import rebuild, rebuild_timeline

TELL_S = 0.2
NICE = 5  # runs that go on now come first


def main(source: str, folder: str = "", run_id: str = "") -> None:
    """The process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was begun is deleted
    os.nice(NICE)
    told_s = 0.0

    def tell(share: float) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s >= TELL_S:
            told_s = now_s
            _say({"share": round(share, 4)})

    try:
        if not folder:
            rebuild_timeline(source, tell)
            _say({"rebuilt": None})
            return
        rebuilt = rebuild(source, run_id or None, Path(folder), tell)
    except GilscopeError as error:
        _say({"error": error.to_json()})
        return
    try:
        _say({"rebuilt": rebuilt.to_json()})
    except OSError:
        rebuilt.discard()
        raise


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told, separators=(",", ":")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
