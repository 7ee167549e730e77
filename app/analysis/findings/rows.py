"""What rules ask of a summary's rows: each lock with the threads that take it, and what a thread did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypedDict

from app.model.findings import Finding
from app.model.states import State
from app.model.summary import (
    Caller,
    GilRow,
    GilShares,
    Measurements,
    SamplingInfo,
    ThreadRow,
    TimeRow,
    callers,
)

Rule = Callable[[Measurements], Finding | None]

LEAST_S = 0.3  # a lock or a thread that was seen for less says nothing of the program
COMES_BACK_HZ = 5.0  # a thread that blocks less often does next to nothing
OFTEN_ENDED_PER_S = 100  # threads that end: to start so many takes about a hundredth of a CPU

# Seen for less than half of the time, the greater part is unknown, and it may well be of another kind: the
# observer goes without a CPU just when the program is busy.
LEAST_COVERAGE = 0.5

# Where threads wait for work, for time, or for another thread's end: their locks are signals.
SIGNAL = re.compile(r"(Condition|Event)\.wait(_for)?$")
_SIGNALS = ("/threading.py", "/queue.py", "/multiprocessing/", "/concurrent/futures/", "/asyncio/")


class SeenLock(NamedTuple):
    """A GIL that was seen enough, with those of its threads that were too."""

    row: GilRow
    held_share: float
    contended_share: float
    waiters: float
    threads: list[ThreadRow]


class BlockedPlace(TypedDict):
    """A place in which threads were blocked: lines of one function count as one."""

    function: str
    file: str | None
    callers: list[list[str | int]]
    total_s: float


def seen_enough(row: ThreadRow | GilShares | SamplingInfo) -> bool:
    """The floor below which nothing is judged, of a thread, of a lock, or of the whole (`sampling`)."""
    return bool((row["coverage"] or 0.0) >= LEAST_COVERAGE)


def locks(summary: Measurements) -> Iterator[SeenLock]:
    """Each GIL that was seen enough, the busiest first.

    Interpreters that share a lock have one row, named after one of them: with a single row for the process,
    all of its threads are meant. A thread that was never in an interpreter belongs to no lock.
    """
    gils = [gil for gil in summary["gils"] if gil["held_share"] is not None and seen_enough(gil)]
    for gil in sorted(gils, key=lambda gil: -(gil["held_share"] or 0.0)):
        alone = sum(other["pid"] == gil["pid"] for other in gils) == 1
        threads = [
            thread
            for thread in summary["threads"]
            if thread["pid"] == gil["pid"]
            and seen_s(thread) >= LEAST_S
            and seen_enough(thread)
            and (alone or thread["interpreter"] == gil["interpreter"])
        ]
        if threads:
            held, contended, waiters = gil["held_share"], gil["contended_share"], gil["waiters"]
            yield SeenLock(gil, held or 0.0, contended or 0.0, waiters or 0.0, threads)


def seen_s(thread: ThreadRow) -> float:
    """For how long a thread's state was known: on a busy machine the observer's looks come late."""
    return float(thread["observed_s"] * (thread["coverage"] or 0.0))


def share(thread: ThreadRow, *states: State) -> float:
    """The share of the time in which its state was known that a thread spent in these states."""
    known = thread["coverage"] or 0.0
    return float(sum(thread["shares"][state] or 0 for state in states) / known) if known else 0.0


def held_s(thread: ThreadRow) -> float:
    """How long a thread was seen to hold the lock."""
    return share(thread, "running", "stalled") * seen_s(thread)


def holds(thread: ThreadRow) -> int:
    """How often it held the lock: a hold whose end was not seen is one too."""
    return int(thread["gil_hold"]["count"]) + int(thread["gil_hold"]["cut"])


def mean_hold_s(thread: ThreadRow) -> float:
    """How long it held the lock at a stretch; what was cut by an unread sample makes this too short."""
    return held_s(thread) / max(holds(thread), 1)


def lets_go(thread: ThreadRow) -> bool:
    """Whether most of the CPU time that it got was spent without the lock.

    A thread that is runnable without the lock may as well be on its way to take it: on a busy machine it is
    long before it has the core that it needs for that.
    """
    counted_s, cpu_s = thread["counted_s"], thread["cpu_s"]
    return bool(counted_s and cpu_s and share(thread, "running") <= cpu_s / counted_s / 2)


def had_cpu(thread: ThreadRow) -> float:
    """The share of the time in which a thread was runnable that it had a CPU; 1.0 where nothing is known."""
    cpu_s, delayed_s = thread["cpu_s"] or 0.0, thread["run_delay_s"] or 0.0
    return float(cpu_s / (cpu_s + delayed_s)) if cpu_s else 1.0


def wanted_cpus(thread: ThreadRow) -> float:
    """How much of a CPU it would have had without ever standing in the run queue.

    That is its CPU time beside the time in which it was blocked, by the kernel's own account. One that sleeps
    between short pieces of work may stand in the queue for most of its time, and wants little all the same;
    samples find it there more often than it is, since the observer has its CPU just then.
    """
    cpu_s, delayed_s = thread["cpu_s"] or 0.0, thread["run_delay_s"] or 0.0
    return float(cpu_s / max(cpu_s, (thread["counted_s"] or 0.0) - delayed_s)) if cpu_s else 0.0


def most_blocked(threads: Iterable[ThreadRow], state: State) -> BlockedPlace | None:
    """Where these threads were blocked for longest in a state, of the places that were seen."""
    places: dict[tuple[str, str | None, str], BlockedPlace] = {}
    for thread in threads:
        for row in thread["blocked"] or ():
            if row["state"] == state and row["function"]:
                key = (row["function"], row["file"], repr([caller[:2] for caller in row["callers"]]))
                place = places.setdefault(
                    key,
                    {
                        "function": row["function"],
                        "file": row["file"],
                        "callers": row["callers"],
                        "total_s": 0.0,
                    },
                )
                place["total_s"] += row["total_s"]
    return max(places.values(), key=lambda place: place["total_s"], default=None)


def frames(row: TimeRow) -> Iterator[Caller]:
    """The frames of a place, innermost first; none of code whose function or file is not known."""
    if row["function"] and row["file"]:
        yield Caller(row["function"], row["file"], row["line"] or 0)
        yield from callers(row["callers"])


def signals(file: str) -> bool:
    """Whether a lock that is waited for in this file is a signal: work, time, another thread's end."""
    return any(part in file for part in _SIGNALS)


def at_a_lock(row: TimeRow) -> bool:
    """Whether it is time at a lock, in a line that takes one: no wait for work, time or a thread's end."""
    return row["state"] == "lock" and row["takes_lock"] and not signals(row["file"] or "")


def blocked_a_second(thread: ThreadRow) -> float:
    """How often in a second it gave up its core of its own accord: to wait for something."""
    counted_s, switches = thread["counted_s"], thread["voluntary_switches"]
    return float(switches / counted_s) if counted_s and switches is not None else 0.0
