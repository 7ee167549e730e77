"""One interpreter of this process, and one thread that runs it, for each worker."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from app.workloads.context import Span
from app.workloads.executors import inside
from app.workloads.executors.done import Done
from app.workloads.job import Job, Outcome
from app.workloads.names import name_this_thread
from app.workloads.pickling import Pickling

_ENTER = """
import sys
sys.path[:] = {path!r}
from app.workloads.executors import inside
inside.main({worker}, {job}, {parked}, {outcome})
"""


class SubinterpreterExecutor:
    """Interpreters with a GIL each. Those of 3.12 corrupt memory once common C modules are imported."""

    name = "subinterpreters"
    sentence = "Interpreters within one process: a GIL and a heap each, and no object in common."
    min_python = (3, 13)

    def start(self, job: Job) -> SubinterpreterCrew:
        """Create the interpreters; return once each has imported the workload and is about to park."""
        return SubinterpreterCrew(job)


class SubinterpreterCrew:
    """Threads of the main interpreter, each of them inside another one while it parks and works."""

    pids: Sequence[int] = ()

    def __init__(self, job: Job) -> None:
        self._job = job
        self.parked = job.setting.workers
        self._outcomes: dict[int, Outcome] = {}
        # concurrent.interpreters, public from 3.14 on, is made of this, which 3.13 has as well.
        self._interpreters: Any = import_module("_interpreters")
        self._of_job = Pickling()
        self._pickled = self._of_job.dumps(job)
        self._of_job.bytes *= self.parked  # each gets it
        self._of_outcomes: dict[int, Pickling] = {}
        self._done = Done()
        reader, self._parked = os.pipe()
        self._threads = [
            threading.Thread(target=self._run, args=(worker,)) for worker in range(job.setting.workers)
        ]
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            os.read(reader, 1)
        os.close(reader)
        for outcome in self._outcomes.values():  # nobody has begun: who has an outcome has failed
            raise RuntimeError(f"{outcome.name} could not be started: {outcome.error}")

    @property
    def pickling(self) -> Pickling | None:
        """Of the job for each interpreter, and of their outcomes."""
        return Pickling.sum([self._of_job, *self._of_outcomes.values()])

    def finish(self, span: Span) -> list[Outcome]:
        """Wait for every worker; its thread then destroys the interpreter, which is none of the work."""
        self._done.wait(len(self._threads))
        return [self._outcomes[worker] for worker in range(self._job.setting.workers)]

    def _run(self, worker: int) -> None:
        _, name = self._job.setting.workload.role(worker)
        name_this_thread(name)
        interpreter = None
        try:
            interpreter = self._work(worker, name)
        finally:
            self._done.tell()
        if interpreter is not None:
            self._interpreters.destroy(interpreter)

    def _work(self, worker: int, name: str) -> Any:
        """Run the worker in an interpreter, which it gives; None where none could be made."""
        interpreter = failure = None
        with inside.memory_file(self._pickled) as job, inside.memory_file() as outcome:
            try:
                interpreter = self._interpreters.create("isolated")
                files = {"job": job.fileno(), "parked": self._parked, "outcome": outcome.fileno()}
                failed = self._interpreters.exec(
                    interpreter, _ENTER.format(path=sys.path, worker=worker, **files)
                )
                failure = failed.errdisplay if failed else None
            except Exception:  # noqa: BLE001 - whatever it is, the runner reports it with its traceback
                failure = traceback.format_exc()
            told = inside.contents(outcome)
        if told:
            pickled, made_in_ns = pickle.loads(told)
            of_outcome = self._of_outcomes[worker] = Pickling(len(pickled), made_in_ns)
            self._outcomes[worker] = of_outcome.loads(pickled)
        elif failure:
            self._job.shared.set_stop()
            self._outcomes[worker] = Outcome(name, 0, {}, failure)
            os.write(self._parked, b"!")
        return interpreter
