"""The lock that is hardly held: what the program waits for instead, and whether more threads would help."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.analysis.findings.rows import (
    COMES_BACK_HZ,
    Rule,
    blocked_a_second,
    frames,
    lets_go,
    locks,
    seen_s,
    share,
    wanted_cpus,
)
from app.analysis.sources import LIBRARY, USER, owner
from app.model.findings import Finding
from app.model.states import State
from app.model.summary import Measurements, ThreadRow, TimeRow

# With less than a tenth held, ten times as much could be done before the lock is in the way. It is
# worth telling only of a program that works: one of its threads waits, and comes back a few times a second;
# and that does not compute elsewhere, in C code or in children, for a tenth of a core: on a busy machine one
# that computes all the time may get no more.
_HELD = 0.1
_WAITS = 0.5
_ELSEWHERE = 0.1  # cores

_WAITING_IN: dict[State, str] = {"io": "in system calls", "sleep": "asleep"}
_ADVICE: dict[State, str] = {
    "io": "To wait for more at once, use more threads or asyncio; processes would bring no more. The time is "
    "won where the answers come from.",
    "sleep": "It sleeps by its own will, or in C code that tries again and again, as SQLite does while "
    "another connection has its file locked. Where it polls, let it wait for what it polls for (an Event, a "
    "queue, a socket). More threads or processes change nothing.",
}
_ADVICE_LOOP = (
    "An event loop waits for many at once, so more threads or processes bring no more: start more tasks "
    "({starts}). Where they queue at a lock, a semaphore or a pool of connections, its limit is what counts. "
    "Else the time is won where the answers come from."
)
_STARTS = {"trio": "Nursery.start_soon", "gevent": "gevent.spawn"}  # by the kind of a loop
_ADVICE_IN_LINE = (
    "More such threads would only stand in line with them. What helps is more of what they wait for (a "
    "higher limit of the semaphore, a larger pool of connections, more work at a time), or to give it back "
    "sooner."
)
# Where a thread stands until another gives something back. An event or a condition may as well be an alarm
# clock, a queue that is full holds back who puts, and at one that is empty a worker without a job waits in
# the same function as those that have one: nothing tells that from a pool of connections.
_STANDS = re.compile(r"Semaphore\.(acquire|__enter__)$")


class _Line(NamedTuple):
    """Threads that wait until others let go, and then do the same as those that wait elsewhere."""

    threads: int
    function: str  # that is common to both
    at: str | None  # what it called; None where it takes a lock itself


def idle(summary: Measurements) -> Finding | None:
    """The lock is free nearly always, in a program that waits and comes back."""
    found = list(locks(summary))
    busiest = max((lock.held_share for lock in found), default=1.0)
    threads = [thread for lock in found for thread in lock.threads]
    waiting = [
        thread
        for thread in threads
        if share(thread, "io", "sleep") >= _WAITS and blocked_a_second(thread) >= COMES_BACK_HZ
    ]
    if busiest > _HELD or not waiting or _elsewhere(summary, threads) >= _ELSEWHERE:
        return None
    state, where = _waited_for(waiting)
    kind = _kind_of_loops(summary, waiting) if state == "io" else None
    line = _line(waiting, threads)
    whose = "" if kind is None else "the event loop of " if len(waiting) == 1 else "the event loops of "
    return Finding(
        code="gil-idle",
        severity="info",
        title="The GIL is hardly held: this program waits for something else",
        detail=f"No GIL was held for more than {busiest:.1%} of the time, and {whose}"
        + ("one thread" if len(waiting) == 1 else f"{len(waiting)} threads")
        + f" spent most of it {_WAITING_IN[state]}"
        + (f", most in {where}." if where else ".")
        + (_in_line(line) if line else ""),
        evidence={
            "held_share": busiest,
            "waiting_threads": len(waiting),
            "threads_in_line": line.threads if line else 0,
            "state": state,
            "function": where,
        },
        advice=_advice(state, kind, line),
    )


def _advice(state: State, kind: str | None, line: _Line | None) -> str:
    if line is not None:
        return _ADVICE_IN_LINE
    if kind is not None:
        return _ADVICE_LOOP.format(starts=_STARTS.get(kind, "asyncio.gather, a TaskGroup"))
    return _ADVICE[state]


def _in_line(line: _Line) -> str:
    stand = "One thread stands" if line.threads == 1 else f"{line.threads} threads stand"
    place = f"in {line.at}" if line.at else "at a lock"
    return f" {stand} in line behind others that run {line.function}, {place}, until one of those lets go."


def _waited_for(threads: list[ThreadRow]) -> tuple[State, str | None]:
    """(the state that most of the waiting was in, the function in which most of it was)."""
    state = max(
        _WAITING_IN, key=lambda state: sum(share(thread, state) * seen_s(thread) for thread in threads)
    )
    total_s: dict[str, float] = {}
    for thread in threads:
        for row in thread["blocked"]:
            if row["state"] == state and row["function"]:
                total_s[row["function"]] = total_s.get(row["function"], 0.0) + row["total_s"]
    return state, max(total_s, key=lambda name: total_s[name], default=None)


def _kind_of_loops(summary: Measurements, waiting: list[ThreadRow]) -> str | None:
    """The kind of event loop that all of these threads run; None where one of them runs none."""
    kinds = {(row["pid"], row["tid"]): row["kind"] for row in summary["loops"]}
    if any((thread["pid"], thread["tid"]) not in kinds for thread in waiting):
        return None
    return kinds[waiting[0]["pid"], waiting[0]["tid"]]


def _line(waiting: list[ThreadRow], threads: list[ThreadRow]) -> _Line | None:
    """Threads that are blocked at locks for most of their time, in what those that wait elsewhere run too.

    One that waits for another kind of thread has no function of the program in common with them.
    """
    runs = {
        (thread["pid"], *function)
        for thread in waiting
        for row in thread["blocked"]
        if row["state"] in _WAITING_IN
        for function in _of_program(row)
    }
    found: list[tuple[float, str, str | None]] = []
    for thread in threads:
        at_locks = [row for row in thread["blocked"] if row["state"] == "lock" and row["function"]]
        if not at_locks or share(thread, "lock") < _WAITS:
            continue
        row = max(at_locks, key=lambda row: row["total_s"])
        inmost, at = _user_s_own(row), _called_by_program(row)
        stands = row["takes_lock"] if at is None else _STANDS.search(at)
        if stands and inmost is not None and (thread["pid"], *inmost) in runs:
            found.append((row["total_s"], inmost[0], at))
    if not found:
        return None
    _, function, at = max(found, key=lambda each: each[0])
    return _Line(len(found), function, at)


def _of_program(row: TimeRow) -> Iterator[tuple[str, str]]:
    """(function, file) of the frames of a place that are none of Python's own, innermost first."""
    return ((frame.function, frame.file) for frame in frames(row) if owner(frame.file) != LIBRARY)


def _user_s_own(row: TimeRow) -> tuple[str, str] | None:
    """The innermost of the user's own functions; of a package, where there is none of these.

    A package takes a connection from its pool in one function, and waits for the answer in another.
    """
    found = [*_of_program(row)]
    return next((frame for frame in found if owner(frame[1]) == USER), found[0] if found else None)


def _called_by_program(row: TimeRow) -> str | None:
    """The function of Python's own that the program or a package called, such as Queue.get."""
    called = None
    for frame in frames(row):
        if owner(frame.file) != LIBRARY:
            break
        called = frame.function
    return called


def _elsewhere(summary: Measurements, threads: Iterable[ThreadRow]) -> float:
    """How many cores the program keeps busy, or would, without a GIL: in C code or in other programs."""
    cores = sum(row["cpu_s"] / row["counted_s"] for row in summary["processes"] if row["counted_s"])
    held = sum(lock.held_share for lock in locks(summary))
    native = sum(min(share(thread, "native"), wanted_cpus(thread)) for thread in threads if lets_go(thread))
    return max(cores - held, native)


RULES: tuple[Rule, ...] = (idle,)
