"""What a scraper is told of a server's runs: of those that go on, and for a while of those that have ended.

A scraper comes every few seconds, so what a run did between its last visit and its end is told afterwards:
the totals of the run stay for ENDED_S. Nothing is told of its processes, which use nothing any more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.metadata import version

from app.model.errors import GilscopeError
from app.model.metrics import RunMetrics, SampleCounts, ServerMetrics
from app.runs.lifecycle import ENDED
from app.runs.live import LiveRun
from app.runs.request import Kind

ENDED_S = 300.0  # five visits of a scraper that comes once a minute
KEPT_ENDED = 50  # runs that ended within that time


class Metrics:
    """The sums over all runs of a server since its start, and the last of each that has ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started: Counter[str] = Counter()
        self._ended: Counter[str] = Counter(dict.fromkeys(ENDED, 0))
        self._refused: Counter[str] = Counter()
        self._samples = SampleCounts()  # of runs that have ended
        self._last: dict[str, tuple[float, RunMetrics]] = {}  # when it ended, by its id
        self._added: set[str] = set()  # runs whose end was told

    def started(self, kind: Kind) -> None:
        """A run was started."""
        self._started[kind] += 1

    def refused(self, error: GilscopeError) -> None:
        """A process could not be attached to."""
        self._refused[error.code] += 1

    def ended(self, run: LiveRun) -> None:
        """A run has ended."""
        last = replace(run.metrics(), processes=(), processes_not_shown=0)
        self._added.add(run.id)
        self._ended[last.state] += 1
        self._samples = self._samples.plus(last.samples)
        self._last[run.id] = self._clock(), last
        while len(self._last) > KEPT_ENDED:
            del self._last[next(iter(self._last))]

    def forget(self, run_id: str) -> None:
        """A run will not be among those that are read any more."""
        self._added.discard(run_id)

    def read(self, runs: Iterable[LiveRun]) -> ServerMetrics:
        """All of it at this moment, with `runs` that go on or have just ended."""
        now_s = self._clock()
        self._last = {name: told for name, told in self._last.items() if now_s - told[0] < ENDED_S}
        active: Counter[str] = Counter({"starting": 0, "running": 0})
        told: list[RunMetrics] = []
        samples, viewers = self._samples, 0
        for run in runs:
            if run.id in self._added:
                continue
            if not run.ended:
                active[run.state] += 1
            viewers += run.hub.viewers
            told.append(run.metrics())
            samples = samples.plus(told[-1].samples)
        return ServerMetrics(
            version=version("gilscope"),
            runs=[*told, *(last for _, last in self._last.values())],
            active=active,
            started=self._started.copy(),
            ended=self._ended.copy(),
            viewers=viewers,
            samples=samples,
            refused=self._refused.copy(),
        )
