"""Whose turn it is to be looked at, where a process has more threads than one sample may look at.

A look at a thread costs a read of /proc, 3 to 6 us: no more than 50 000 of them a second fit into the CPU
that the observer may take, 50 a sample at 1 kHz. The lock is read in each sample whatever there is; its
threads are looked at in turn: those that were last seen at work, or on their way to it, before those that
were blocked. A parked thread has done nothing of late, and is looked at once in PARKED_US, or more seldom
where there are so many of them that this would take more than a quarter of all looks.
"""

from __future__ import annotations

from math import ceil

from app.model.states import IO, LOCK, SLEEP

from .tracks import Lane

MOST_LOOKS = 50_000  # in a second
LEAST_LOOKS = 10_000  # what an observer under strain is left with, before it samples more rarely
PARKED_US = 20_000

BLOCKED = frozenset((LOCK, IO, SLEEP))


class Turn:
    """A place in a list that changes little: who is next."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, lanes: list[Lane], most: int) -> list[Lane]:
        """The next of the lanes, `most` at the most."""
        if most >= len(lanes):
            return lanes
        first = self._next % len(lanes)
        self._next = first + most
        return lanes[first : first + most] + lanes[: max(0, first + most - len(lanes))]


class Turns:
    """Who is looked at in each sample."""

    def __init__(self) -> None:
        self.most = MOST_LOOKS // 1000  # in a sample
        self._at_work, self._blocked, self._parked = Turn(), Turn(), Turn()

    def of_active(self, lanes: list[Lane]) -> list[Lane]:
        """Of the lanes that have to be looked at, those for whom there is time."""
        if len(lanes) <= self.most:
            return lanes
        at_work = [lane for lane in lanes if lane.state not in BLOCKED]
        blocked = [lane for lane in lanes if lane.state in BLOCKED]
        first = self._at_work.take(at_work, max(ceil(self.most / 2), self.most - len(blocked)))
        return first + self._blocked.take(blocked, self.most - len(first))

    def of_parked(self, lanes: list[Lane], period_us: int) -> list[Lane]:
        """Those of the parked lanes whose turn it is."""
        return self._parked.take(lanes, min(ceil(self.most / 4), ceil(len(lanes) * period_us / PARKED_US)))
