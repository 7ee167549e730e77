"""How long each thread waited for each GIL while each other held it."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest

from app.analysis.thread import Thread

MAX_CELLS = 50_000  # two hundred threads that all wait for each other
OTHERS = -3  # stands for a lane, beside HOLDER_NONE and HOLDER_UNKNOWN: one of many with little

Cell = tuple[int, int, int]  # gil, holder, waiter


class Waited:
    """Microseconds waited by GIL, holder and waiter."""

    def __init__(self) -> None:
        self.cells: dict[Cell, int] = {}

    def add(self, gil: int, waiter: int, waited_us: dict[int, int]) -> None:
        """Take what a thread waited for a lock, by holder."""
        cells = self.cells
        for holder, length_us in waited_us.items():
            cell = (gil, holder, waiter)
            cells[cell] = cells.get(cell, 0) + length_us
        if len(cells) > MAX_CELLS:
            self._fold()

    def forget(self, gils: set[int]) -> None:
        """Nothing is asked of these GILs any more."""
        self.cells = {cell: waited_us for cell, waited_us in self.cells.items() if cell[0] not in gils}

    def with_open_waits(self, threads: Iterable[Thread]) -> Waited:
        """The same with the waits that have not ended."""
        other = Waited()
        other.cells = self.cells.copy()
        for thread in threads:
            if thread.waits_for is not None:
                other.add(thread.waits_for, thread.lane, thread.waited_us)
        return other

    def _fold(self) -> None:
        """Put the smaller half of the cells together; the next MAX_CELLS / 2 that come share the cost."""
        ordered = largest(len(self.cells), self.cells)
        self.cells = {cell: waited_us for waited_us, cell in ordered[: MAX_CELLS // 2]}
        for waited_us, (gil, _, _) in ordered[MAX_CELLS // 2 :]:
            others = gil, OTHERS, OTHERS
            self.cells[others] = self.cells.get(others, 0) + waited_us


def largest(limit: int, cells: dict[Cell, int]) -> list[tuple[int, Cell]]:
    """The `limit` largest cells, largest first."""
    return nlargest(limit, zip(cells.values(), cells, strict=True))
