"""One thread of the interpreter for each worker."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue
from threading import Thread

from app.workloads.context import Span
from app.workloads.executors.done import Done
from app.workloads.job import Job, Outcome
from app.workloads.names import name_this_thread
from app.workloads.pickling import Pickling


class ThreadExecutor:
    """Threads share one interpreter, and so one GIL."""

    name = "threads"
    sentence = "Threads of one interpreter: they share its memory, and take turns with its GIL."
    min_python = (3, 9)

    def start(self, job: Job) -> ThreadCrew:
        """Start the threads, and wait until each has its name and is about to park."""
        return ThreadCrew(job)


class ThreadCrew:
    """Threads, and what they found."""

    pids: Sequence[int] = ()
    pickling: Pickling | None = None

    def __init__(self, job: Job) -> None:
        self._job = job
        self.parked = job.setting.workers
        self._outcomes: dict[int, Outcome] = {}
        self._done = Done()
        named: SimpleQueue[None] = SimpleQueue()
        self._threads = [
            Thread(target=self._run, args=(worker, named)) for worker in range(job.setting.workers)
        ]
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            named.get()

    def _run(self, worker: int, named: SimpleQueue[None]) -> None:
        role, name = self._job.setting.workload.role(worker)
        name_this_thread(name)
        named.put(None)
        span = self._job.gate.wait()
        if span is None:
            return
        try:
            work = self._job.setting.workload.work
            self._outcomes[worker] = self._job.perform(work, worker, role, name, span)
        finally:
            self._done.tell()

    def finish(self, span: Span) -> list[Outcome]:
        """Wait for every thread."""
        self._done.wait(len(self._threads))
        for thread in self._threads:
            thread.join()
        return [self._outcomes[worker] for worker in range(self._job.setting.workers)]
