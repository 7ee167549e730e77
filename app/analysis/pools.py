"""Pools of threads: how many of their threads were at work, and how many tasks waited for one.

A row is a PoolRow of app/model/summary.py. All of it is of the looks, which are taken at random instants:
`workers` were there at the most, at `full_share` of the looks all of them were busy, and `busy_share` of them
in the mean. `waiting` are the tasks that no worker had begun, null where that could not be read;
`threads`, `at_work` and `in_line` are of the newest look, at `at_s`, and in a summary `course` has these of
looks over the run, in about sixty rows.
`growth_per_s` is the slope of a straight line through these numbers. `begun_per_s` is how many tasks were
begun in a second, at least. `states` are what the busy workers did: shares that add up to 1, null where none
was busy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.analysis.course import Course
from app.model.frames import Pools
from app.model.states import STATES
from app.model.summary import CourseRows, PoolRow, PoolSummary, Waiting
from app.model.tracks import PoolLook, PoolName, pairs, pool_looks, pool_names

_MOST = 1_000  # pools that are kept; a program that makes one for each piece of work has no end of them
_ROWS = 100
COURSE = ("threads", "at_work", "in_line")
_DIGITS = 1_000  # numbers of tasks above are kept to three digits


class PoolUse:
    """One pool."""

    def __init__(self, name: PoolName) -> None:
        self.name = name
        self.workers = 0  # the most that there were at a look
        self.looks = self.full = self.begun = 0
        self._busy = self._workers = 0  # of all looks together
        self._from_us: int | None = None
        self._to_us = 0
        self._begun_before = 0  # tasks, as the first look tells: in a span, others came before it
        self._states: Counter[int] = Counter()
        self._waiting: Counter[int] = Counter()  # looks, by how many tasks waited
        self._most: int | None = None
        self.course = Course()
        self._newest: tuple[int, int, int | None] = 0, 0, None
        self._line = [0, 0, 0, 0, 0]  # n, and the sums of t, w, t * w, t * t of a straight line; t in ms

    def look(self, look: PoolLook) -> None:
        """Take a look."""
        self.workers = max(self.workers, look.workers)
        self.looks += 1
        self.full += look.busy == look.workers
        self._busy += look.busy
        self._workers += look.workers
        if self._from_us is None:
            self._from_us, self._begun_before = look.at_us, look.begun
        self.begun += look.begun
        self._to_us = look.at_us
        self._newest = look.workers, look.busy, look.waiting
        self.course.add((look.at_us, *self._newest))
        self._states.update(dict(pairs(look.states)))
        if look.waiting is not None:
            self._waiting[_rounded(look.waiting)] += 1
            self._most = max(self._most or 0, look.waiting)
            t, w = look.at_us // 1000, look.waiting
            self._line = [old + more for old, more in zip(self._line, (1, t, w, t * w, t * t), strict=True)]

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        span = [self._from_us, self._to_us, self._begun_before, self.workers]
        sums = [self.looks, self.full, self.begun, self._busy, self._workers]
        seen = [list(self._states.items()), list(self._waiting.items()), self._most, self._line]
        return [self.name, span, sums, seen, self.course.state()]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        _, (from_us, to_us, begun_before, workers), sums, (states, waiting, most, line), course = state
        if from_us is None:
            return  # it was named, and no look was taken
        if self._from_us is None:
            self._from_us, self._begun_before = from_us, begun_before
        self._to_us, self.workers = to_us, max(self.workers, workers)
        self.course.absorb(course)
        self._newest = course[-1][1], course[-1][2], course[-1][3]
        looks, full, begun, busy, all_workers = sums
        self.looks += looks
        self.full += full
        self.begun += begun
        self._busy += busy
        self._workers += all_workers
        if most is not None:
            self._most = max(self._most or 0, most)
        self._states.update(dict(states))
        self._waiting.update(dict(waiting))
        self._line = [old + more for old, more in zip(self._line, line, strict=True)]

    def to_json(self) -> PoolRow:
        """The row."""
        observed_s = (self._to_us - (self._from_us or 0)) / 1e6
        busy = sum(self._states.values())
        threads, at_work, in_line = self._newest
        return {
            "pool": self.name.pool,
            "at_s": self._to_us / 1e6,
            "threads": threads,
            "at_work": at_work,
            "in_line": in_line,
            "pid": self.name.pid,
            "name": self.name.name,
            "kind": self.name.kind,
            "workers": self.workers,
            "looks": self.looks,
            "observed_s": observed_s,
            "full_share": self.full / self.looks,
            "busy_share": self._busy / self._workers,
            "waiting": self._waited(),
            "begun_per_s": (self.begun - self._begun_before) / observed_s if observed_s else None,
            "states": {STATES[state]: count / busy for state, count in sorted(self._states.items())}
            if busy
            else None,
        }

    def _waited(self) -> Waiting:
        seen = self._waiting.total()
        if not seen:
            return {"p50": None, "max": None, "growth_per_s": None}
        up_to = 0
        for number in sorted(self._waiting):
            up_to += self._waiting[number]
            if 2 * up_to >= seen:
                break
        n, t, w, tw, tt = self._line
        spread = n * tt - t * t
        return {
            "p50": number,
            "max": self._most,
            "growth_per_s": 1000 * (n * tw - t * w) / spread if spread else None,
        }


class PoolUses:
    """All pools of a run."""

    def __init__(self) -> None:
        self._pools: dict[int, PoolUse] = {}

    def __iter__(self) -> Iterator[PoolUse]:
        return iter(self._pools.values())

    def feed(self, message: Pools, until_us: int | None) -> None:
        """Take a message. What lies after `until_us`, the end of the measured time, is left out."""
        for name in pool_names(message):
            self._know(name)
        for look in pool_looks(message):
            pool = self._pools.get(look.pool)
            if pool is not None and (until_us is None or look.at_us <= until_us):
                pool.look(look)

    def _know(self, name: PoolName) -> PoolUse | None:
        """The pool of that number, by the newest of its names; None where there are too many."""
        pool = self._pools.get(name.pool)
        if pool is not None:
            pool.name = name
        elif len(self._pools) < _MOST:
            pool = self._pools[name.pool] = PoolUse(name)
        return pool

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [pool.state() for pool in self]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        for told in state:
            pool = self._know(PoolName._make(told[0]))
            if pool is not None:
                pool.absorb(told)

    def rows(self) -> list[PoolRow]:
        """The rows, the pool first whose threads were all busy for most of the time."""
        rows = [pool.to_json() for pool in sorted(self, key=lambda pool: pool.name) if pool.looks]
        rows.sort(key=lambda row: (-row["full_share"], -(row["waiting"]["p50"] or 0), -row["looks"]))
        return rows[:_ROWS]

    def summary_rows(self) -> list[PoolSummary]:
        """The same, each with its course."""
        return [{**row, "course": self._course(self._pools[row["pool"]])} for row in self.rows()]

    def courses(self) -> list[dict[str, Any]]:
        """Of a header: {"pid": the pool's number, "names", "rows"} of each pool that has a row."""
        return [{"pid": row["pool"], **self._course(self._pools[row["pool"]])} for row in self.rows()]

    def _course(self, pool: PoolUse) -> CourseRows:
        return pool.course.to_json(("at_us", *COURSE))


def _rounded(number: int) -> int:
    """To three digits, so that there are not too many of them."""
    step = 1
    while number >= _DIGITS * step:
        step *= 10
    return number // step * step
