"""Threads that are stuck at a lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.analysis.findings import hazards
from app.analysis.findings.rows import Row
from app.model.findings import Finding

Summary = dict[str, Any]

# Two threads that stand still in two places are told when they have done so for as long as the readings of
# the counters need to be sure of it. Those that all wait in one place may have a holder that takes its time:
# after two seconds that is worth a word even so.
_AT_TWO_PLACES_S = 0.7
_AT_ONE_PLACE_S = 2.0

_NAMED = 4  # threads, and callers of each, that are told by name
_ALL = 20  # threads in the evidence

# Where threads wait for work, for time, or for another thread's end: their locks are signals.
_SIGNALS = ("/threading.py", "/queue.py", "/multiprocessing/", "/concurrent/futures/", "/asyncio/")
# Libraries have conditions and events of their own (gevent's thread pool) and may reach the lock by a helper.
_SIGNAL = re.compile(r"(Condition|Event)\.wait(_for)?$")
_HELPERS = 3  # the innermost frames, of which one may be that
_IMPORTS = "<frozen importlib._bootstrap>"


def threads_stuck(summary: Summary) -> Finding | None:
    """Threads that wait for a lock, and nothing moves."""
    if hazards.deadlock(summary) or hazards.leaked_lock(summary):
        return None  # the program itself knows better
    by_process: dict[int, list[Row]] = {}
    for row in summary["stuck"]:
        if _waits_for_lock(row):
            by_process.setdefault(row["pid"], []).append(row)
    judged = [found for pid, rows in by_process.items() if (found := _judge(summary, pid, rows))]
    if not judged:
        return None
    kind, rows = max(judged, key=lambda found: len(found[1]))
    title, why, advice = _KINDS[kind]
    count, have = ("One thread", "has") if len(rows) == 1 else (f"{len(rows)} threads", "have")
    since_s, length_s = min(row["at_s"] for row in rows), max(row["length_s"] for row in rows)
    start = ", from when it was first seen" if all(row["from_the_start"] for row in rows) else ""
    elsewhere = f" So it is in {len(judged) - 1} other processes." if len(judged) > 1 else ""
    return Finding(
        code="threads-stuck",
        severity="critical",
        title=title,
        detail=f"{count} of process {rows[0]['pid']} {have} waited for a lock for {length_s:.1f} s "
        f"without a moment's wake{start}: {_who(rows)}.{why}{elsewhere}",
        evidence={
            "pid": rows[0]["pid"],
            "kind": kind,
            "since_s": since_s,
            "length_s": length_s,
            "threads": [
                {
                    "tid": row["tid"],
                    "name": row["name"],
                    "since_s": row["at_s"],
                    "length_s": row["length_s"],
                    "stack": row["stack"][: 2 * _NAMED],
                }
                for row in rows[:_ALL]
            ],
        },
        advice=advice,
    )


_KINDS = {
    "order": (
        "Threads are stuck: each waits for a lock",
        " Threads that take the same locks in different orders wait for one another like this.",
        "Take the locks in the same order everywhere, or give up the first when the second does not come "
        "within a timeout (lock.acquire(timeout=...)).",
    ),
    "forked": (
        "A forked process waits for a lock that nobody in it holds",
        " It has no other thread: the lock was held by a thread of its parent when it was forked, and that "
        "thread does not exist here.",
        "Start children with spawn or forkserver (multiprocessing.set_start_method), fork before the first "
        "thread is started, or make the lock anew in the child (os.register_at_fork).",
    ),
    "alone": (
        "A thread waits for a lock that nobody else can release",
        " Its process has no other thread: it took the lock itself, or the lock was never released.",
        "Use threading.RLock where a function that holds the lock calls one that takes it, and `with lock:`, "
        "so that it is released however the block is left.",
    ),
    "import": (
        "Threads are stuck in an import",
        " Each module has a lock while it is imported: who imports it meanwhile waits.",
        "Do not start threads and wait for them while a module is being imported, and do not import in "
        "threads what imports one another: import at the start of the program.",
    ),
    "one place": (
        "Threads are stuck: they wait for a lock that is not released",
        " Whoever holds it has not let go of it all that time.",
        "Look where that lock is taken for what blocks there, and write `with lock:`, so that it is released "
        "however the block is left.",
    ),
}


def _judge(summary: Summary, pid: int, rows: list[Row]) -> tuple[str, list[Row]] | None:
    """(what kind of standstill it is, the threads concerned) in one process."""
    longest_s = max(row["length_s"] for row in rows)
    if longest_s < _AT_TWO_PLACES_S:
        return None
    if rows[0]["threads_there"] == 1:
        forked = rows[0]["from_the_start"] and _is_child(summary, pid)
        return "forked" if forked else "alone", rows
    importing = [row for row in rows if _in_import(row)]
    if importing:
        return "import", importing
    if len({_place(row) for row in rows if row["length_s"] >= _AT_TWO_PLACES_S}) > 1:
        return "order", rows
    return ("one place", rows) if longest_s >= _AT_ONE_PLACE_S else None


def _is_child(summary: Summary, pid: int) -> bool:
    pids = {row["pid"] for row in summary["memory"]}
    return any(row["pid"] == pid and row["parent"] in pids for row in summary["memory"])


def _waits_for_lock(row: Row) -> bool:
    stack = row["stack"]
    if not stack:
        return False
    if _in_import(row):
        return True
    return bool(row["takes_lock"]) and not _awaits_signal(stack)


def _awaits_signal(stack: list[Row]) -> bool:
    if any(part in stack[0]["file"] for part in _SIGNALS):
        return True
    return any(_SIGNAL.search(frame["function"]) for frame in stack[:_HELPERS])


def _in_import(row: Row) -> bool:
    leaf = row["stack"][0]
    return bool(leaf["file"] == _IMPORTS and "_ModuleLock" in leaf["function"])


def _place(row: Row) -> tuple[str, int]:
    return row["stack"][0]["file"], row["stack"][0]["line"]


def _who(rows: list[Row]) -> str:
    """The places, each with who waits there and by way of which functions."""
    by_place: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        by_place.setdefault(_place(row), []).append(row)
    places = sorted(by_place.values(), key=len, reverse=True)
    told = []
    for there in places[:_NAMED]:
        leaf, *callers = (frame["function"] for frame in there[0]["stack"])
        line = there[0]["stack"][0]["line"]
        via = f", called by {', '.join(callers[:2])}" if callers else ""
        who = there[0]["name"] if len(there) == 1 else f"{there[0]['name']} and {len(there) - 1} others"
        told.append(f"{who} in {leaf} (line {line}{via})")
    more = len(places) - len(told)
    return "; ".join(told) + (f"; and in {more} other places" if more > 0 else "")


RULES: tuple[Callable[[Summary], Finding | None], ...] = (threads_stuck,)
