"""Who held a GIL at each instant of one slice."""

from __future__ import annotations

from bisect import bisect_right

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN
from app.model.tracks import gil_pieces

_NEVER_US = 1 << 62


class Holders:
    """A GIL's track on the clock; before and after it the holder is HOLDER_UNKNOWN."""

    __slots__ = ("_holders", "_until_us", "gil")

    def __init__(self, gil: int, track: list[int], start_us: int) -> None:
        self.gil = gil
        self._until_us = [start_us]
        self._holders = [HOLDER_UNKNOWN]
        at_us = start_us
        for holder, _, length_us in gil_pieces(track):
            if length_us:
                at_us += length_us
                self._until_us.append(at_us)
                self._holders.append(holder)
        self._until_us.append(_NEVER_US)
        self._holders.append(HOLDER_UNKNOWN)

    def charge(self, waiter: int, from_us: int, until_us: int, held_us: dict[int, int]) -> None:
        """Add to `held_us` how long each held the lock while `waiter` waited; it adds up to the whole time.

        Nobody waits for himself: a waiter that has just got the lock waits for its handing on, so for nobody.
        """
        ends, holders = self._until_us, self._holders
        at = bisect_right(ends, from_us)
        while from_us < until_us:
            end_us = ends[at]
            if end_us > until_us:
                end_us = until_us
            holder = holders[at]
            if holder == waiter:
                holder = HOLDER_NONE
            held_us[holder] = held_us.get(holder, 0) + end_us - from_us
            from_us = end_us
            at += 1
