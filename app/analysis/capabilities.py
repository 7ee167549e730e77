"""How far each measure can be trusted, over all processes of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from app.analysis.tracks import THIN
from app.model import units
from app.model.frames import Process
from app.model.pids import own_pid
from app.model.states import EXACT, INFERRED, MEASURES, UNAVAILABLE, Level, Measure
from app.model.summary import Capabilities

_FROM_WORST: tuple[Level, ...] = (UNAVAILABLE, INFERRED, EXACT)
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
) -> Capabilities:
    """What is true of every CPython that has the measure.

    It is unavailable where none has it; where only some have it `why` names those that lack it, for no figure
    is theirs. Reasons are joined, each said once. What no process speaks of is unavailable. `attached`: the
    target ran before the observer came. `coverage`: how much of the run was seen; with less than THIN of it
    nothing that is known by sampling is exact.
    """
    observed = [process for process in processes if process.python]
    if observed:
        unsaid = _UNSAID
    elif processes:
        unsaid = _NO_CPYTHON
    else:
        unsaid = _NEVER_READ if attached else _NEVER_STARTED
    levels: dict[Measure, Level] = {}
    why: dict[Measure, str] = {}
    for measure in MEASURES:
        having = [process for process in observed if available(measure, [process])]
        lacking = [process for process in observed if process not in having]
        said = {process.capabilities[measure] for process in having} or {UNAVAILABLE}
        levels[measure] = next(level for level in _FROM_WORST if level in said)
        reasons = _reasons(measure, having or lacking or processes)
        if levels[measure] != EXACT:
            reasons = reasons or unsaid
        elif coverage is not None and coverage < THIN and measure in _SAMPLED:
            levels[measure] = INFERRED
            reasons = f"exact of what was seen, which is {units.coverage(coverage)} of the time"
        if having and lacking:
            pids = ", ".join(str(own_pid(process.pid)) for process in lacking)
            lack = f"unavailable in pid {pids}: {_reasons(measure, lacking) or unsaid}"
            reasons = f"{reasons}; {lack}" if reasons else lack
        if reasons:
            why[measure] = reasons
    return cast(Capabilities, {**levels, "why": why})  # whose keys are MEASURES


def _reasons(measure: str, processes: Iterable[Process]) -> str:
    return "; ".join(dict.fromkeys(process.why[measure] for process in processes if measure in process.why))
