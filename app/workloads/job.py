"""What an executor is asked to do, and the part of it that is the same on all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, NamedTuple

from app.workloads.catalogue import Setting, Work
from app.workloads.context import Context, Gate, Json, NextAction, Span
from app.workloads.line import SharedWords


class Outcome(NamedTuple):
    """How a worker ended."""

    name: str
    ended_ns: int
    found: Json  # what its work returned
    error: str | None = None  # why it failed: a traceback, or a sentence


class Job(NamedTuple):
    """One run of a workload, as every executor is given it."""

    setting: Setting
    prepared: Any
    shared: SharedWords
    gate: Gate
    send: Callable[[Json], None]  # writes a report to the observer
    next_action: NextAction | None = None  # what a person asks for; None where nobody can

    def perform(self, work: Work, worker: int, role: str, name: str, span: Span) -> Outcome:
        """Do one worker's work in the calling thread. Its failure stops the others, and is in the outcome."""
        try:
            found = work(self._context(worker, role, span)) or {}
        except Exception:  # noqa: BLE001 - whatever it is, the runner reports it with its traceback
            return self._failed(name)
        return Outcome(name, monotonic_ns(), found)

    async def perform_async(self, worker: int, role: str, name: str, span: Span) -> Outcome:
        """The same with the workload's coroutine, in the calling task."""
        coroutine = self.setting.workload.coroutine
        assert coroutine is not None  # a workload without one does not declare the executor
        try:
            found = await coroutine(self._context(worker, role, span)) or {}
        except Exception:  # noqa: BLE001 - as above
            return self._failed(name)
        return Outcome(name, monotonic_ns(), found)

    def _context(self, worker: int, role: str, span: Span) -> Context:
        heard = self._known_action if worker == 0 and self.next_action else None
        return Context(worker, role, self.setting.params, self.prepared, span, self.shared, self.send, heard)

    def _failed(self, name: str) -> Outcome:
        self.shared.set_stop()
        return Outcome(name, monotonic_ns(), {}, traceback.format_exc())

    def _known_action(self, wait_s: float) -> str | None:
        """The next action, if it is one of the workload's own; of another one the observer is told."""
        name = self.next_action(wait_s) if self.next_action else None
        known = [action.name for action in self.setting.workload.actions]
        if name is None or name in known:
            return name
        self.send({"unknown_action": name, "known": known})
        return None
