"""Who makes whom wait: for each GIL, how long each thread waited while each other held.

A row's `holder` and `waiter` are {"tid", "name"}. Where no single thread can be named `tid` is null, and
`name` says why: NOBODY held the lock (it was being handed on), its holder is UNKNOWN, or the cell is one of
many small ones that stand together as OTHERS. A waiter is never its own holder. The rows of a GIL add up to
all the time waited for it.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, Any

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN

if TYPE_CHECKING:
    from app.analysis.gils import Gils
    from app.analysis.threads import Threads

NOBODY = "nobody"
UNKNOWN = "unknown"
OTHERS = "others"

MAX_CELLS = 50_000  # two hundred threads that all wait for each other
_OTHERS = -3  # stands for a lane, beside HOLDER_NONE and HOLDER_UNKNOWN
_NAMES = {HOLDER_NONE: NOBODY, HOLDER_UNKNOWN: UNKNOWN, _OTHERS: OTHERS}

_Cell = tuple[int, int, int]  # gil, holder, waiter


class WhoWaits:
    """Microseconds waited by GIL, holder and waiter."""

    def __init__(self) -> None:
        self._cells: dict[_Cell, int] = {}

    def add(self, gil: int, waiter: int, waited_us: dict[int, int]) -> None:
        """Take what a thread waited for a lock, by holder."""
        cells = self._cells
        for holder, length_us in waited_us.items():
            cell = (gil, holder, waiter)
            cells[cell] = cells.get(cell, 0) + length_us
        if len(cells) > MAX_CELLS:
            self._fold()

    def forget(self, gils: set[int]) -> None:
        """Nothing is asked of these GILs any more."""
        self._cells = {cell: waited_us for cell, waited_us in self._cells.items() if cell[0] not in gils}

    def rows(self, limit: int, gils: Gils, threads: Threads) -> list[dict[str, Any]]:
        """The `limit` largest cells, largest first, and for each GIL what is in none of them."""
        everything = self._with_open_waits(threads)
        left: dict[int, int] = {}
        for (gil, _, _), waited_us in everything.items():
            left[gil] = left.get(gil, 0) + waited_us
        cells: dict[_Cell, int] = {}
        for waited_us, (gil, holder, waiter) in _largest(limit, everything):
            cell = gil, _spoken_of(holder, threads), _spoken_of(waiter, threads)
            cells[cell] = cells.get(cell, 0) + waited_us
            left[gil] -= waited_us
        for gil, waited_us in left.items():
            if waited_us:
                others = gil, _OTHERS, _OTHERS
                cells[others] = cells.get(others, 0) + waited_us
        return [
            {
                "pid": gils[gil].pid,
                "interpreter": gils[gil].interpreter,
                "holder": _who(holder, threads),
                "waiter": _who(waiter, threads),
                "wait_s": waited_us / 1e6,
            }
            for waited_us, (gil, holder, waiter) in _largest(len(cells), cells)
        ]

    def _with_open_waits(self, threads: Threads) -> dict[_Cell, int]:
        other = WhoWaits()
        other._cells = self._cells.copy()
        for thread in threads:
            if thread.waits_for is not None:
                other.add(thread.waits_for, thread.lane, thread.waited_us)
        return other._cells

    def _fold(self) -> None:
        """Put the smaller half of the cells together; the next MAX_CELLS / 2 that come share the cost."""
        ordered = _largest(len(self._cells), self._cells)
        self._cells = {cell: waited_us for waited_us, cell in ordered[: MAX_CELLS // 2]}
        for waited_us, (gil, _, _) in ordered[MAX_CELLS // 2 :]:
            others = gil, _OTHERS, _OTHERS
            self._cells[others] = self._cells.get(others, 0) + waited_us


def _largest(limit: int, cells: dict[_Cell, int]) -> list[tuple[int, _Cell]]:
    return nlargest(limit, zip(cells.values(), cells, strict=True))


def _spoken_of(lane: int, threads: Threads) -> int:
    """A thread that went long ago may have been forgotten, and with it its name."""
    return lane if lane < 0 or threads.get(lane) else _OTHERS


def _who(lane: int, threads: Threads) -> dict[str, Any]:
    if lane < 0:
        return {"tid": None, "name": _NAMES[lane]}
    return {"tid": threads[lane].tid, "name": threads[lane].name}
