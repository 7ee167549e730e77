"""What was measured of one test, out of the summary of its time."""

from __future__ import annotations

from dataclasses import dataclass

from app.model import units
from app.model.summary import Summary

LEAST_SEEN = 0.5  # of a test's time: of one that was seen less nothing is said


@dataclass(frozen=True, slots=True)
class MeasuredTest:
    """A test's figures; None of what could not be measured."""

    test: str
    length_s: float
    seen: float  # of its time
    gil_wait: float | None  # waited of waited and held, by all threads together
    gil_hold_s: float | None  # the longest for which another waited
    rss_growth: int  # bytes, after the test over before
    blocked_loop_s: float | None  # None where no event loop was seen
    waited_for: str = ""  # sentences; "" where nobody is at fault, or it is not known who is
    held_by: str = ""
    blocked_by: str = ""

    @property
    def why_unknown(self) -> str:
        """Why something of it could not be measured."""
        if self.seen < LEAST_SEEN:
            return f"{self.seen:.0%} of the test's {units.seconds(self.length_s)} was seen"
        return "no event loop was seen in it" if self.blocked_loop_s is None else "no GIL was seen in it"


def measured(test: str, length_s: float, rss_growth: int, summary: Summary) -> MeasuredTest:
    """The figures of a test, whose time `summary` is of."""
    seen = min(1.0, summary["run"]["duration_s"] / length_s) if length_s else 0.0
    without_gil = summary["target"]["gil_enabled"] is False
    gils = summary["gils"]
    if gils:
        seen *= max(gil["coverage"] or 0.0 for gil in gils)
    known = seen >= LEAST_SEEN and (bool(gils) or without_gil)
    held_s, waited_s = sum(gil["held_s"] for gil in gils), sum(gil["waited_s"] for gil in gils)
    kept = [
        max(row["gil_kept"]["max_s"] or 0.0, row["gil_kept"]["cut_longest_s"] or 0.0)
        for row in summary["threads"]
    ]
    loops = summary["loops"]
    blocked = [loop["lag_s"]["max"] or 0.0 for loop in loops]
    blocked += [step["length_s"] for loop in loops for step in loop["longest"]]
    return MeasuredTest(
        test=test,
        length_s=length_s,
        seen=seen,
        gil_wait=(waited_s / (held_s + waited_s) if waited_s else 0.0) if known else None,
        gil_hold_s=max(kept, default=0.0) if known else None,
        rss_growth=rss_growth,
        blocked_loop_s=max(blocked, default=None),
        waited_for=_waited_for(summary),
        held_by=_held_by(summary),
        blocked_by=_blocked_by(summary),
    )


def _waited_for(summary: Summary) -> str:
    row = max(summary["who_waits"], key=lambda row: row["wait_s"], default=None)
    if row is None:
        return ""
    waited = units.seconds(row["wait_s"])
    return f"{row['waiter']['name']} waited {waited} while {row['holder']['name']} held it."


def _held_by(summary: Summary) -> str:
    """What the thread did that was held up longest for one thread."""
    for row in summary["longest_waits"]:
        blamed = row["blamed"]
        if blamed is not None:
            inside = f" in {blamed['function']}" if blamed["function"] else ""
            return (
                f"In the longest wait, of {units.seconds(row['length_s'])}, {row['name']} waited most for "
                f"{blamed['name']}{inside}."
            )
    return ""


def _blocked_by(summary: Summary) -> str:
    steps = [step for loop in summary["loops"] for step in loop["longest"]]
    step = max(steps, key=lambda step: step["length_s"], default=None)
    if step is None:
        return ""
    place = f", in {step['function']} ({step['file']}:{step['line']})" if step["function"] else ""
    return f"The longest step took {units.seconds(step['length_s'])}{place}."
