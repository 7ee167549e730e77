"""The observation itself: how little of the run was seen."""

from __future__ import annotations

from collections.abc import Sequence

from app.analysis.findings.rows import OFTEN_ENDED_PER_S, Rule, seen_enough
from app.analysis.tracks import THIN
from app.model import units
from app.model.findings import Finding
from app.model.summary import GilRow, Measurements, SamplingInfo, ThreadRow

# With a fifth of the time unseen, a share may be off by as much as most rules ask for.
_GRAVE = 0.8

# The observer halves its rate where it takes more than half of a CPU: near that, its own work is the reason.
_STRAINED = 0.4


def thin(summary: Measurements) -> Finding | None:
    """Part of the time was not seen."""
    sampling = summary["sampling"]
    coverage = sampling["coverage"]
    if coverage is None or coverage >= THIN:
        return None
    judged = all(map(seen_enough, summary["gils"])) and all(map(seen_enough, summary["threads"]))
    strained = (sampling["observer_cpu_share"] or 0.0) >= _STRAINED
    return Finding(
        code="observation-thin",
        severity="notice" if coverage >= _GRAVE else "warning",
        title=f"Only {units.coverage(coverage)} of the time was seen",
        detail=f"{_reason(sampling, strained, _ended_per_s(summary))} Every share is of the time that was "
        "seen, and the rest may have been different. A wait or a hold that reaches into it lasted at least "
        "as long as it was seen."
        + ("" if judged else " What was seen for less than half of its time is too little to judge by."),
        evidence={
            "coverage": coverage,
            "lock_coverage": min(_coverages(summary["gils"]), default=None),
            "thread_coverage": min(_coverages(summary["threads"]), default=None),
            "gil_hz": sampling["gil_hz"],
            "gil_hz_requested": sampling["gil_hz_requested"],
            "thread_hz": sampling["thread_hz"],
            "samples": sampling["samples"],
            "late": sampling["late"],
            "failed": sampling["failed"],
            "observer_cpu_share": sampling["observer_cpu_share"],
        },
        advice=_advice(sampling, strained),
    )


def _ended_per_s(summary: Measurements) -> float:
    """How many threads ended in a second."""
    lasted_s = summary["run"]["duration_s"]
    ended = sum(told["count"] for row in summary["processes"] if (told := row.get("threads_ended")))
    return ended / lasted_s if lasted_s else 0.0


def _reason(sampling: SamplingInfo, strained: bool, ended_per_s: float) -> str:
    rates = f"{sampling['gil_hz'] or 0:.0f} samples a second of {sampling['gil_hz_requested'] or 0:g}"
    share = sampling["observer_cpu_share"]
    used = "" if share is None else f" with {share:.0%} of a CPU"
    if strained and ended_per_s >= OFTEN_ENDED_PER_S:
        return (
            f"{units.count(ended_per_s)} threads a second are started and end, and the observer has to find "
            f"each: it took {rates}{used}."
        )
    if strained:
        return f"The program has more threads than the observer can read: it took {rates}{used}."
    if sampling["late"]:
        return f"The observer often had no CPU when it was due: it took {rates}{used}."
    return f"Part of the program could not be read ({sampling['failed']:,} reads failed)."


def _advice(sampling: SamplingInfo, strained: bool) -> str:
    if strained:
        return "Sample at a lower rate (sampling.gil_hz), or observe a program with fewer threads."
    if sampling["late"]:
        return (
            "Leave a CPU free for the observer: limit the program to the others with taskset, lower its "
            "priority with nice, or give its container more CPU."
        )
    return "`gilscope doctor PID` says what may be read of the program, and what would allow more."


def _coverages(rows: Sequence[GilRow | ThreadRow]) -> list[float]:
    return [coverage for row in rows if (coverage := row["coverage"]) is not None]


RULES: tuple[Rule, ...] = (thin,)
