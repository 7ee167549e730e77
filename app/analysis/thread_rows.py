"""The threads of a piece of an observation, as they are stored: by columns, which compress far better.

What a thread waited in the waits with which a piece begins and ends follows from who held the lock then, so
it is left out where it does. How long others waited for its holds is mostly how long it held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.analysis.holders import HoldersAtEnds
from app.analysis.thread import Part, StoredThread, Tracked, summed

_FIRST, _LAST = 0, 1


def packed(rows: Sequence[StoredThread], ends: HoldersAtEnds) -> list[Any]:
    """[columns of the threads, columns of their tracks]; of one without tracks there is no row of these."""
    tracked = [_without(row, row.tracked, ends) for row in rows if row.tracked is not None]
    known = [row._asdict() | {"tracked": None if row.tracked is None else 1} for row in rows]
    return [_turned([[*row.values()] for row in known]), _turned(tracked)]


def unpacked(columns: list[Any], ends: HoldersAtEnds) -> Iterator[StoredThread]:
    """The same, read."""
    threads, tracks = columns
    tracked = zip(*tracks, strict=True)
    for values in zip(*threads, strict=True):
        row = StoredThread(*values)
        yield row._replace(tracked=None if row.tracked is None else _with(row, Tracked(*next(tracked)), ends))


def _without(row: StoredThread, tracked: Tracked, ends: HoldersAtEnds) -> list[Any]:
    first = _waited(tracked.head_for, row.first_wait(tracked), ends, _FIRST)
    last = _waited(tracked.waits_for, row.last_wait(tracked), ends, _LAST)
    told = tracked._asdict() | {
        "head_waited": _told(tracked.head_waited, first, row.lane),
        "waited": _told(tracked.waited, last, row.lane),
        "kept": None if tracked.kept == tracked.holds else tracked.kept,
    }
    return [*told.values()]


def _with(row: StoredThread, tracked: Tracked, ends: HoldersAtEnds) -> Tracked:
    first, last = tracked.head_waited, tracked.waited
    return tracked._replace(
        head_waited=_waited(tracked.head_for, row.first_wait(tracked), ends, _FIRST)
        if first is None
        else dict(zip(*first, strict=True)),
        waited=_waited(tracked.waits_for, row.last_wait(tracked), ends, _LAST)
        if last is None
        else dict(zip(*last, strict=True)),
        kept=tracked.holds if tracked.kept is None else tracked.kept,
    )


def _waited(gil: int | None, wait: tuple[int, int], ends: HoldersAtEnds, which: int) -> Part:
    return {} if gil is None or gil not in ends else (ends[gil][which], *wait)


def _told(part: Part, follows: Part, waiter: int) -> list[list[int]] | None:
    """Holders and how long they held; None where it follows."""
    waited_us = summed([part], waiter)
    return None if summed([follows], waiter) == waited_us else [[*waited_us], [*waited_us.values()]]


def _turned(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
