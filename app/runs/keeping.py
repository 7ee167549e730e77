"""python -m app.runs.keeping: ends what is left of runs whose server and observers were killed together.

It does nothing until its standard input ends, which its server holds. The lines that come by it are
`observer RUN PID`, `note RUN PID` (a process of that run's tree) and `forget RUN` (the run has ended).
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable

import psutil

from app.runs.reaper import Orphans, wait_for_end

_PATIENCE_S = 5.0  # for observers to end what they started themselves


def keep(lines: Iterable[str]) -> None:
    """Does as the lines say; when there are no more, ends what is left of the runs that nobody has ended."""
    orphans: dict[str, Orphans] = {}
    observers: dict[str, psutil.Process] = {}
    for line in lines:
        what, run_id, *pids = line.split()
        if what == "forget":
            orphans.pop(run_id, None)
            observers.pop(run_id, None)
            continue
        (pid,) = map(int, pids)
        orphans.setdefault(run_id, Orphans()).note(pid)
        if what == "observer":
            with contextlib.suppress(psutil.NoSuchProcess):
                observers[run_id] = psutil.Process(pid)
    wait_for_end(observers.values(), _PATIENCE_S)
    for left in orphans.values():
        left.kill()


def main() -> None:
    """Becomes nobody's child, so that whoever ends the server with its children leaves it; and keeps."""
    if os.fork():
        os._exit(0)
    keep(sys.stdin)


if __name__ == "__main__":
    main()
