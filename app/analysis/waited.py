"""How long each thread waited for each GIL while each other held it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from operator import add, sub
from typing import Any

from app.analysis.thread import Thread

MAX_CELLS = 50_000  # two hundred threads that all wait for each other
OTHERS = -3  # stands for a lane, beside HOLDER_NONE and HOLDER_UNKNOWN: one of many with little

Cell = tuple[int, int, int]  # gil, holder, waiter
_Who = tuple[int, tuple[int, ...], tuple[int, ...]]  # gil, holders, waiters
WaitedFor = tuple[int, int, dict[int, int]]  # gil, waiter, microseconds by holder


class Waited:
    """Microseconds waited by GIL, holder and waiter."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], dict[int, int]] = {}  # by GIL and waiter: by holder
        self._size = 0
        self._whole: dict[_Who, tuple[list[int], list[int]]] = {}  # of pieces, see state: not in the rows yet

    def by_gil(self) -> dict[int, int]:
        """All that was waited for each GIL."""
        self._unfold()
        found: dict[int, int] = {}
        for (gil, _), row in self._rows.items():
            found[gil] = found.get(gil, 0) + sum(row.values())
        return found

    def largest(self, limit: int) -> list[tuple[int, Cell]]:
        """The `limit` largest cells, largest first: of thousands, in a sixth of the time of a sort of all."""
        self._unfold()
        return self._largest(limit)

    def _largest(self, limit: int) -> list[tuple[int, Cell]]:
        lengths = sorted(chain.from_iterable(row.values() for row in self._rows.values()))
        bar = lengths[-limit] if len(lengths) > limit else 0
        found = (
            (waited_us, (gil, holder, waiter))
            for (gil, waiter), row in self._rows.items()
            for holder, waited_us in row.items()
            if waited_us >= bar
        )
        return sorted(found, reverse=True)[:limit]

    def add(self, gil: int, waiter: int, waited_us: dict[int, int]) -> None:
        """Take what a thread waited for a lock, by holder."""
        self._put(gil, waiter, waited_us)
        if self._size > MAX_CELLS:
            self._fold()

    def _put(self, gil: int, waiter: int, waited_us: dict[int, int]) -> None:
        row = self._rows.get((gil, waiter))
        if row is None:
            self._rows[gil, waiter] = waited_us.copy()
            self._size += len(waited_us)
            return
        before = len(row)
        for holder, length_us in waited_us.items():
            row[holder] = row.get(holder, 0) + length_us
        self._size += len(row) - before

    def state(self, ends: Iterable[WaitedFor]) -> list[Any]:
        """All of it, to be stored: with what is not summed up yet of a piece's first and last waits, `ends`.

        Threads of a convoy wait nearly all the time, so for each holder nearly as long as each other: what is
        stored is how much less than the longest.
        """
        whole = self._with(ends)
        gils: dict[int, dict[int, dict[int, int]]] = {}
        for (gil, waiter), row in sorted(whole._rows.items()):
            if row:
                gils.setdefault(gil, {})[waiter] = row
        return [[gil, *_packed(rows)] for gil, rows in gils.items()]

    def absorb(self, state: list[Any]) -> None:
        """Add what was waited in another piece, its first and last waits too."""
        for gil, holders, most, waiters, less in state:
            if holders is None:
                for waiter, row in zip(waiters, less, strict=True):
                    self.add(gil, waiter, dict(zip(*row, strict=True)))
                continue
            who = gil, tuple(holders), tuple(waiters)
            known = self._whole.get(who)
            if known is not None:  # as nearly always: the same threads
                most, less = [*map(add, known[0], most)], [*map(add, known[1], less)]
            self._whole[who] = most, less

    def forget(self, gils: set[int]) -> None:
        """Nothing is asked of these GILs any more."""
        self._unfold()
        self._rows = {key: row for key, row in self._rows.items() if key[0] not in gils}
        self._size = sum(map(len, self._rows.values()))

    def with_open_waits(self, threads: Iterable[Thread]) -> Waited:
        """The same with the waits that have not ended."""
        return self._with(
            (thread.waits_for, thread.lane, thread.waited_us)
            for thread in threads
            if thread.waits_for is not None
        )

    def _with(self, more: Iterable[WaitedFor]) -> Waited:
        self._unfold()
        other = Waited()
        other._rows = {key: row.copy() for key, row in self._rows.items()}
        other._size = self._size
        for each in more:
            other.add(*each)
        return other

    def _unfold(self) -> None:
        """Put what pieces told into the rows."""
        whole, self._whole = self._whole, {}
        for (gil, holders, waiters), (most, less) in whole.items():
            for at, waiter in enumerate(waiters):
                waited_us = map(sub, most, less[at * len(most) : (at + 1) * len(most)])
                self._put(
                    gil, waiter, {holder: us for holder, us in zip(holders, waited_us, strict=True) if us}
                )
        if self._size > MAX_CELLS:
            self._fold()

    def _fold(self) -> None:
        """Put the smaller half of the cells together; the next MAX_CELLS / 2 that come share the cost."""
        ordered = self._largest(self._size)
        self._rows, self._size = {}, 0
        for waited_us, (gil, holder, waiter) in ordered[: MAX_CELLS // 2]:
            self._put(gil, waiter, {holder: waited_us})
        for waited_us, (gil, _, _) in ordered[MAX_CELLS // 2 :]:
            self._put(gil, OTHERS, {OTHERS: waited_us})


def _packed(rows: dict[int, dict[int, int]]) -> list[Any]:
    """[holders, the most that one waited for each, waiters, how much less: waiter by waiter, by holder].

    Where few wait for each other there is a row of [holders, times] each instead, and no most.
    """
    holders = sorted({holder for row in rows.values() for holder in row})
    if len(holders) * len(rows) > 2 * sum(map(len, rows.values())):
        return [None, None, [*rows], [[[*row], [*row.values()]] for row in rows.values()]]
    most = [max(row.get(holder, 0) for row in rows.values()) for holder in holders]
    less = [
        us - row.get(holder, 0) for row in rows.values() for holder, us in zip(holders, most, strict=True)
    ]
    return [holders, most, [*rows], less]
