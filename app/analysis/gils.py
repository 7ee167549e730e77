"""Who held each GIL, for how long at a stretch, and how often it changed hands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.analysis.threads import Threads
from app.analysis.tracks import GIL_STEP, GilTime, gil_time
from app.model.frames import Names
from app.model.states import HOLDER_NONE


class Gil:
    """One lock: whose it is, and the sums over the time in which it was read."""

    def __init__(self, index: int, pid: int, interpreter: int | None, named_us: int) -> None:
        self.index = index
        self.pid = pid
        self.interpreter = interpreter
        self.named_us = named_us
        self._holder = HOLDER_NONE
        self._seen_us = -1
        self.switches = 0
        self.lifetime_us = 0
        self.time = GilTime()

    def feed(self, switches: int, track: list[int], start_us: int, end_us: int, threads: Threads) -> None:
        """Add the track of the slice from `start_us` to `end_us`, and its holds to the threads that had them.

        A hold goes on from one slice into the next. It is ended by another holder, by nobody (a piece of
        length 0 too), by time in which the lock could not be read, and by a slice that is missing.
        """
        self.switches += switches
        self.lifetime_us += end_us - start_us
        self.time.add(gil_time(track))
        holder = self._holder
        if start_us != self._seen_us:
            self._end_hold(holder, threads)
            holder = HOLDER_NONE
        self._seen_us = end_us
        for at in range(0, len(track), GIL_STEP):
            if track[at] != holder:
                self._end_hold(holder, threads)
                holder = track[at]
            if holder >= 0:
                threads[holder].holds.open_us += track[at + 2]
        self._holder = holder

    def to_json(self) -> dict[str, Any]:
        """The lock's row, as it stands in a summary."""
        return {
            "pid": self.pid,
            "interpreter": self.interpreter,
            "switches": self.switches,
            "switches_per_s": self.switches * 1e6 / self.lifetime_us if self.lifetime_us else None,
            **self.time.shares(),
        }

    @staticmethod
    def _end_hold(holder: int, threads: Threads) -> None:
        if holder >= 0:
            threads[holder].holds.close()


class Gils:
    """All GILs of a run, by index."""

    def __init__(self) -> None:
        self._gils: dict[int, Gil] = {}

    def __iter__(self) -> Iterator[Gil]:
        return iter(self._gils.values())

    def __getitem__(self, index: int) -> Gil:
        gil = self._gils.get(index)
        if gil is None:
            raise ValueError(f"GIL {index} was never named")
        return gil

    def names(self, message: Names) -> None:
        """Take note of GILs that came."""
        for index, pid, interpreter in message.gils:
            if index not in self._gils:
                self._gils[index] = Gil(index, pid, interpreter, message.at_us)

    def forget(self, pids: set[int]) -> None:
        """The GILs of these processes are not spoken of any more."""
        self._gils = {index: gil for index, gil in self._gils.items() if gil.pid not in pids}

    def summary_rows(self) -> list[dict[str, Any]]:
        """A row for each GIL seen in the measured time."""
        return [gil.to_json() for gil in self if gil.lifetime_us]
