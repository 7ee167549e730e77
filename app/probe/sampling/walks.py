"""When the stack of which thread is walked next, where each walk may be followed by another one."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from .roster import Roster
from .tracks import Lane

AT_A_TIME = 4  # threads walked in a period: some 30 us each
PERIOD_US = 50_000


class Walks:
    """The walks that are due, of the threads of one process."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._order = itertools.count()  # so that the queue never has to compare two lanes
        self._queue: list[
            tuple[int, int, int, Lane]
        ] = []  # (when to walk, order, after how long again, lane)

    def add(self, lane: Lane, delay_us: int, at_us: int) -> None:
        """To be walked at that time; `delay_us` is for whoever plans the walk after it."""
        heapq.heappush(self._queue, (at_us, next(self._order), delay_us, lane))

    def due(self, now_us: int) -> Iterator[tuple[Lane, int]]:
        """(lane, delay) of those that are due, of threads that live, the longest due first; each once."""
        while self._queue and self._queue[0][0] <= now_us:
            _, _, delay_us, lane = heapq.heappop(self._queue)
            if self._roster.lanes.get(lane.tid) is lane:
                yield lane, delay_us

    @property
    def next_us(self) -> int | None:
        """When the next one is due; None where there is none."""
        return self._queue[0][0] if self._queue else None
