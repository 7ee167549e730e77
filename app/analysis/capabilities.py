"""How far each measure can be trusted, over all processes of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from app.analysis.coverage import THIN
from app.model import units
from app.model.frames import Process
from app.model.states import EXACT, INFERRED, MEASURES, UNAVAILABLE

_FROM_WORST = (UNAVAILABLE, INFERRED, EXACT)
_UNSAID = "the observer does not measure it"
_NEVER_STARTED = "the target never started"
_NEVER_READ = "the process was never read"
_SAMPLED = ("gil", "gil_wait", "threads")  # what is known of the samples alone
_NO_CPYTHON = "it runs no CPython that can be read"


def available(measure: str, processes: Iterable[Process]) -> bool:
    """Whether it is measured of any of the processes."""
    return any(process.capabilities.get(measure, UNAVAILABLE) != UNAVAILABLE for process in processes)


def worst(
    processes: Collection[Process], attached: bool = False, coverage: float | None = None
) -> dict[str, Any]:
    """{measure: level, ..., "why": {measure: text}}: what is true of every CPython among the processes.

    Reasons are joined, each said once. What no process speaks of is unavailable. `attached`: the target ran
    before the observer came. `coverage`: how much of the run was seen; with less than THIN of it nothing that
    is known by sampling is exact.
    """
    observed = [process for process in processes if process.python]
    if observed:
        unsaid = _UNSAID
    elif processes:
        unsaid = _NO_CPYTHON
    else:
        unsaid = _NEVER_READ if attached else _NEVER_STARTED
    levels: dict[str, Any] = {}
    why: dict[str, str] = {}
    for measure in MEASURES:
        said = {process.capabilities.get(measure, UNAVAILABLE) for process in observed} or {UNAVAILABLE}
        levels[measure] = min(said, key=_FROM_WORST.index)
        if levels[measure] != EXACT:
            said_by = observed or processes
            reasons = dict.fromkeys(process.why[measure] for process in said_by if measure in process.why)
            why[measure] = "; ".join(reasons) or unsaid
        elif coverage is not None and coverage < THIN and measure in _SAMPLED:
            levels[measure] = INFERRED
            why[measure] = f"exact of what was seen, which is {units.coverage(coverage)} of the time"
    return {**levels, "why": why}
