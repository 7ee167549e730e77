"""An experiment whose repetitions are given, as if it had been measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.analysis.experiment_trials import ExperimentTally, Trials


def tally_of(
    trials: Sequence[Trials], kind: str = "workload", state: str = "finished", **header: Any
) -> ExperimentTally:
    """A tally of these trials; `header` are further fields of its journal's first line."""
    tally = ExperimentTally()
    tally.header = {
        "id": "5f0c2ab9d1",
        "kind": kind,
        "name": "primes",
        "started_at": 1000.0,
        "asked": {"cores": 2},
        "planned_runs": 0,
        "left_out": [],
        **header,
    }
    tally.trials = trials
    tally.end = {"state": state, "error": None}
    tally.took_s = 30.0
    return tally
