"""How far each measure can be trusted, over all processes of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from app.model.frames import Process
from app.model.states import EXACT, INFERRED, MEASURES, UNAVAILABLE

_FROM_WORST = (UNAVAILABLE, INFERRED, EXACT)
_UNSAID = "the observer does not measure it"
_NEVER_STARTED = "the target never started"
_NEVER_READ = "the process was never read"
_NO_CPYTHON = "it runs no CPython that can be read"


def available(measure: str, processes: Iterable[Process]) -> bool:
    """Whether it is measured of any of the processes."""
    return any(process.capabilities.get(measure, UNAVAILABLE) != UNAVAILABLE for process in processes)


def worst(processes: Collection[Process], attached: bool = False) -> dict[str, Any]:
    """{measure: level, ..., "why": {measure: text}}: what is true of every CPython among the processes.

    Reasons are joined, each said once. What no process speaks of is unavailable. `attached`: the target ran
    before the observer came.
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
            reasons = dict.fromkeys(process.why[measure] for process in observed if measure in process.why)
            why[measure] = "; ".join(reasons) or unsaid
    return {**levels, "why": why}
