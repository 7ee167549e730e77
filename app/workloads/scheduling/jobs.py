"""The jobs of a scheduler: what one does, and what a scheduler's account of it says."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic_ns, sleep, thread_time_ns
from typing import Any

from app.workloads.context import Context, Json, Span
from app.workloads.latencies import Latencies
from app.workloads.scheduling.triggers import Trigger

BINS = 25  # of the run's time: so many points has the curve of a job

_NS_A_MS = 1_000_000
_STEPS = 500
_SLICE_S = 0.05


def wait(length_ms: float, stopping: Callable[[], bool]) -> None:
    """Wait for so long, as for an answer from elsewhere."""
    end_ns = monotonic_ns() + int(length_ms * _NS_A_MS)
    while not stopping() and (left_ns := end_ns - monotonic_ns()) > 0:
        sleep(min(left_ns / 1e9, _SLICE_S))


def compute(length_ms: float, stopping: Callable[[], bool]) -> None:
    """Use so much time of a CPU, however long that takes."""
    end_ns = thread_time_ns() + int(length_ms * _NS_A_MS)
    while not stopping() and thread_time_ns() < end_ns:
        for _ in range(_STEPS):
            pass


KINDS = {"compute": compute, "wait": wait}


class TimedJob:
    """A job with its times, and what became of each of them."""

    def __init__(self, name: str, when: str, trigger: Trigger, length_ms: float) -> None:
        self.name = name
        self.when = when  # as a person reads it: "every 100 ms"
        self.trigger = trigger
        self.length_ms = length_ms
        self.ran = 0
        self.missed = 0  # times that were left out, because it was late or still running
        self.waiting = 0  # times that came and whose run has not begun
        self.unfinished = 0
        self.late = Latencies()
        self.bins = [Latencies() for _ in range(BINS)]  # how late, by when it was due

    def found(self) -> Json:
        """What the worker hands back."""
        kept = ("name", "when", "ran", "missed", "waiting", "late", "bins")
        return {key: getattr(self, key) for key in kept}


class JobAccount:
    """What came of all jobs: written by whichever threads run them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._lock = Lock()

    def due(self, job: TimedJob) -> None:
        """Its time has come, and it will be run."""
        with self._lock:
            job.waiting += 1
            job.unfinished += 1

    def ran(self, job: TimedJob, due_ns: int, began_ns: int) -> None:
        """It began then, and has ended."""
        late_ns = max(began_ns - due_ns, 0)
        with self._lock:
            job.waiting -= 1
            job.unfinished -= 1
            job.ran += 1
            job.late.add(late_ns)
            job.bins[_bin(self._ctx.span, due_ns)].add(late_ns)
            self._ctx.count(1)  # under the lock, for many threads are one worker here


def _bin(span: Span, at_ns: int) -> int:
    share = (at_ns - span.start_ns) / (span.deadline_ns - span.start_ns)
    return min(max(int(share * BINS), 0), BINS - 1)


class PoolSide:
    """What a process of a pool knows of the run: whether it is time to end."""

    ending: Any = None


def run(kind: str, length_ms: float, stopping: Callable[[], bool]) -> int:
    """Run a job; when it began."""
    began_ns = monotonic_ns()
    KINDS[kind](length_ms, stopping)
    return began_ns


def run_in_pool(kind: str, length_ms: float) -> int:
    """The same in a process of the pool."""
    return run(kind, length_ms, PoolSide.ending.is_set)
