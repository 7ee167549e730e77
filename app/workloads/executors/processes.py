"""One child process for each worker."""

from __future__ import annotations

from app.workloads.children import Child, finish_all, stop_signals_held
from app.workloads.context import Span
from app.workloads.job import Job, Outcome
from app.workloads.pickling import Pickling


class ProcessExecutor:
    """Child processes, each with an interpreter and a GIL of its own."""

    name = "processes"
    sentence = "Child processes: each has a GIL and a memory of its own, and what they share is sent."
    min_python = (3, 9)

    def start(self, job: Job) -> ProcessCrew:
        """Start the children, and wait until each is about to park."""
        return ProcessCrew(job)


class ProcessCrew:
    """Child processes, parked or at work."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._children = []
        method = str(job.setting.params["start_method"])
        with stop_signals_held(method):
            for worker in range(job.setting.workers):
                role, name = job.setting.workload.role(worker)
                self._children.append(Child(job, job.setting.workload.work, worker, role, name, method))
        for child in self._children:
            child.wait_until_parked()
        self.pids = [child.pid for child in self._children]
        self.parked = job.setting.workers

    @property
    def pickling(self) -> Pickling | None:
        """Of the start of the children, and of their outcomes."""
        return Pickling.sum(child.pickling for child in self._children)

    def finish(self, span: Span) -> list[Outcome]:
        """Wait for every child."""
        return finish_all(self._children, self._job.shared)
