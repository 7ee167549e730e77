"""What the body of a workload is given, and the gate at which it waits for its start."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from time import monotonic_ns, sleep
from typing import Any, NamedTuple, Optional

from app.workloads.line import STOP_WORD, SharedWords, slot
from app.workloads.passing import Passed

Json = dict[str, Any]
NextAction = Callable[[float], Optional[str]]

ACTION_WAIT_S = 0.25  # so that a body that waits for an action asks `stopping` often enough


class Span(NamedTuple):
    """When the work starts and when it has to end, on CLOCK_MONOTONIC."""

    start_ns: int
    deadline_ns: int


class Gate:
    """Where workers, threads and processes alike, wait until all of them start at one instant.

    A pipe: each worker takes one record from it, so one write lets all of them go; and when the writer
    closes it, or dies, those that wait wake up without one.
    """

    _RECORD = struct.Struct("qq")

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()

    def __getstate__(self) -> Passed:
        return Passed(self._reader)

    def __setstate__(self, reader: int) -> None:
        self._reader, self._writer = reader, -1  # who gets it from a pickle can only wait

    def wait(self) -> Span | None:
        """Block until the gate opens; None if it never will."""
        record = os.read(self._reader, self._RECORD.size)
        return Span(*self._RECORD.unpack(record)) if record else None

    def open(self, span: Span, workers: int) -> None:
        """Let so many workers go, and nobody after them."""
        os.write(self._writer, self._RECORD.pack(*span) * workers)
        self.close()

    def close(self) -> None:
        """Give up this process's right to open it. Once nobody can, those who wait get None."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1


class Context:
    """One worker's view of a run. Every body asks `stopping` at least three times a second."""

    __slots__ = ("_next_action", "_send", "_slot", "_words", "params", "prepared", "role", "span", "worker")

    def __init__(
        self,
        worker: int,
        role: str,
        params: Mapping[str, Any],
        prepared: Any,
        span: Span,
        shared: SharedWords,
        send: Callable[[Json], None],
        next_action: NextAction | None = None,
    ) -> None:
        self.worker = worker  # 0, 1, 2, ...
        self.role = role  # "cpu", "io", ...: its name without the number
        self.params = params
        self.prepared = prepared  # what the workload's `prepare` returned
        self.span = span
        self._words = shared.words
        self._slot = slot(worker)
        self._send = send
        self._next_action = next_action

    @property
    def stopping(self) -> bool:
        """Whether it is time to end: somebody said so, or the deadline has passed."""
        return self._words[STOP_WORD] != 0 or monotonic_ns() >= self.span.deadline_ns

    def count(self, ops: int) -> None:
        """Add to the operations done. Each worker has a cache line of its own, so this costs no lock."""
        self._words[self._slot] += ops

    def report(self, fields: Json) -> None:
        """Write a line of the workload's own to the observer."""
        self._send(fields)

    def next_action(self) -> str | None:
        """Wait for the next of the workload's actions that a person asks for; None if none comes for a while.

        Worker 0 alone hears of them, in the process that the observer started.
        """
        if self._next_action is None:  # run by hand: nobody can ask
            sleep(ACTION_WAIT_S)
            return None
        return self._next_action(ACTION_WAIT_S)
