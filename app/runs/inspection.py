"""What the observer's program says of this machine without observing: its processes, and what works here.

Both come from `python -m app.probe`, so that what is said of a process is what an observer would meet.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any, TypedDict

from app.analysis.ledger import Ledger
from app.analysis.process_rows import summary_rows
from app.model.errors import GilscopeError, from_json
from app.model.frames import decode
from app.model.summary import CensusRow, HeapRow, HolderRow, MemoryRow, MemoryTogether, TypeRow
from app.runs.observer import COMMAND, HOME, own_environment

_LIMIT_S = 30.0

Json = dict[str, Any]


def processes(own: bool) -> Json:
    """The processes of this machine, with or without GILScope's own: see app/probe/listing.py.

    Blocks for half a second.
    """
    listed = _ask("--processes")
    listed["processes"] = [row for row in listed["processes"] if own or not row["own"]]
    return listed


def doctor(pid: int | None) -> Json:
    """What works here, and for a process: see app/probe/doctor.py. Blocks for as long as a Python starts."""
    return _ask("--doctor", *([] if pid is None else [str(pid)]))


class MemoryReport(TypedDict):
    """Where the memory of a process and of those below it went: rows as in a run's summary."""

    schema: int
    memory: list[MemoryRow]
    together: MemoryTogether | None
    heap: list[HeapRow] | None
    types: list[TypeRow] | None
    census: list[CensusRow] | None
    holders: list[HolderRow] | None


def memory(pid: int) -> MemoryReport:
    """Read once, see app/probe/snapshot.py; raises what attaching is refused with. Blocks for a second."""
    answer = _ask("--memory", str(pid))
    if answer["error"] is not None:
        raise from_json(answer["error"])
    ledger = Ledger()
    for line in answer["messages"]:
        ledger.feed(decode(line))
    rows = summary_rows(ledger)
    return {
        "schema": 1,
        "memory": rows["memory"],
        "together": rows["memory_together"],
        "heap": rows["heap"],
        "types": rows["types"],
        "census": rows["census"],
        "holders": rows["holders"],
    }


def _ask(*words: str) -> Json:
    try:
        answer = subprocess.run(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            cwd=HOME,
            env=own_environment(),
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise GilscopeError(f"The observer did not answer within {_LIMIT_S:g} s", "Try again.") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise GilscopeError(f"The observer could not answer: {said}", "Install GILScope anew.") from error
    report: Json = json.loads(answer.stdout)
    return report
