"""What the observer's program says of this machine without observing: its processes, and what works here.

Both come from `python -m app.probe`, so that what is said of a process is what an observer would meet.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

from app.model.errors import GilscopeError, from_json
from app.model.states import UNAVAILABLE, Measure
from app.model.summary import CensusRow, HeapRow, HolderRow, MemoryRow, MemoryTogether, TypeRow
from app.runs import delegated, far
from app.runs.observer import COMMAND, HOME, own_environment

_LIMIT_S = 60.0  # of a machine on which much else runs
_UNREAD = "they had not been read in the ten seconds that this takes at most: ask again when less else runs"

Json = dict[str, Any]


def processes(own: bool, via: str | None = None) -> Json:
    """The processes of this machine, with or without GILScope's own: see app/probe/listing.py.

    With `via` those of where that gives a shell, see far.py. Blocks for half a second.
    """
    listed = _ask("--processes", via=via)
    listed["processes"] = [row for row in listed["processes"] if own or not row["own"]]
    return listed


def doctor(pid: int | None, via: str | None = None) -> Json:
    """What works here, and for a process: see app/probe/doctor.py. Blocks for as long as a Python starts.

    With `via` where that gives a shell, and then without what a server here could do.
    """
    report = _ask("--doctor", *([] if pid is None else [str(pid)]), via=via)
    return report if via is not None else {**report, "checks": [*report["checks"], _limits()]}


def _limits() -> Json:
    """For what the limits of programs hold that a server starts, if it is started as this process was."""
    name, why = "limits of programs", delegated.hindrance()
    if why is None or delegated.folder() is not None:
        detail = "memory and processes of all that a program starts together, by cgroup"
        return {"name": name, "status": "ok", "detail": detail, "remedy": ""}
    detail = f"of each process, by rlimit, not of all together: {why}"
    remedy = "" if "no " in why else delegated.HOW
    return {"name": name, "status": "limited", "detail": detail, "remedy": remedy}


class MemoryReport(TypedDict):
    """Where the memory of a process and of those below it went: rows as in a run's summary."""

    schema: int
    memory: list[MemoryRow]
    together: MemoryTogether | None
    heap: list[HeapRow] | None
    types: list[TypeRow] | None
    census: list[CensusRow] | None
    holders: list[HolderRow] | None
    why: dict[Measure, str]  # of each measure that is not exact


def memory(pid: int, via: str | None = None) -> MemoryReport:
    """All of it, see memory_in_turn. Blocks for a second or two."""
    *_, report = memory_in_turn(pid, via)
    return report


def memory_in_turn(pid: int, via: str | None = None) -> Iterator[MemoryReport]:
    """What is known of the sizes, and then all of it: the types of live objects take longer than the sizes.

    With `via` of a process where that gives a shell. Read once, see app/probe/snapshot.py; raises what
    attaching is refused with.
    """
    with _asked("--memory", str(pid), via=via) as lines:
        # Here, so that they are imported while the observer's program starts: half of what this takes.
        from app.analysis.capabilities import worst
        from app.analysis.ledger import Ledger
        from app.analysis.process_rows import summary_rows
        from app.model.frames import decode

        ledger = Ledger()
        for number, line in enumerate(lines):
            answer = json.loads(line)
            if answer["error"] is not None:
                raise from_json(answer["error"])
            for message in answer["messages"]:
                ledger.feed(decode(message))
            rows = summary_rows(ledger)
            known = worst(ledger.processes.messages(), attached=True)
            why = known["why"]
            if number and rows["census"] is None and known["types"] != UNAVAILABLE:
                why = {**why, "types": _UNREAD}
            yield {
                "schema": 1,
                "memory": rows["memory"],
                "together": rows["memory_together"],
                "heap": rows["heap"],
                "types": rows["types"],
                "census": rows["census"],
                "holders": rows["holders"],
                "why": why,
            }


def _ask(*words: str, via: str | None = None) -> Json:
    with _asked(*words, via=via) as lines:
        answers = [*lines]
    report: Json = json.loads(answers[-1])
    return report


@contextmanager
def _asked(*words: str, via: str | None = None) -> Iterator[Iterable[str]]:
    """The lines that the observer's program answers, as they come."""
    command = [*COMMAND, *words] if via is None else far.command(via, words)
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=HOME,
            env=own_environment(),
            encoding="utf-8",
        ) as process,
    ):
        assert process.stdout is not None
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            process.kill()

        limit = threading.Timer(_LIMIT_S, end)
        limit.start()
        try:
            yield process.stdout
            status = process.wait()
        finally:
            limit.cancel()
            process.kill()
        if is_late.is_set():
            raise GilscopeError(f"The observer did not answer within {_LIMIT_S:g} s", "Try again.")
        if status:
            said.seek(0)
            why = said.read().decode(errors="replace").strip()
            remedy = "Install GILScope anew." if via is None else far.REMEDY
            raise GilscopeError(f"The observer could not answer: {why}", remedy)
