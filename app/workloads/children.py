"""Child processes of a workload: workers of the executor `processes`, and companions."""

from __future__ import annotations

import ctypes
import fcntl
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from time import monotonic_ns
from typing import Any

from app.workloads.catalogue import Work
from app.workloads.job import Job, Outcome
from app.workloads.line import STOP_SIGNALS, SharedWords, stop_on_signals
from app.workloads.names import name_this_thread
from app.workloads.pickling import Pickling

_PR_SET_PDEATHSIG = 1
_F_SETSIG = 10
_REAP_S = 1.0  # a child that has told its outcome has nothing left to do


class Child:
    """A child process that parks at the gate, does its work, and sends back its outcome.

    The caller is single-threaded while it starts children, which is what makes fork safe.
    """

    def __init__(self, job: Job, work: Work, worker: int, role: str, name: str, method: str = "fork") -> None:
        self.name = name
        # The classes of a context are made when they are first asked for, so mypy knows no common one.
        context: Any = multiprocessing.get_context(method)
        self.connection: Connection
        self.connection, theirs = context.Pipe(duplex=False)
        self.pickling = Pickling()  # of its start and of its outcome, on both sides
        arguments = (theirs, job, work, worker, role, name)
        self._process = context.Process(target=_child_main, args=arguments, name=name, daemon=True)
        with self.pickling.of_starts():
            self._process.start()
        theirs.close()  # so that the connection ends when the child does

    @property
    def pid(self) -> int:
        """The process id."""
        pid: int | None = self._process.pid
        assert pid is not None  # it is None only before start
        return pid

    def wait_until_parked(self) -> None:
        """Return once the child is about to park. RuntimeError if it ends before."""
        try:
            self.connection.recv()
        except EOFError:
            raise RuntimeError(self._why_it_ended()) from None

    def outcome(self, shared: SharedWords) -> Outcome:
        """What the child sent when it ended; called when the connection has something to read."""
        try:
            pickled, made_in_ns = self.connection.recv()
        except EOFError:
            shared.set_stop()
            return Outcome(self.name, monotonic_ns(), {}, self._why_it_ended())
        self._process.join(_REAP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pickling.bytes += len(pickled)
        self.pickling.ns += made_in_ns
        outcome: Outcome = self.pickling.loads(pickled)
        return outcome

    def _why_it_ended(self) -> str:
        self._process.join()
        code = self._process.exitcode or 0
        how = f"by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"with status {code}"
        return f"{self.name} (process {self.pid}) ended {how} before its work was done"


def finish_all(children: Sequence[Child], shared: SharedWords) -> list[Outcome]:
    """Wait for every child's end, in whatever order they end; outcomes in the order of the children."""
    waiting = {child.connection: child for child in children}
    outcomes: dict[Child, Outcome] = {}
    while waiting:
        for connection in wait(list(waiting)):
            child = waiting.pop(connection)  # type: ignore[call-overload]
            outcomes[child] = child.outcome(shared)
    return [outcomes[child] for child in children]


@contextmanager
def stop_signals_held(method: str) -> Iterator[None]:
    """Start what is started in here with these signals held back.

    A child lets them through once it can handle them. One that never does, such as the fork server, hears of
    no stop, and ends with its parent.
    """
    if method != "fork":
        resource_tracker.ensure_running()  # it lets the signals through as it is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child_main(connection: Connection, job: Job, work: Work, worker: int, role: str, name: str) -> None:
    die_with_parent()
    stop_on_signals(job.shared)
    job.gate.close()
    name_this_thread(name)
    connection.send(None)
    span = job.gate.wait()
    if span is not None:
        pickling = Pickling()
        connection.send((pickling.dumps(job.perform(work, worker, role, name, span)), pickling.ns))


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that asked for it dies, however that dies.

    If it died before that, nobody is left to open the gate, and so this process does not begin.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    if os.getppid() == parent.pid:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:  # the fork server, which lives until its children have ended; but only the parent holds this pipe
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(parent.sentinel, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, os.O_ASYNC)
