"""How far each measure can be trusted, over all processes of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.model.frames import Process
from app.model.states import EXACT, INFERRED, MEASURES, UNAVAILABLE

_FROM_WORST = (UNAVAILABLE, INFERRED, EXACT)
_UNSAID = "The observer does not measure it."


def worst(processes: Iterable[Process]) -> dict[str, Any]:
    """{measure: level, ..., "why": {measure: text}}: what is true of every CPython among the processes.

    Reasons are joined, each said once. What no process speaks of is unavailable.
    """
    observed = [process for process in processes if process.python]
    levels: dict[str, Any] = {}
    why: dict[str, str] = {}
    for measure in MEASURES:
        said = {process.capabilities.get(measure, UNAVAILABLE) for process in observed} or {UNAVAILABLE}
        levels[measure] = min(said, key=_FROM_WORST.index)
        if levels[measure] != EXACT:
            reasons = dict.fromkeys(process.why[measure] for process in observed if measure in process.why)
            why[measure] = "; ".join(reasons) or _UNSAID
    return {**levels, "why": why}
