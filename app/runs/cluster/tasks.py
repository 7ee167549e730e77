"""What tasks a worker's threads did, and how long they held the GIL meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.model.states import RUNNING, STALLED
from app.model.tracks import lane_pieces

# One that goes on is told of in each batch: after so long it is over, and nobody said so.
_LOST_US = 1_000_000


@dataclass
class _Task:
    tid: int
    key: str
    name: str
    begun_us: int
    ended_us: int | None
    seen_us: int
    told_us: int | None = None  # up to when it was told of
    since_us: int = 0  # from when on is what was gathered since
    length_us: int = 0
    held_us: int = 0


@dataclass
class WorkerTasks:
    """Of one worker. Instants are the run's."""

    _tasks: list[_Task] = field(default_factory=list)
    # Up to when each thread's time was given to a task. That one is over is told by the worker's loop, which
    # may be late: its thread does the next one by then, and does one at a time.
    _given_us: dict[int, int] = field(default_factory=dict)

    def take(self, rows: Iterable[list[Any]], now_us: int) -> None:
        """Take what a batch tells: [thread id, key, name, begun_us, ended_us or None]."""
        going_on = {(each.tid, each.key): each for each in self._tasks if each.ended_us is None}
        for tid, key, name, begun_us, ended_us in rows:
            if tid is None:
                continue  # its thread had ended before it was asked for
            task = going_on.get((tid, key))
            if task is None:
                self._tasks.append(_Task(tid, key, name, begun_us, ended_us, now_us))
                continue
            task.seen_us, task.ended_us = now_us, ended_us
            if task.told_us is None:
                task.begun_us = begun_us
        for task in self._tasks:
            if task.ended_us is None and now_us - task.seen_us > _LOST_US:
                task.ended_us = task.seen_us

    def move(self, by_us: int) -> None:
        """The run's clock begins so much later."""
        for task in self._tasks:
            task.begun_us -= by_us
            task.seen_us -= by_us
            task.ended_us = None if task.ended_us is None else task.ended_us - by_us

    def see(self, start_us: int, end_us: int, tracks: dict[int, tuple[int, int, list[int]]]) -> None:
        """Take a slice of time: (lane, start_us, track) of each thread by its id."""
        for task in sorted(self._tasks, key=lambda task: task.begun_us):
            begin_us = max(start_us, task.begun_us, self._given_us.get(task.tid, 0))
            until_us = end_us if task.ended_us is None else min(end_us, task.ended_us)
            if until_us <= begin_us or task.tid not in tracks:
                continue
            _, at_us, track = tracks[task.tid]
            if task.length_us == 0:
                task.since_us = begin_us
            self._given_us[task.tid] = until_us
            task.length_us += until_us - begin_us
            for state, length_us in lane_pieces(track):
                if state in (RUNNING, STALLED):
                    task.held_us += max(0, min(until_us, at_us + length_us) - max(begin_us, at_us))
                at_us += length_us

    def rows(self, end_us: int, pid: int, lanes: dict[int, int], every: bool) -> Iterator[list[Any]]:
        """Rows of a cluster message, up to then: of tasks that are over, and of `every` other."""
        for task in [*self._tasks]:
            over = task.ended_us is not None and task.ended_us <= end_us
            if over:
                self._tasks.remove(task)
            if not (over or every) or task.tid not in lanes:
                continue
            if not task.length_us and (task.told_us is None or not over):
                continue  # it was over before anything was seen of its thread, or nothing more was seen
            since_us = task.since_us if task.length_us else task.told_us
            yield [
                *(pid, lanes[task.tid], task.begun_us, since_us, task.length_us, task.held_us, over),
                *(task.key, task.name),
            ]
            task.told_us = end_us
            task.length_us = task.held_us = 0
