"""How the workers of a workload come to run: one module an executor, all behind one Protocol."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from app.workloads.catalogue import InvalidRequest
from app.workloads.context import Span
from app.workloads.executors.asynchronous import AsyncioExecutor
from app.workloads.executors.processes import ProcessExecutor
from app.workloads.executors.sequential import SequentialExecutor
from app.workloads.executors.subinterpreters import SubinterpreterExecutor
from app.workloads.executors.threads import ThreadExecutor
from app.workloads.job import Job, Outcome
from app.workloads.pickling import Pickling


class Crew(Protocol):
    """Workers that exist and are parked at the gate. They go home by themselves when it closes for good."""

    @property
    def pids(self) -> Sequence[int]:
        """The processes that they run in, without that of the caller."""
        ...

    @property
    def parked(self) -> int:
        """How many of them wait at the gate."""
        ...

    @property
    def pickling(self) -> Pickling | None:
        """What was pickled to hand over jobs and outcomes, once all is done; None where nothing has to be.

        Unpickling a job is not among it: most of that is the imports that a worker begins with.
        """
        ...

    def finish(self, span: Span) -> list[Outcome]:
        """Called once the gate is open: wait for the end of every worker."""
        ...


class Executor(Protocol):
    """One way of running workers."""

    @property
    def name(self) -> str:
        """What it is called on the command line and in a request."""
        ...

    @property
    def sentence(self) -> str:
        """What a person is told of it."""
        ...

    @property
    def min_python(self) -> tuple[int, int]:
        """The oldest CPython on which it holds."""
        ...

    def start(self, job: Job) -> Crew:
        """Create every worker; return once all of them are about to park."""
        ...


EXECUTORS: tuple[Executor, ...] = (
    SequentialExecutor(),
    ThreadExecutor(),
    ProcessExecutor(),
    AsyncioExecutor(),
    SubinterpreterExecutor(),
)


def by_name(name: str) -> Executor:
    """The executor of that name; a declaration names no other. InvalidRequest if this Python is too old."""
    executor = next(executor for executor in EXECUTORS if executor.name == name)
    if sys.version_info < executor.min_python:
        least, own = (".".join(map(str, version[:2])) for version in (executor.min_python, sys.version_info))
        raise InvalidRequest("executor", f"{name} needs CPython {least} or later, and this is {own}")
    return executor
