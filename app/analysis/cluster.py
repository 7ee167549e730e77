"""What workers of a cluster did: their tasks, by what these are called; what the cluster itself says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from app.model.frames import Cluster, Message
from app.model.summary import TaskRow, UnseenRow, WorkerRow
from app.model.tracks import own_figures, task_pieces, unseen_workers, worker_clocks

MOST_NAMES = 200  # of tasks, of one worker: the rest is told together
OTHERS = "(others)"


@dataclass
class _Sum:
    count: int = 0  # of those that are over
    length_us: int = 0
    held_us: int = 0
    longest_us: int = 0

    def add(self, count: int, length_us: int, held_us: int, longest_us: int) -> None:
        self.count += count
        self.length_us += length_us
        self.held_us += held_us
        self.longest_us = max(self.longest_us, longest_us)

    def state(self) -> list[int]:
        return [self.count, self.length_us, self.held_us, self.longest_us]


@dataclass
class _WorkerUse:
    tasks: dict[str, _Sum] = field(default_factory=dict)
    told_us: int = 0  # of what the cluster says
    contended_us: int | None = None  # None while it says nothing
    clock: tuple[int, str] | None = None  # by how much it may be off, and what it is set by

    def of(self, name: str) -> _Sum:
        if name not in self.tasks and len(self.tasks) >= MOST_NAMES:
            name = OTHERS
        return self.tasks.setdefault(name, _Sum())

    def set_clock(self, off_us: int, why: str) -> None:
        """Told again as it grows: for the whole of the run the most holds."""
        self.clock = (off_us if self.clock is None else max(off_us, self.clock[0])), why

    def tell(self, length_us: int, contended_us: int | None) -> None:
        if contended_us is not None:
            self.told_us += length_us
            self.contended_us = (self.contended_us or 0) + contended_us


class ClusterUse:
    """Of all workers of a run, by their pids. Of a run that is of no cluster it is empty."""

    def __init__(self) -> None:
        self._workers: dict[int, _WorkerUse] = {}
        self._unseen: dict[str, UnseenRow | None] = {}  # by what they are called; None: seen since

    def feed(self, message: Message, begin_us: int | None) -> None:
        """As PerProcess says."""
        if not isinstance(message, Cluster):
            return
        for piece in task_pieces(message):
            longest_us = piece.from_us + piece.length_us - piece.begun_us if piece.over else 0
            task = self._of(piece.pid).of(piece.name)
            task.add(int(piece.over), piece.length_us, piece.held_us, longest_us)
        for figure in own_figures(message):
            self._of(figure.pid).tell(figure.length_us, figure.contended_us)
        for clock in worker_clocks(message):
            self._of(clock.pid).set_clock(clock.off_us, clock.why)
            self._unseen[clock.worker] = None
        for worker in unseen_workers(message):
            self._unseen[worker.worker] = {
                "host": worker.host,
                "worker": worker.worker,
                "pid": worker.pid,
                "why": worker.why,
            }

    def begin(self, before: ClusterUse) -> None:
        """As PerProcess says: nothing of before is needed."""

    def state(self) -> list[Any]:
        """As PerProcess says."""
        return [
            [
                *(pid, each.told_us, each.contended_us, each.clock),
                [[name, *task.state()] for name, task in each.tasks.items()],
            ]
            for pid, each in self._workers.items()
        ] + [[None, name, row] for name, row in self._unseen.items()]

    def absorb(self, state: list[Any], begin_us: int) -> None:
        """As PerProcess says."""
        for pid, *rest in state:
            if pid is None:
                name, row = rest
                self._unseen[name] = row
                continue
            told_us, contended_us, clock, tasks = rest
            each = self._of(pid)
            each.tell(told_us, contended_us)
            if clock:
                each.set_clock(*clock)
            for name, *numbers in tasks:
                each.of(name).add(*numbers)

    def process_gone(self, pid: int, at_us: int) -> None:
        """As PerProcess says."""

    def forget(self, pids: Collection[int]) -> None:
        """As PerProcess says."""
        for pid in pids:
            self._workers.pop(pid, None)

    def workers(self) -> list[WorkerRow]:
        """What the cluster says of each worker, in the order in which they came."""
        return [
            {
                "pid": pid,
                "own_gil_share": None
                if each.contended_us is None or not each.told_us
                else each.contended_us / each.told_us,
                "clock_off_s": None if each.clock is None else each.clock[0] / 1e6,
                "clock": None if each.clock is None else each.clock[1],
            }
            for pid, each in self._workers.items()
        ]

    def unseen(self) -> list[UnseenRow]:
        """The workers that are not observed, by their names."""
        return [row for _, row in sorted(self._unseen.items()) if row is not None]

    def tasks(self, limit: int | None = None) -> list[TaskRow]:
        """What tasks each worker did, those first that held the GIL most, then those that took most time."""
        rows: list[TaskRow] = [
            {
                "pid": pid,
                "name": name,
                "count": task.count,
                "total_s": task.length_us / 1e6,
                "held_s": task.held_us / 1e6,
                "longest_s": task.longest_us / 1e6 if task.count else None,
            }
            for pid, each in self._workers.items()
            for name, task in each.tasks.items()
        ]
        rows.sort(key=lambda row: (-row["held_s"], -row["total_s"]))
        return rows[:limit]

    def _of(self, pid: int) -> _WorkerUse:
        return self._workers.setdefault(pid, _WorkerUse())
