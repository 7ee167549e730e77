"""Who held a GIL at each instant of one slice."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

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
        self._end(track, start_us)

    def add(self, track: list[int], start_us: int) -> None:
        """Take the track of the slice that follows, which begins at `start_us`."""
        del self._until_us[-1], self._holders[-1]
        at_us = self._until_us[-1]
        if at_us < start_us:
            self._until_us.append(start_us)
            self._holders.append(HOLDER_UNKNOWN)
        self._end(track, start_us)

    def _end(self, track: list[int], at_us: int) -> None:
        for holder, _, length_us in gil_pieces(track):
            if length_us:
                at_us += length_us
                self._until_us.append(at_us)
                self._holders.append(holder)
        self._until_us.append(_NEVER_US)
        self._holders.append(HOLDER_UNKNOWN)

    def within(self, from_us: int, until_us: int) -> list[Any]:
        """[start_us, holders, lengths] of what is known between, to be stored."""
        start_us, found, lengths_us = from_us, list[int](), list[int]()
        for begin_us, end_us, holder in zip(
            self._until_us[:-2], self._until_us[1:-1], self._holders[1:-1], strict=True
        ):
            length_us = min(end_us, until_us) - max(begin_us, from_us)
            if length_us > 0:
                if not found:
                    start_us = max(begin_us, from_us)
                found.append(holder)
                lengths_us.append(length_us)
        return [start_us, found, lengths_us]

    @classmethod
    def of_state(cls, gil: int, state: list[Any]) -> Holders:
        """The same, read."""
        start_us, holders, lengths_us = state
        made = cls(gil, [], start_us)
        made._until_us = [*accumulate(lengths_us, initial=start_us), _NEVER_US]
        made._holders = [HOLDER_UNKNOWN, *holders, HOLDER_UNKNOWN]
        return made

    def charge(self, waiter: int, from_us: int, until_us: int, held_us: dict[int, int]) -> None:
        """Add to `held_us` how long each held the lock while `waiter` waited; it adds up to the whole time.

        Nobody waits for himself: a waiter that has just got the lock waits for its handing on, so for nobody.
        """
        ends, holders = self._until_us, self._holders
        at, get = bisect_right(ends, from_us), held_us.get
        last = at if until_us <= ends[at] else bisect_left(ends, until_us)
        begin_us = from_us
        if last > at:
            for holder, end_us in zip(holders[at:last], ends[at:last], strict=True):
                held_us[holder] = get(holder, 0) + end_us - begin_us
                begin_us = end_us
        if begin_us < until_us:
            holder = holders[last]
            held_us[holder] = get(holder, 0) + until_us - begin_us
        if waiter in held_us:
            held_us[HOLDER_NONE] = get(HOLDER_NONE, 0) + held_us.pop(waiter)


# By GIL: who held it where a piece begins, and where it ends.
HoldersAtEnds = Mapping[int, tuple[Holders, Holders]]
