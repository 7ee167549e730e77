"""The messages of one observer, as those of one of many: with the pids, lanes and names of the run.

A pid stays what it is where no other machine has used it, else the worker's number stands before it. Lanes,
GILs, functions and stacks are numbered anew; what several workers call by the same name is named once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar, cast

from app.model.frames import (
    Blocked,
    Collector,
    Counters,
    Event,
    Frame,
    Loops,
    Memory,
    Message,
    Names,
    Pools,
    Process,
    Stacks,
)
from app.model.pids import BEYOND

Rows = list[list[Any]]
T = TypeVar("T", bound=Message)


class Numbers:
    """What the run has numbered so far, of all observers."""

    def __init__(self) -> None:
        self.lanes = 0
        self.gils = 0
        self.functions: dict[tuple[Any, ...], int] = {}
        self.stacks: dict[tuple[int, ...], int] = {}
        self.locks: set[int] = set()
        self._pids: dict[int, int] = {}  # pid: the place of the observer that has it

    def pid(self, place: int, pid: int) -> int:
        """A pid of the observer at that place, counted from 1."""
        owner = self._pids.setdefault(pid, place)
        return pid if owner == place else place * BEYOND + pid


class Renamed:
    """One observer's names, and what they are in the run. `shift` makes its instants the run's.

    What was told before the run began tells how things stood then.
    """

    def __init__(
        self,
        place: int,
        numbers: Numbers,
        host: str,
        worker: str,
        shift: Callable[[int], int],
        first_there: bool = True,
    ) -> None:
        self.place, self.host, self.worker = place, host, worker
        self._first_there = first_there  # of the observers on its machine
        self.lanes: dict[int, int] = {}
        self.gils: dict[int, int] = {}
        self._numbers = numbers
        self.shift = shift
        self._functions: dict[int, int] = {}
        self._stacks: dict[int, int] = {}

    def pid(self, pid: int) -> int:
        """What a process of its is in the run."""
        return self._numbers.pid(self.place, pid)

    def lane(self, lane: int) -> int:
        """What a lane of its is; what stands for none is the same in all."""
        return self.lanes[lane] if lane >= 0 else lane

    def message(self, message: Message) -> Message:
        """It as it stands in the run; of frames, counters and the end see joining.py."""
        match message:
            case Process():
                parent = None if message.parent is None else self.pid(message.parent)
                told = replace(message, parent=parent, host=self.host, worker=self.worker)
                return self._at(replace(told, pid=self.pid(message.pid)))
            case Names():
                return self._names(message)
            case Stacks():
                return Stacks([self._look(row) for row in _lists(message.looks)])
            case Blocked():
                return Blocked([self._blocked(row) for row in _lists(message.rows)])
            case Loops():
                return self._loops(message)
            case Pools():
                return self._pools(message)
            case Collector():
                return self._collector(message)
            case Memory() if not self._first_there:  # what no process maps is the machine's: one tells of it
                return self._at(replace(message, pid=self.pid(message.pid), unmapped=None))
            case Event():
                return self._at(replace(message, pid=self.pid(message.pid)))
        rest = cast(Any, message)
        other: Message = self._at(replace(rest, pid=self.pid(rest.pid)))
        return other

    def frame(self, message: Frame) -> Frame:
        """With the run's numbers and instants; lanes and GILs that were never named are left out."""
        gils = [
            [self.gils[gil], switches, self._track(track)]
            for gil, switches, track in _lists(message.gils)
            if gil in self.gils
        ]
        lanes = [[self.lanes[lane], track] for lane, track in _lists(message.lanes) if lane in self.lanes]
        start_us, end_us = self.shift(message.start_us), self.shift(message.end_us)
        return replace(message, start_us=start_us, end_us=end_us, gils=gils, lanes=lanes)

    def counters(self, message: Counters) -> Counters:
        """The same of totals."""
        processes = [[self.pid(pid), *rest] for pid, *rest in _lists(message.processes)]
        threads = [[self.lanes[lane], *rest] for lane, *rest in _lists(message.threads) if lane in self.lanes]
        return self._at(replace(message, processes=processes, threads=threads))

    def _at(self, message: T) -> T:
        told: T = replace(cast(Any, message), at_us=max(0, self.shift(cast(Any, message).at_us)))
        return told

    def _track(self, track: list[int]) -> list[int]:
        """A GIL's: every third number is a holder."""
        own = [*track]
        own[::3] = [self.lane(holder) for holder in track[::3]]
        return own

    def _names(self, message: Names) -> Names:
        numbers = self._numbers
        for lane, *_ in _lists(message.threads):
            if lane not in self.lanes:
                self.lanes[lane] = numbers.lanes
                numbers.lanes += 1
        for gil, *_ in _lists(message.gils):
            if gil not in self.gils:
                self.gils[gil] = numbers.gils
                numbers.gils += 1
        functions = self._new(message.functions, self._functions, numbers.functions)
        stacks = self._new(
            [[stack, *self._frames(frames)] for stack, frames in _lists(message.stacks)],
            *(self._stacks, numbers.stacks),
        )
        locks = {self._stacks[stack] for stack in message.locks} - numbers.locks
        numbers.locks |= locks
        return Names(
            max(0, self.shift(message.at_us)),
            [[self.lanes[lane], self.pid(pid), *rest] for lane, pid, *rest in _lists(message.threads)],
            [[self.gils[gil], self.pid(pid), *rest] for gil, pid, *rest in _lists(message.gils)],
            [self.lanes[lane] for lane in message.gone if lane in self.lanes],
            [[index, *row] for index, row in functions],
            [[index, [*row]] for index, row in stacks],
            sorted(locks),
        )

    def _frames(self, frames: list[int]) -> Iterable[int]:
        """Function and line in turn."""
        return (self._functions[each] if at % 2 == 0 else each for at, each in enumerate(frames))

    @staticmethod
    def _new(
        rows: Iterable[Any], own: dict[int, int], known: dict[tuple[Any, ...], int]
    ) -> list[tuple[int, Any]]:
        """Number what is named; of that what nobody named before."""
        new = []
        for index, *row in rows:
            key = tuple(row)
            if key not in known:
                known[key] = len(known)
                new.append((known[key], key))
            own[index] = known[key]
        return new

    def _stack(self, stack: int | None) -> int | None:
        return None if stack is None else self._stacks[stack]

    def _look(self, row: list[Any]) -> list[Any]:
        at_us, gil, holder, holder_stack, waiter, waiter_stack, waiters = row
        return [
            *(self.shift(at_us), None if gil is None else self.gils[gil]),
            *(self.lane(holder), self._stack(holder_stack), self.lane(waiter), self._stack(waiter_stack)),
            waiters,
        ]

    def _blocked(self, row: list[Any]) -> list[Any]:
        at_us, lane, state, since_us, stack, task = row
        return [
            *(self.shift(at_us), self.lane(lane), state, self.shift(since_us), self._stack(stack)),
            task,
        ]

    def _loops(self, message: Loops) -> Loops:
        steps = [
            [self.lane(lane), self.shift(start_us), *rest, self._of_step(stacks)]
            for lane, start_us, *rest, stacks in _lists(message.steps)
        ]
        loops = [[self.lane(lane), *rest] for lane, *rest in _lists(message.loops)]
        lags = [[self.lane(lane), *rest] for lane, *rest in _lists(message.lags)]
        return Loops(self.shift(message.at_us), loops, lags, steps)

    def _of_step(self, stacks: list[int]) -> list[Any]:
        return [self._stack(each) if at % 2 == 0 else each for at, each in enumerate(stacks)]

    def _pools(self, message: Pools) -> Pools:
        """A pool is called by its first worker's lane."""
        pools = [[self.lane(pool), self.pid(pid), *rest] for pool, pid, *rest in _lists(message.pools)]
        looks = [[self.shift(at_us), self.lane(pool), *rest] for at_us, pool, *rest in _lists(message.looks)]
        return Pools(self.shift(message.at_us), pools, looks)

    def _collector(self, message: Collector) -> Collector:
        rows = [[self.pid(pid), *rest] for pid, *rest in _lists(message.rows)]
        pauses = [
            [self.pid(pid), interpreter, self.shift(start_us), *rest]
            for pid, interpreter, start_us, *rest in _lists(message.pauses)
        ]
        moved = []
        for pid, interpreter, start_us, *rest, before_us, before, after_us, after in _lists(message.moved):
            ends = [self.shift(before_us), before, self.shift(after_us), after]
            moved.append([self.pid(pid), interpreter, self.shift(start_us), *rest, *ends])
        return Collector(max(0, self.shift(message.at_us)), rows, pauses, moved)


def _lists(rows: Any) -> Rows:
    """Rows as they came: of what kinds their columns are, frames.py says."""
    return cast(Rows, rows)
