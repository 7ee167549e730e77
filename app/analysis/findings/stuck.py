"""Threads that are stuck at a lock."""

from __future__ import annotations

import re

from app.analysis.findings import hazards
from app.analysis.findings.rows import SIGNAL, Rule, signals
from app.analysis.sources import LIBRARY, owner, to_blame
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import FrameRow, Measurements, StuckRow

# Two threads that stand still in two places are told when they have done so for as long as the readings of
# the counters need to be sure of it. Those that all wait in one place may have a holder that takes its time:
# after two seconds that is worth a word even so.
_AT_TWO_PLACES_S = 0.7
_AT_ONE_PLACE_S = 2.0

_NAMED = 4  # threads, and callers of each, that are told by name
_ALL = 20  # threads in the evidence

# Libraries have conditions and events of their own (gevent's thread pool) and may reach the lock by a helper.
_HELPERS = 3  # the innermost frames, of which one may be that
_IMPORTS = "<frozen importlib._bootstrap>"
_LOADS = "_load_unlocked"  # below it a module's own code runs, while its lock is held

# What only another thread can end, whatever that one's lock is: no handler of a signal does it either. An
# Event and a queue may be a daemon's, which waits for just that.
_FOR_ANOTHER = re.compile(r"(Barrier\.wait|Semaphore\.acquire|Thread\.join|Future\.result|Queue\.join)$")
_AT_THE_END = "_shutdown"  # threading's: the main thread waits for the others
_IDLE = ("_worker", "/concurrent/futures/thread.py")


def threads_stuck(summary: Measurements) -> Finding | None:
    """Threads that wait for a lock, and nothing moves."""
    if hazards.deadlock(summary) or hazards.leaked_lock(summary):
        return None  # the program itself knows better
    by_process: dict[int, list[StuckRow]] = {}
    for row in summary["stuck"]:
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
        severity="warning" if kind in ("slow import", "passed by") else "critical",
        title=title,
        detail=f"{count} of process {own_pid(rows[0]['pid'])} {have} waited for a lock for {length_s:.1f} s "
        f"without a moment's wake{start}: {_who(kind, rows)}.{why}{elsewhere}",
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
                    "stack": _stack(row)[: 2 * _NAMED],
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
    "slow import": (
        "Threads wait for an import that takes long",
        " Each module has a lock while it is imported: who imports it meanwhile waits.",
        "Import it at the start of the program, before the threads that use it.",
    ),
    "standstill": (
        "A process stands still: each of its threads waits for another",
        " The process has no other thread that could wake one of them.",
        "A task must not wait for another of its own pool: use two pools. Else look for what did "
        "not come: a sentinel in a queue, a task_done(), the release of a semaphore, the last thread of a "
        "Barrier.",
    ),
    "passed by": (
        "A thread waits for a lock that others take meanwhile",
        " Other threads have waited in the same line and gone on. If it is one lock there, they take it "
        "again before this thread runs: threading's locks are not fair. If each has one of its own, this "
        "one is not released.",
        "Release the lock before what takes long, and do not take it again at once: a queue, or a "
        "threading.Condition, passes the work on to who waits.",
    ),
    "one place": (
        "Threads are stuck: they wait for a lock that is not released",
        " Whoever holds it has not let go of it all that time; one that waits for a signal by a bare lock "
        "looks the same.",
        "Look where that lock is taken for what blocks there, and write `with lock:`, so that it is released "
        "however the block is left.",
    ),
}


def _judge(summary: Measurements, pid: int, there: list[StuckRow]) -> tuple[str, list[StuckRow]] | None:
    """(what kind of standstill it is, the threads concerned) of those in one process that stand still."""
    rows = [row for row in there if _waits_for_lock(row)]
    return (_at_locks(summary, pid, rows) if rows else None) or _of_all(pid, there)


def _of_all(pid: int, rows: list[StuckRow]) -> tuple[str, list[StuckRow]] | None:
    """A process in which nobody is left who could wake another."""
    if not 1 < len(rows) == rows[0]["threads_there"] or not all(map(_needs_another, rows)):
        return None
    if min(row["length_s"] for row in rows) < _AT_ONE_PLACE_S:
        return None
    main = next((row for row in rows if row["tid"] == pid), None)  # the handlers of signals run in it
    if main is None or not _waits_for_another(main):
        return None
    return "standstill", [_from_the_call(row) for row in rows if not _is_idle(row)]


def _needs_another(row: StuckRow) -> bool:
    """Whether only another thread of its process can end its wait."""
    stack = _stack(row)
    waits_for_event = any(frame["function"].endswith("Event.wait") for frame in stack[:_HELPERS])
    return bool(stack) and not waits_for_event and (row["takes_lock"] or _is_idle(row))


def _waits_for_another(row: StuckRow) -> bool:
    return not _awaits_signal(_stack(row)) or any(
        _FOR_ANOTHER.search(frame["function"]) or frame["function"] == _AT_THE_END for frame in _stack(row)
    )


def _is_idle(row: StuckRow) -> bool:
    leaf = _stack(row)[0]
    return leaf["function"] == _IDLE[0] and leaf["file"].endswith(_IDLE[1])


def _from_the_call(row: StuckRow) -> StuckRow:
    """With its stack from the library's function that the user's called, say Future.result."""
    stack = _stack(row)
    at = to_blame([(frame["function"], frame["file"]) for frame in stack]) or 0
    while at and owner(stack[at]["file"]) != LIBRARY:
        at -= 1
    return {**row, "stack": stack[at:]}


def _at_locks(summary: Measurements, pid: int, rows: list[StuckRow]) -> tuple[str, list[StuckRow]] | None:
    """Threads that stand at locks."""
    longest_s = max(row["length_s"] for row in rows)
    if longest_s < _AT_TWO_PLACES_S:
        return None
    if rows[0]["threads_there"] == 1:
        forked = rows[0]["from_the_start"] and _is_child(summary, pid)
        return "forked" if forked else "alone", rows
    importing = [row for row in rows if _in_import(row)]
    if importing and any(_holds_import(row) for row in summary["stuck"] if row["pid"] == pid):
        return "import", importing
    if importing:  # who imports gets on
        rows = [row for row in rows if row not in importing]
        if not rows:
            return ("slow import", importing) if longest_s >= _AT_ONE_PLACE_S else None
    if all(_is_passed_by(summary, row, {row["tid"] for row in rows}) for row in rows):
        return ("passed by", rows) if longest_s >= _AT_ONE_PLACE_S else None
    if len({_place(row) for row in rows if row["length_s"] >= _AT_TWO_PLACES_S}) > 1:
        return "order", rows
    return ("one place", rows) if longest_s >= _AT_ONE_PLACE_S else None


def _is_passed_by(summary: Measurements, row: StuckRow, stuck: set[int]) -> bool:
    """Whether another thread got on where this one waits: it waited there for longer than until then."""
    return any(
        place["state"] == "lock"
        and (place["file"], place["line"]) == _place(row)
        and place["total_s"] > row["at_s"]
        for thread in summary["threads"]
        if thread["pid"] == row["pid"] and thread["tid"] not in stuck
        for place in thread["blocked"]
    )


def _is_child(summary: Measurements, pid: int) -> bool:
    pids = {row["pid"] for row in summary["memory"]}
    return any(row["pid"] == pid and row["parent"] in pids for row in summary["memory"])


def _waits_for_lock(row: StuckRow) -> bool:
    stack = _stack(row)
    if not stack:
        return False
    if _in_import(row):
        return True
    return row["takes_lock"] and not _awaits_signal(stack)


def _awaits_signal(stack: list[FrameRow]) -> bool:
    if signals(stack[0]["file"]):
        return True
    return any(SIGNAL.search(frame["function"]) for frame in stack[:_HELPERS])


def _in_import(row: StuckRow) -> bool:
    leaf = _stack(row)[0]
    return leaf["file"] == _IMPORTS and "_ModuleLock" in leaf["function"]


def _holds_import(row: StuckRow) -> bool:
    """Whether it stands still with a module's lock in hand, elsewhere than at such a lock."""
    stack = _stack(row)
    return bool(
        stack
        and not _in_import(row)
        and any(frame["function"] == _LOADS and frame["file"] == _IMPORTS for frame in stack)
    )


def _stack(row: StuckRow) -> list[FrameRow]:
    return row["stack"] or []


def _place(row: StuckRow) -> tuple[str, int]:
    leaf = _stack(row)[0]
    return leaf["file"], leaf["line"]


def _who(kind: str, rows: list[StuckRow]) -> str:
    """The places, each with who waits there and by way of which functions."""
    by_place: dict[tuple[tuple[str, int], str], list[StuckRow]] = {}
    for row in rows:
        caller = _stack(row)[1:2] if kind == "standstill" else []  # who called the library
        by_place.setdefault((_place(row), repr(caller)), []).append(row)
    places = sorted(by_place.values(), key=len, reverse=True)
    told = []
    for there in places[:_NAMED]:
        leaf, *callers = (frame["function"] for frame in _stack(there[0]))
        _, line = _place(there[0])
        via = f", called by {', '.join(callers[:2])}" if callers else ""
        told.append(f"{_names(there)} in {leaf} (line {line}{via})")
    more = len(places) - len(told)
    where = "another place" if more == 1 else f"{more} other places"
    return "; ".join(told) + (f"; and in {where}" if more > 0 else "")


def _names(rows: list[StuckRow]) -> str:
    names = [str(row["name"]) for row in rows]
    if len(names) > _NAMED:
        return f"{names[0]} and {len(names) - 1} others"
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


RULES: tuple[Rule, ...] = (threads_stuck,)
