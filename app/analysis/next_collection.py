"""When a collector is to run next, and on which generation: CPython's own rules, at the pace so far.

The count towards the next collection is of objects made less those freed since the last, and a collection
comes when it passes the threshold. The pace is that of the last ten seconds. With the GIL a collection is of
the oldest generation whose count has passed its threshold, but of the oldest of all only where a quarter as
many objects wait for it as survived the last. Without the GIL there is one generation, and the count must
reach a quarter of the survivors as well; from 3.14 on a collection is also put off while RSS hardly grows, so
that it comes then at the earliest. CPython 3.14.0 to 3.14.4 collect in increments, of no one generation.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from app.model.summary import NextCollection
from app.model.tracks import CollectorCounts

PACE_US = 10_000_000
_QUARTER = 4
_INCREMENTAL = tuple(f"3.14.{patch}" for patch in range(5))


class _Step(NamedTuple):
    """What the count did from one reading to the next."""

    at_us: int
    length_us: int
    counted: int


class NextCollections:
    """Of one collector."""

    def __init__(self) -> None:
        self._newest: CollectorCounts | None = None
        self._first: tuple[int, CollectorCounts] | None = None
        self._at_us = 0
        self._steps: deque[_Step] = deque()

    def read(self, at_us: int, told: CollectorCounts) -> None:
        """Take its row of a message."""
        before, self._newest = self._newest, told
        self._first = self._first or (at_us, told)
        length_us, self._at_us = at_us - self._at_us, at_us
        if before is None or _asked_for(before, told):
            return
        ran = sum(told.collections) - sum(before.collections)
        counted = told.counts[0] - before.counts[0]
        if ran > 0:
            # Each began when the count had passed the threshold, and set it back to nothing.
            counted += max(before.counts[0], ran * (before.thresholds[0] + 1))
        self._steps.append(_Step(at_us, length_us, counted))
        self._let_go()

    def state(self) -> list[Any] | None:
        """All of it, to be stored; None where nothing was read."""
        if self._first is None or self._newest is None:
            return None
        steps = [list(column) for column in zip(*self._steps, strict=True)]
        return [self._first, [self._at_us, self._newest], steps]

    def absorb(self, state: list[Any] | None) -> None:
        """Go on with the piece that follows (pieces.py)."""
        if state is None:
            return
        (first_us, first), (at_us, newest), steps = state
        self.read(first_us, CollectorCounts(*first))
        self._newest, self._at_us = CollectorCounts(*newest), at_us
        self._steps.extend(map(_Step._make, zip(*steps, strict=True)))
        self._let_go()

    def _let_go(self) -> None:
        while self._steps and self._steps[0].at_us < self._at_us - PACE_US:
            self._steps.popleft()

    def at(self, at_us: int, python: str | None, free_threaded: bool) -> NextCollection | None:
        """What is foretold at an instant; None while it is switched off, or the count does not rise."""
        told = self._newest
        if told is None or not told.enabled or not told.thresholds[0] or not self._steps:
            return None
        length_us = sum(step.length_us for step in self._steps) + max(0, at_us - self._at_us)
        pace = sum(step.counted for step in self._steps) / length_us * 1e6 if length_us else 0
        if pace <= 0:
            return None
        threshold = told.thresholds[0]
        if free_threaded and told.long_lived and told.thresholds[1]:
            threshold = max(threshold, told.long_lived[0] // _QUARTER)
        due_us = self._at_us + (threshold + 1 - told.counts[0]) / pace * 1e6
        incremental = python in _INCREMENTAL
        return {
            "in_s": max(0.0, due_us - at_us) / 1e6,
            "generation": None if incremental or free_threaded else _generation(told),
            "count": told.counts[0],
            "threshold": threshold,
            "objects_per_s": pace,
            "at_least": free_threaded,
        }


def _asked_for(before: CollectorCounts, now: CollectorCounts) -> bool:
    """Whether the program itself called gc.collect(): the counts had not passed their thresholds."""
    return now.collections[2] > before.collections[2] and before.counts[2] <= before.thresholds[2]


def _generation(told: CollectorCounts) -> int | None:
    """The generation that is collected next; None where it cannot be told."""
    if told.counts[2] > told.thresholds[2]:
        if told.long_lived is None:
            return None
        total, pending = told.long_lived
        if pending >= total // _QUARTER:
            return 2
    return 1 if told.counts[1] > told.thresholds[1] else 0
