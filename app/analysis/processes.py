"""What each process of the target's tree is, and what it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.analysis.threads import NAMED_US
from app.analysis.totals import Totals
from app.model.frames import Process

KEPT_PROCESSES = 500  # of those that have gone; a pool that forks for each task starts thousands

_CPU, _MINOR_FAULTS, _MAJOR_FAULTS = range(3)


class ProcessUse:
    """One process: the newest message of it, None before the first, and what it used. Sizes in bytes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.message: Process | None = None
        self.rss: int | None = None
        self.peak_rss: int | None = None
        self.uss: int | None = None
        self.pss: int | None = None
        self.totals = Totals(3)

    def read(self, values: Sequence[int | None]) -> None:
        """Take its row of a counters message. A size that was not read this time keeps its last value."""
        cpu_us, rss, peak_rss, minor_faults, major_faults, uss, pss = values
        self.totals.read((cpu_us, minor_faults, major_faults))
        self.rss = self.rss if rss is None else rss
        self.peak_rss = self.peak_rss if peak_rss is None else peak_rss
        self.uss = self.uss if uss is None else uss
        self.pss = self.pss if pss is None else pss

    @property
    def gone(self) -> bool:
        """It has ended."""
        return self.message is not None and self.message.gone

    @property
    def cpu_us(self) -> int:
        """CPU time used in the measured time."""
        return self.totals.moved(_CPU) or 0

    def memory_row(self) -> dict[str, Any]:
        """The process's row under `memory` in a summary."""
        return {
            "pid": self.pid,
            "rss": self.rss,
            "uss": self.uss,
            "pss": self.pss,
            "peak_rss": self.peak_rss,
            "minor_faults": self.totals.moved(_MINOR_FAULTS),
            "major_faults": self.totals.moved(_MAJOR_FAULTS),
        }


class Processes:
    """The target's tree, in the order in which its processes were first seen."""

    def __init__(self) -> None:
        self._processes: dict[int, ProcessUse] = {}
        self._forget_at = 2 * KEPT_PROCESSES

    def __iter__(self) -> Iterator[ProcessUse]:
        return iter(self._processes.values())

    def note(self, message: Process) -> set[int]:
        """Take a process message; the pids that were forgotten to make room for it."""
        process = self._of(message.pid)
        if process.gone and not message.gone:  # the kernel gave the pid away again
            process = self._processes[message.pid] = ProcessUse(message.pid)
        process.message = message
        return self._forget(message.at_us) if message.gone else set()

    def rebase(self) -> None:
        """Count all running totals from their newest reading on."""
        for process in self:
            process.totals.rebase()

    def read(self, rows: Iterable[Sequence[int | None]]) -> None:
        """Take the rows of a counters message; a process that is no CPython (yet) may have nothing else."""
        for pid, *values in rows:
            assert pid is not None
            self._of(pid).read(values)

    def messages(self) -> list[Process]:
        """The newest message of each process."""
        return [process.message for process in self if process.message]

    def root(self) -> Process | None:
        """The process at which the tree begins; a workload's workers may be told of before it."""
        messages = self.messages()
        return next((message for message in messages if message.parent is None), next(iter(messages), None))

    def target(self) -> Process | None:
        """The root where it runs a CPython; else the first process that does; else the root."""
        root = self.root()
        return next((message for message in (root, *self.messages()) if message and message.python), root)

    def live_rows(self, cpu_shares: dict[int, float | None]) -> list[dict[str, Any]]:
        """A row for each process that is there."""
        return [
            {
                "python": process.message.python if process.message else None,
                "cpu_share": cpu_shares.get(process.pid),
                **process.memory_row(),
            }
            for process in self
            if not process.gone
        ]

    def _of(self, pid: int) -> ProcessUse:
        if pid not in self._processes:
            self._processes[pid] = ProcessUse(pid)
        return self._processes[pid]

    def _forget(self, at_us: int) -> set[int]:
        """Forget the least busy of those that went long ago, once for every KEPT_PROCESSES that came."""
        if len(self._processes) <= self._forget_at:
            return set()
        target = self.target()
        gone = [
            process
            for process in self
            if (message := process.message)
            and message.gone
            and message is not target
            and at_us - message.at_us > NAMED_US
        ]
        gone.sort(key=lambda process: process.cpu_us)
        pids = {process.pid for process in gone[:-KEPT_PROCESSES]}
        for pid in pids:
            del self._processes[pid]
        self._forget_at = len(self._processes) + KEPT_PROCESSES
        return pids
