"""Which of two runs did more at once: for how many CPUs each had work, and what its threads did meanwhile.

    {"more", "says": [sentence], "a", "b": a side}

    side    {"kind", "cpus_wanted", "cpus_used", "cpus", "processes", "held_share", "gil_enabled",
             "threads": {state: mean}}

`cpus_wanted` is for how many CPUs it had work at a time: threads that ran Python, and those that computed
outside the GIL, by their CPU time beside the time in which they were blocked. It does not depend on what else
the machine was busy with; `cpus_used` of the `cpus` that there are does. `threads` tells how many threads
were in a state on average.

`more` is "a" or "b" where one had work for more CPUs by at least MORE of a CPU and MORE_SHARE; "alike" where
they differ by less; null where that cannot be told.

`kind` is what limited the run:

    parallel    it had work for more than one CPU
    gil         threads waited for a GIL that was held for most of the time
    one         one thread at a time had work, and hardly any waited for the GIL
    waits       it had no use for a whole CPU: its threads waited for something else than the GIL
    unknown     too little was seen

One run tells what was done at once. What more threads would bring, only runs with more threads do: where two
runs of one workload differ in nothing but the workers, their operations a second are set side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from app.analysis.findings.rows import lets_go, share, wanted_cpus
from app.model import units
from app.model.states import STATES, State
from app.model.summary import Summary

MORE = 0.25  # CPUs
MORE_SHARE = 1.25
LEAST_S = 0.5  # a shorter run tells nothing
LEAST_COVERAGE = 0.5

_PARALLEL = 1.25  # CPUs wanted
_BUSY = 0.75  # CPUs: who wants less has no use for a whole one
_FULL = 0.9  # of the CPUs
_TAKEN = 0.3  # CPUs that there are, wanted and not had
_HELD, _WAITERS = 0.5, 0.5

Kind = Literal["parallel", "gil", "one", "waits", "unknown"]
More = Literal["a", "b", "alike"]
Json = dict[str, Any]

_CAVEAT = (
    "One run of each tells what was done at once, not what more threads would bring: to measure that, run "
    "the same program with 1, 2 and 4 workers and compare those."
)
_WAITED_FOR: dict[State, str] = {"io": "for I/O", "lock": "for locks", "sleep": "asleep"}


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What a run did at once."""

    letter: str
    kind: Kind
    cpus_wanted: float | None
    cpus_used: float | None
    cpus: float | None
    processes: int
    held_share: float | None
    gil_enabled: bool | None
    threads: dict[State, float]

    def to_json(self) -> Json:
        """As at the head of this module."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "letter"}


def which_does_more(a: Summary, b: Summary, only_workers_differ: bool) -> Json:
    """As at the head of this module."""
    sides = (at_once("A", a), at_once("B", b))
    more = _more(*sides)
    says = _scaling(a, b) if only_workers_differ else []
    measured = bool(says)
    says += [*_sentences(more, *sides), *([] if measured or more is None else [_CAVEAT])]
    return {"more": more, "says": says, "a": sides[0].to_json(), "b": sides[1].to_json()}


def at_once(letter: str, summary: Summary) -> AtOnce:
    """What the run did at once; `letter` is what sentences call it."""
    lasted_s = summary["run"]["duration_s"]
    threads: dict[State, float] = dict.fromkeys(STATES, 0.0)
    for thread in summary["threads"]:
        for state in STATES:
            threads[state] += (thread["shares"][state] or 0.0) * thread["observed_s"] / (lasted_s or 1.0)
    gils = [gil for gil in summary["gils"] if gil["held_share"] is not None]
    busiest = max(gils, key=lambda gil: gil["held_share"] or 0.0, default=None)
    held = busiest["held_share"] if busiest else None
    waiters = sum(gil["waiters"] or 0.0 for gil in gils)
    used, wanted = summary["cpu_share"], _wanted(summary)
    seen = lasted_s >= LEAST_S and (summary["sampling"]["coverage"] or 0.0) >= LEAST_COVERAGE
    kind: Kind = "waits"
    if used is None or not seen:
        kind = "unknown"
    elif wanted >= _PARALLEL:
        kind = "parallel"
    elif (held or 0.0) >= _HELD and waiters >= _WAITERS:
        kind = "gil"
    elif wanted >= _BUSY:
        kind = "one"
    return AtOnce(
        letter,
        kind,
        wanted,
        used,
        max((row["cpus"] for row in summary["processes"] if row["cpus"] is not None), default=None),
        len(summary["processes"]),
        held,
        summary["target"]["gil_enabled"],
        threads,
    )


def _wanted(summary: Summary) -> float:
    """For how many CPUs it had work at a time; at least what it had."""
    lasted_s = summary["run"]["duration_s"] or 1.0
    wanted = 0.0
    for thread in summary["threads"]:
        there = thread["observed_s"] / lasted_s
        wanted += share(thread, "running") * there
        if lets_go(thread):
            wanted += min(share(thread, "native"), wanted_cpus(thread)) * there
    return max(wanted, summary["cpu_share"] or 0.0)


def _more(one: AtOnce, other: AtOnce) -> More | None:
    """Which had work for more CPUs; that says nothing of a run that had no use for one."""
    if {one.kind, other.kind} & {"unknown", "waits"} or one.cpus_wanted is None or other.cpus_wanted is None:
        return None
    least, most = sorted((one.cpus_wanted, other.cpus_wanted))
    if most - least < MORE or most < least * MORE_SHARE:
        return "alike"
    return "a" if one.cpus_wanted > other.cpus_wanted else "b"


def _sentences(more: More | None, one: AtOnce, other: AtOnce) -> list[str]:
    unknown = [side.letter for side in (one, other) if side.kind == "unknown"]
    if unknown:
        return [f"Too little was seen of {' and '.join(unknown)} to tell which does more at once."]
    had = (
        f"A had work for {units.mean(one.cpus_wanted)} CPUs at a time, B for {units.mean(other.cpus_wanted)}"
    )
    if more is None:
        head = f"CPU use does not tell which scales: {had}."
    elif more == "alike":
        head = f"Neither does more at once: {had}."
    else:
        head = f"{more.upper()} does more at once: {had}."
    return [head, *(_why(side) for side in (one, other)), *_taken(one, other)]


def _taken(one: AtOnce, other: AtOnce) -> list[str]:
    """Where CPUs that there are were not had: other programs took them."""
    lost = [
        side.letter
        for side in (one, other)
        if min(side.cpus_wanted or 0.0, side.cpus or 0.0) - (side.cpus_used or 0.0) >= _TAKEN
    ]
    if not lost:
        return []
    return [
        f"The machine was busy with other programs: {' and '.join(lost)} had less of the CPUs than wanted. "
        "On a quiet machine more is done in the same time."
    ]


def _why(side: AtOnce) -> str:
    letter, threads = side.letter, side.threads
    if side.kind == "gil":
        return (
            f"In {letter} the GIL was held for {units.share(side.held_share)} of the time, and "
            f"{units.mean(threads['waiting'])} threads waited for it on average: more threads would only "
            "wait longer."
        )
    if side.kind == "parallel":
        if side.processes > 1:
            how = f"its work went on in {side.processes} processes"
        elif side.gil_enabled is False:
            how = "this interpreter has no GIL, so its threads ran Python at once"
        else:
            how = (
                f"{units.mean(threads['native'])} threads computed outside the GIL on average, which was "
                f"held for {units.share(side.held_share)} of the time"
            )
        full = side.cpus is not None and (side.cpus_used or 0.0) >= _FULL * side.cpus
        return f"In {letter} {how}." + (f" It used all {side.cpus:g} CPUs that there are." if full else "")
    if side.kind == "one":
        return f"In {letter} one thread at a time had work: hardly any waited for the GIL."
    state = max(_WAITED_FOR, key=lambda state: threads[state])
    return (
        f"{letter} had no use for a whole CPU: {units.mean(threads[state])} of its threads were "
        f"{'waiting ' if state != 'sleep' else ''}{_WAITED_FOR[state]} on average. How much it does with "
        "more threads, only a run with more threads tells."
    )


def _scaling(a: Summary, b: Summary) -> list[str]:
    """What more workers brought, in operations a second; nothing where these are not known."""
    counts = [summary["run"].get("workers") for summary in (a, b)]
    rates = [(summary["workload"] or {}).get("ops_per_s") for summary in (a, b)]
    if counts[0] == counts[1] or None in counts or not all(rates):
        return []
    (few, less), (many, rate) = sorted(zip(counts, rates, strict=True), key=lambda each: each[0] or 0)
    gained = (rate or 0.0) / (less or 1.0)
    ideal = (many or 1) / (few or 1)
    if gained >= 1 + 0.7 * (ideal - 1):
        verdict = "it scales"
    elif gained >= 1 + 0.25 * (ideal - 1):
        verdict = "it scales in part"
    else:
        verdict = "it does not scale"
    return [
        f"With {many} workers in place of {few} it did {gained:.2g} times as many operations a second, of "
        f"{ideal:.2g} times that would be ideal: {verdict} here."
    ]
