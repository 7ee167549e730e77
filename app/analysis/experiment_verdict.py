"""Which configuration of an experiment is the best, in a sentence, and whether that is more than noise.

    {"says", "baseline", "best", "equal": [...], "sentence"}

It is by the goal of the experiment: most operations, or the least time. `baseline` and `best` are positions
of configurations, `equal` those of others that cannot be told from the best. `says` is "faster",
"none-faster", "within-noise", "too-few", or "nothing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.analysis.estimates import FEWEST, MedianEstimate, SampleDifference, difference, estimate
from app.analysis.experiment_trials import Goal, Trials
from app.model import units

Json = dict[str, Any]


def verdict(trials: Sequence[Trials], goal: Goal) -> Json:
    """The verdict, as at the head of this module."""
    done = {at: found for at, one in enumerate(trials) if (found := estimate(one.values(goal.key)))}
    if not done:
        return _verdict("nothing", None, None, [], "No repetition ended, so there is nothing to compare.")
    baseline = baseline_of(trials, goal)
    best = _best(done, goal)
    against = {at: _against(trials[best], trials[at], goal) for at in done if at != best}
    equal = [at for at, found in against.items() if found.says == "within-noise"]
    says, sentence = _said(goal, trials, done, baseline, best, against, equal)
    return _verdict(says, baseline, best, equal, sentence)


def _best(done: Mapping[int, MedianEstimate], goal: Goal) -> int:
    sign = 1 if goal.higher_is_better else -1
    return max(done, key=lambda at: sign * done[at].median)


def _said(
    goal: Goal,
    trials: Sequence[Trials],
    done: Mapping[int, MedianEstimate],
    baseline: int,
    best: int,
    against: Mapping[int, SampleDifference],
    equal: Sequence[int],
) -> tuple[str, str]:
    name = str(trials[best].configuration)
    figure = goal.show(done[best].median)
    if not against:
        return "nothing", f"There is one configuration, {name}: it {goal.does} {figure}. Nothing to compare."
    if any(found.says == "too-few" for found in against.values()):
        return "too-few", (
            f"{name} {goal.best}, {figure}, but with fewer than {FEWEST} repetitions of each "
            "configuration that may be noise."
        )
    if len(equal) == len(against):
        which = "both" if len(done) == 2 else f"all {len(done)}"
        return "within-noise", f"The differences between {which} configurations are within the noise."
    if best == baseline:
        second = _best({at: done[at] for at in against}, goal)
        compared = "" if equal else _compared(goal, against[second], trials[second], done[second])
        return "none-faster", f"{goal.nothing_better} {name}{_beside(trials, equal)}: {figure}{compared}."
    if baseline in equal:
        return "within-noise", (
            f"{name} {goal.does} {figure}, and no more than noise separates it from "
            f"{trials[baseline].configuration}."
        )
    compared = _compared(goal, against[baseline], trials[baseline], done[baseline])
    return (
        "faster",
        f"{name} {goal.best}{_beside(trials, equal)}: {figure}{compared}{_memory(trials, best, baseline)}.",
    )


def _beside(trials: Sequence[Trials], equal: Sequence[int]) -> str:
    if not equal:
        return ""
    if len(equal) == 1:
        return f" (within the noise, like {trials[equal[0]].configuration})"
    return f" (within the noise, like {len(equal)} others)"


def _compared(goal: Goal, found: SampleDifference, other: Trials, done: MedianEstimate) -> str:
    """How much more than another it is; of what did nothing there is no ratio."""
    if found.ratio is None:
        return f", where {other.configuration} {goal.does} {goal.show(done.median)}"
    between = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return f", {found.ratio:.2f} times{between} {goal.times} {other.configuration}"


def _memory(trials: Sequence[Trials], best: int, baseline: int) -> str:
    for key, kind in (("pss_peak", "PSS"), ("rss_peak", "RSS")):
        one, other = (estimate(trials[at].values(key)) for at in (best, baseline))
        if one and other:
            sizes = f"{units.size(one.median)} of memory at the peak, instead of {units.size(other.median)}"
            return f", with {sizes} ({kind})"
    return ""


def _verdict(says: str, baseline: int | None, best: int | None, equal: list[int], sentence: str) -> Json:
    return {"says": says, "baseline": baseline, "best": best, "equal": equal, "sentence": sentence}


def _against(one: Trials, other: Trials, goal: Goal) -> SampleDifference:
    found = difference(one.values(goal.key), other.values(goal.key))
    assert found is not None  # both have an estimate
    return found


def baseline_of(trials: Sequence[Trials], goal: Goal) -> int:
    """The sequential one with the fewest workers, else the first; of those that measured anything."""
    ran = [at for at, one in enumerate(trials) if one.values(goal.key)] or list(range(len(trials)))
    sequential = [at for at in ran if trials[at].configuration.executor == "sequential"]
    return min(sequential, key=lambda at: trials[at].configuration.workers or 0, default=ran[0] if ran else 0)
