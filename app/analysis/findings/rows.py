"""What rules about the GIL ask of a summary's rows: each lock with the threads that take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]

LEAST_S = 0.3  # a lock or a thread that was seen for less says nothing of the program


def locks(summary: dict[str, Any]) -> Iterator[tuple[Row, list[Row]]]:
    """Each GIL that was read, with the threads of its process that belong to it, the busiest lock first.

    Interpreters that share a lock have one row, named after one of them: with a single row for the process,
    all of its threads are meant.
    """
    gils = [gil for gil in summary["gils"] if gil["held_share"] is not None]
    for gil in sorted(gils, key=lambda gil: -gil["held_share"]):
        alone = sum(other["pid"] == gil["pid"] for other in gils) == 1
        threads = [
            thread
            for thread in summary["threads"]
            if thread["pid"] == gil["pid"]
            and thread["observed_s"] >= LEAST_S
            and (alone or thread["interpreter"] == gil["interpreter"])
        ]
        if threads:
            yield gil, threads


def share(thread: Row, *states: str) -> float:
    """The share of its time that a thread spent in these states."""
    return float(sum(thread["shares"][state] or 0 for state in states))


def held_s(thread: Row) -> float:
    """How long a thread held the lock in all."""
    return share(thread, "running", "stalled") * float(thread["observed_s"])


def holds(thread: Row) -> int:
    """How often it held the lock: a hold whose end was not seen is one too."""
    return int(thread["gil_hold"]["count"]) + int(thread["gil_hold"]["cut"])


def mean_hold_s(thread: Row) -> float:
    """How long it held the lock at a stretch; what was cut by an unread sample makes this too short."""
    return held_s(thread) / max(holds(thread), 1)


def blocked_a_second(thread: Row) -> float:
    """How often in a second it gave up its core of its own accord: to wait for something."""
    counted_s, switches = thread["counted_s"], thread["voluntary_switches"]
    return float(switches / counted_s) if counted_s and switches is not None else 0.0
