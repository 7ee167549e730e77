"""Two runs of the archive, or of this server, set against each other."""

from __future__ import annotations

from typing import Any

from app.analysis.comparison import Measured, compare
from app.runs.record import RunRecord


def compared(a: RunRecord, b: RunRecord) -> dict[str, Any]:
    """As app/analysis/comparison.py says; of a run that goes on, as far as it has come."""
    return compare(*(_measured(run) for run in (a, b)))


def _measured(run: RunRecord) -> Measured:
    header = run.header()
    return Measured(run.summary(), header["series"] if header else None, run.script())
