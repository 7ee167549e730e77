"""A small simulation of what was observed: threads, a GIL, and who let whom go on.

Each thread repeats its record as a list of steps:

    hold     it wants the GIL, and needs it for so long
    free     it needs so much time without it: C code, or blocked on what lies outside
    until    it waits until another thread has come as far in its record as that had when it let this one go
             on: a lock, a queue, an event

Waits for the GIL are not replayed but come about anew. A holder keeps the lock until its hold is over, or,
as CPython does, until another has waited for one switch interval; a hold that outlasted two of those while
others waited was C code, which does not let go. Who waits longest is next. CPUs are taken to be there: C code
takes as long as it did.

The record goes round and round until the time of the original is over; how far each thread has come by then,
in units of the record, is its throughput.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

HOLD, FREE, UNTIL = range(3)


class ReplayStep(NamedTuple):
    """A piece of a record, in microseconds."""

    kind: int
    record_us: int  # its length in the record, the waits for the GIL before it included
    need_us: float  # what is needed of the lock, or of time
    lets_go: bool = True  # a holder that is asked lets go
    on: int = -1  # of `until`: the thread that is waited for
    at_us: int = 0  # and how far it had come in its record
    function: int | None = None  # to blame for a hold, or for C code


@dataclass(slots=True)
class _Replayed:
    """A thread of the replay."""

    steps: Sequence[ReplayStep]
    gil: int | None
    place: int = 0
    lap: int = 0
    done_us: float = 0.0  # of its record, laps included, up to the step in hand
    left_us: float = 0.0  # of that step
    since_us: float = 0.0  # when that was so, where it runs
    runs: bool = False
    version: int = 0  # of its event in the queue; an older one is void


@dataclass(slots=True)
class _Lock:
    holder: int | None = None
    taken_us: float = 0.0
    waiting: deque[tuple[float, int]] = field(default_factory=deque)


_STEP_OVER, _ASKED = range(2)


class LockReplay:
    """One replay; ask it once."""

    def __init__(
        self,
        steps: Mapping[int, Sequence[ReplayStep]],
        gils: Mapping[int, int | None],
        length_us: int,
        interval_us: int,
    ) -> None:
        """The steps of each thread add up to `length_us` in the record; `gils` say which lock it takes."""
        self._length_us, self._interval_us = length_us, interval_us
        self._threads = {lane: _Replayed(each, gils[lane]) for lane, each in steps.items() if each}
        self._locks = {gil: _Lock() for gil in gils.values() if gil is not None}
        self._events: list[tuple[float, int, int, int, int]] = []  # at, number, what, lane or lock, version
        self._number = 0
        self._until: dict[int, list[tuple[float, int]]] = {}  # lane: who waits for it to have come so far
        self._now_us = 0.0

    def progress(self) -> dict[int, float]:
        """How far each thread comes in the time of the record: 1 is as far as it came then."""
        for lane in self._threads:
            self._begin(lane)
        while self._events:
            at_us, _, what, which, version = heappop(self._events)
            if at_us > self._length_us:
                break
            self._now_us = at_us
            if what == _STEP_OVER:
                if self._threads[which].version == version:
                    self._end(which)
            else:
                self._ask(which)
        return {lane: self._come(thread) / self._length_us for lane, thread in self._threads.items()}

    def _come(self, thread: _Replayed) -> float:
        step = thread.steps[thread.place]
        left_us = thread.left_us - (self._length_us - thread.since_us if thread.runs else 0.0)
        part = 1.0 - max(0.0, left_us) / step.need_us if step.need_us > 0 else 0.0
        return thread.done_us + step.record_us * (part if step.kind != UNTIL else 0.0)

    def _begin(self, lane: int) -> None:
        """Begin the step in hand."""
        thread = self._threads[lane]
        step = thread.steps[thread.place]
        thread.left_us = step.need_us
        if step.kind == HOLD and thread.gil is not None:
            lock = self._locks[thread.gil]
            if lock.holder == lane:
                self._run(lane)
            elif lock.holder is None and not lock.waiting:
                self._take(lock, lane)
            else:
                self._wait(thread.gil, lane)
        elif step.kind == UNTIL:
            whom = self._threads.get(step.on)
            goal_us = thread.lap * self._length_us + step.at_us
            if whom is None or whom.done_us >= goal_us:
                self._schedule(self._now_us, _STEP_OVER, lane, self._next_version(lane))
            else:
                self._until.setdefault(step.on, []).append((goal_us, lane))
        else:
            self._run(lane)

    def _run(self, lane: int) -> None:
        thread = self._threads[lane]
        thread.runs, thread.since_us = True, self._now_us
        self._schedule(self._now_us + thread.left_us, _STEP_OVER, lane, self._next_version(lane))

    def _end(self, lane: int) -> None:
        """The step is over: go on to the next, and let go of the lock where that does not need it."""
        thread = self._threads[lane]
        step = thread.steps[thread.place]
        thread.runs = False
        thread.left_us = 0.0
        thread.done_us += step.record_us
        thread.place += 1
        if thread.place == len(thread.steps):
            thread.place = 0
            thread.lap += 1
            thread.done_us = float(thread.lap * self._length_us)
        self._wake(lane)
        lock = self._locks[thread.gil] if thread.gil is not None else None
        if lock is not None and lock.holder == lane:
            if thread.steps[thread.place].kind != HOLD:
                self._let_go(lock)
            elif self._is_asked(lock) and step.lets_go:
                thread.left_us = thread.steps[thread.place].need_us
                self._give_way(lock, thread.gil, lane)
                return
        self._begin(lane)

    def _wake(self, lane: int) -> None:
        waiting = self._until.get(lane)
        if not waiting:
            return
        done_us = self._threads[lane].done_us
        ready = [who for goal_us, who in waiting if goal_us <= done_us]
        if ready:
            self._until[lane] = [each for each in waiting if each[0] > done_us]
            for who in ready:
                self._schedule(self._now_us, _STEP_OVER, who, self._next_version(who))

    def _take(self, lock: _Lock, lane: int) -> None:
        lock.holder, lock.taken_us = lane, self._now_us
        if lock.waiting:
            self._schedule_ask(lock, lock.waiting[0][0])
        self._run(lane)

    def _let_go(self, lock: _Lock) -> None:
        lock.holder = None
        if lock.waiting:
            _, lane = lock.waiting.popleft()
            self._take(lock, lane)

    def _wait(self, gil: int | None, lane: int) -> None:
        assert gil is not None
        lock = self._locks[gil]
        lock.waiting.append((self._now_us, lane))
        if lock.holder is None:
            self._let_go(lock)
        elif len(lock.waiting) == 1:
            self._schedule_ask(lock, self._now_us)

    def _schedule_ask(self, lock: _Lock, since_us: float) -> None:
        gil = next(gil for gil, each in self._locks.items() if each is lock)
        self._schedule(max(since_us, lock.taken_us) + self._interval_us, _ASKED, gil, 0)

    def _is_asked(self, lock: _Lock) -> bool:
        """Whether somebody has waited for an interval, in which the lock was not passed on."""
        if not lock.waiting:
            return False
        return self._now_us - max(lock.waiting[0][0], lock.taken_us) >= self._interval_us - 1e-6

    def _ask(self, gil: int) -> None:
        """A waiter's interval is over: the holder lets go, unless it is in C code or was not asked."""
        lock = self._locks[gil]
        if lock.holder is None or not self._is_asked(lock):
            return
        lane = lock.holder
        thread = self._threads[lane]
        if not thread.steps[thread.place].lets_go:
            return
        thread.left_us = max(0.0, thread.left_us - (self._now_us - thread.since_us))
        thread.runs = False
        self._next_version(lane)
        self._give_way(lock, gil, lane)

    def _give_way(self, lock: _Lock, gil: int | None, lane: int) -> None:
        """The holder goes to the end of the queue with what is left of its hold."""
        lock.waiting.append((self._now_us, lane))
        self._let_go(lock)

    def _next_version(self, lane: int) -> int:
        self._threads[lane].version += 1
        return self._threads[lane].version

    def _schedule(self, at_us: float, what: int, which: int, version: int) -> None:
        self._number += 1
        heappush(self._events, (at_us, self._number, what, which, version))
