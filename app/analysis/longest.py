"""The longest waits and the longest holds of a run, each with what the threads were executing.

A row is a StretchRow of app/model/summary.py. `function` and `line` are where the thread stood: in a wait as
it was seen waiting, in a hold the function and the line seen most. `blamed` is the thread that held the lock
longest during the wait, with the function in which it was seen most; a hold has none. What no look fell into
is null. `at_least` says that it is next to time which was not seen: it was seen for `length_s`, and may have
lasted longer.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from app.analysis.functions import Functions, Place
from app.analysis.looks import LookLog
from app.analysis.thread import Thread
from app.model.summary import StretchRow

KEPT = 10


def _place(place: list[int] | None) -> Place | None:
    return None if place is None else Place(*place)


@dataclass(slots=True)
class Hold:
    """A time in which a thread held a lock. It keeps the thread, whose row may be forgotten."""

    start_us: int
    length_us: int
    thread: Thread
    gil: int | None
    at_least: bool = False
    place: Place | None = None
    settled: bool = False  # no look that is to come can fall into it

    @property
    def end_us(self) -> int:
        """When it was over, or was last seen to go on."""
        return self.start_us + self.length_us

    @property
    def rank(self) -> tuple[int, int, int]:
        """Lower is longer; of equals, earlier."""
        return -self.length_us, self.start_us, self.thread.lane

    def explain(self, log: LookLog) -> None:
        """Find what was executed in it, as far as the looks tell that came so far."""
        if not self.settled:
            self.look_up(log)
            self.settled = log.newest_us(self.gil) > self.end_us

    def look_up(self, log: LookLog) -> None:
        """Find it now."""
        self.place = log.held_at(self.gil, self.thread.lane, self.start_us, self.end_us)

    def to_json(self, functions: Functions) -> StretchRow:
        """The row."""
        function = functions[self.place.function] if self.place else None
        return {
            "at_s": self.start_us / 1e6,
            "length_s": self.length_us / 1e6,
            "at_least": self.at_least,
            "pid": self.thread.pid,
            "tid": self.thread.tid,
            "name": self.thread.name,
            "function": function.name if function else None,
            "file": function.file if function else None,
            "line": self.place.line if self.place else None,
            "blamed": None,
        }

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [self.start_us, self.length_us, self.thread.lane, self.gil, self.at_least, self.place]

    @classmethod
    def of_state(cls, state: list[Any], of_lane: Callable[[int], Thread]) -> Hold:
        """The same, read; no look that is to come falls into it."""
        start_us, length_us, lane, gil, at_least, place = state
        return Hold(start_us, length_us, of_lane(lane), gil, at_least, _place(place), settled=True)


@dataclass(slots=True)
class Wait(Hold):
    """A time in which a thread waited for a lock."""

    blamed: Thread | None = None
    blamed_place: Place | None = None

    def look_up(self, log: LookLog) -> None:
        """Find where the waiter stood, and what the thread to blame was at."""
        self.place = log.waited_at(self.gil, self.thread.lane, self.start_us, self.end_us)
        if self.blamed:
            self.blamed_place = log.held_at(self.gil, self.blamed.lane, self.start_us, self.end_us)

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [*Hold.state(self), self.blamed and self.blamed.lane, self.blamed_place]

    @classmethod
    def of_state(cls, state: list[Any], of_lane: Callable[[int], Thread]) -> Wait:
        """The same, read."""
        start_us, length_us, lane, gil, at_least, place, blamed, blamed_place = state
        wait = cls(start_us, length_us, of_lane(lane), gil, at_least, _place(place), settled=True)
        wait.blamed = None if blamed is None else of_lane(blamed)
        wait.blamed_place = _place(blamed_place)
        return wait

    def to_json(self, functions: Functions) -> StretchRow:
        """The row, with who is to blame."""
        row = Hold.to_json(self, functions)
        if self.blamed:
            place = self.blamed_place
            row["blamed"] = {
                "tid": self.blamed.tid,
                "name": self.blamed.name,
                "function": functions[place.function].name if place else None,
            }
        return row


class Longest:
    """The KEPT longest of those that are over. What is to be among them ranks no higher than `bar`."""

    def __init__(self) -> None:
        self.bar = (0, 0, 0)
        self._kept: list[Hold] = []

    def offer(self, stretch: Hold) -> None:
        """Keep it if it is among the longest."""
        insort(self._kept, stretch, key=lambda kept: kept.rank)
        del self._kept[KEPT:]
        if len(self._kept) == KEPT:
            self.bar = self._kept[-1].rank

    def explain(self, log: LookLog) -> None:
        """Find what was executed in those that came since."""
        for stretch in self._kept:
            stretch.explain(log)

    def state(self) -> list[list[Any]]:
        """All of it, to be stored."""
        return [stretch.state() for stretch in self._kept]

    def absorb(self, stretches: Iterable[Hold]) -> None:
        """Keep those of another piece that are among the longest of both."""
        for stretch in stretches:
            if stretch.rank < self.bar:
                self.offer(stretch)

    def rows(self, still: Iterable[Hold], log: LookLog, functions: Functions) -> list[StretchRow]:
        """The longest, longest first. One that still goes on counts with its length so far."""
        longest = sorted([*self._kept, *still], key=lambda stretch: stretch.rank)[:KEPT]
        for stretch in longest:
            stretch.explain(log)
        return [stretch.to_json(functions) for stretch in longest]
