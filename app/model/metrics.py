"""What a scraper is told of runs and of the server: running totals and sizes, typed.

Rows are those of a summary. Totals never fall while a run goes on, and those of the whole run have what ended
processes did, too. Times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.model.summary import (
    CollectorFigures,
    GilRow,
    GilSeconds,
    HeapFigures,
    Maybe,
    MemoryFigures,
    ProcessRow,
)


@dataclass(frozen=True)
class ProcessMetrics:
    """A process that is there, with what belongs to it."""

    use: ProcessRow
    memory: MemoryFigures
    threads: int
    gils: Sequence[GilRow]
    heaps: Sequence[HeapFigures]
    collectors: Sequence[CollectorFigures]


@dataclass(frozen=True)
class SampleCounts:
    """Samples taken, and those of them that failed or came late."""

    taken: int = 0
    failed: int = 0
    late: int = 0

    def plus(self, other: SampleCounts) -> SampleCounts:
        """Both together."""
        return SampleCounts(self.taken + other.taken, self.failed + other.failed, self.late + other.late)


@dataclass(frozen=True)
class RunMetrics:
    """A run."""

    id: str
    kind: str
    name: str
    state: str
    observed_s: float
    coverage: Maybe
    observer_cpu_s: float
    samples: SampleCounts
    gil: GilSeconds  # of all GILs that there ever were
    switches: int
    waits: Sequence[tuple[float, int]]  # (seconds, how many waits were no longer)
    waits_count: int
    waits_sum_s: float
    processes: Sequence[ProcessMetrics]
    processes_not_shown: int


@dataclass(frozen=True)
class ServerMetrics:
    """What one server or exporter does, and the runs that it tells of."""

    version: str
    runs: Sequence[RunMetrics]
    active: Mapping[str, int]  # by state
    started: Mapping[str, int]  # by kind, since the server started
    ended: Mapping[str, int]  # by state
    viewers: int
    samples: SampleCounts  # of all runs, those that have ended too
    refused: Mapping[str, int]  # attaching, by the code of the error
