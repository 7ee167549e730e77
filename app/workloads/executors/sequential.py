"""One worker after the other, in the main thread."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns

from app.workloads.context import Span
from app.workloads.job import Job, Outcome
from app.workloads.pickling import Pickling


class SequentialExecutor:
    """The main thread does the work of each worker in turn, each for an equal share of the time left."""

    name = "sequential"
    sentence = "One worker after the other in the main thread: the yardstick for all the others."
    min_python = (3, 9)

    def start(self, job: Job) -> SequentialCrew:
        """Nothing is created: the main thread is the worker."""
        return SequentialCrew(job)


class SequentialCrew:
    """The workers still to be done, one after the other."""

    pids: Sequence[int] = ()
    pickling: Pickling | None = None
    parked = 0

    def __init__(self, job: Job) -> None:
        self._job = job

    def finish(self, span: Span) -> list[Outcome]:
        """Do the work now."""
        outcomes = []
        for worker in range(self._job.setting.workers):
            now = monotonic_ns()
            share = Span(now, now + (span.deadline_ns - now) // (self._job.setting.workers - worker))
            role, name = self._job.setting.workload.role(worker)
            outcomes.append(self._job.perform(self._job.setting.workload.work, worker, role, name, share))
        return outcomes
