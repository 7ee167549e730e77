"""What an executor is asked to do, and the part of it that is the same on all of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, NamedTuple

from app.workloads.catalogue import Setting, Work
from app.workloads.context import Context, Gate, Json, Span
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

    def perform(self, work: Work, worker: int, role: str, name: str, span: Span) -> Outcome:
        """Do one worker's work in the calling thread. Its failure stops the others, and is in the outcome."""
        context = Context(worker, role, self.setting.params, self.prepared, span, self.shared, self.send)
        try:
            found = work(context) or {}
        except Exception:  # noqa: BLE001 - whatever it is, the runner reports it with its traceback
            self.shared.set_stop()
            return Outcome(name, monotonic_ns(), {}, traceback.format_exc())
        return Outcome(name, monotonic_ns(), found)
