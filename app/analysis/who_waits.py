"""Who makes whom wait: for each GIL, how long each thread waited while each other held.

A row is a WhoWaitsRow of app/model/summary.py. Where no single thread can be named `tid` is null, and `name`
says why: "nobody" held the lock (it was being handed on), its holder is "unknown", or the cell is one of many
small ones that stand together as "others". A waiter is never its own holder. The rows of a GIL add up to all
the time waited for it.
"""

from __future__ import annotations

from app.analysis.gils import Gils
from app.analysis.threads import Threads
from app.analysis.waited import OTHERS, Cell, Waited
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN
from app.model.summary import Who, WhoWaitsRow

_NAMES = {HOLDER_NONE: "nobody", HOLDER_UNKNOWN: "unknown", OTHERS: "others"}


def rows(waited: Waited, limit: int, gils: Gils, threads: Threads) -> list[WhoWaitsRow]:
    """The `limit` largest cells, largest first, and for each GIL what is in none of them."""
    everything = waited.with_open_waits(threads)
    left = everything.by_gil()
    cells: dict[Cell, int] = {}
    for waited_us, (gil, holder, waiter) in everything.largest(limit):
        cell = gil, _spoken_of(holder, threads), _spoken_of(waiter, threads)
        cells[cell] = cells.get(cell, 0) + waited_us
        left[gil] -= waited_us
    for gil, waited_us in left.items():
        if waited_us:
            others = gil, OTHERS, OTHERS
            cells[others] = cells.get(others, 0) + waited_us
    return [
        {
            "pid": gils[gil].pid,
            "interpreter": gils[gil].interpreter,
            "holder": _who(holder, threads),
            "waiter": _who(waiter, threads),
            "wait_s": waited_us / 1e6,
        }
        for (gil, holder, waiter), waited_us in sorted(cells.items(), key=lambda one: one[::-1], reverse=True)
    ]


def _spoken_of(lane: int, threads: Threads) -> int:
    """A thread that went long ago may have been forgotten, and with it its name."""
    return lane if lane < 0 or threads.get(lane) else OTHERS


def _who(lane: int, threads: Threads) -> Who:
    if lane < 0:
        return {"tid": None, "name": _NAMES[lane]}
    return {"tid": threads[lane].tid, "name": threads[lane].name}
