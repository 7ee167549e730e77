"""What the figures of a run answer to the question that it is looked at for, in sentences.

    {"says": [sentence], "reported": [sentence], "found": [{"code", "severity", "title"}],
     "missing": [sentence], "so_far": bool}

`says` is told from what was measured, by the question (see QUESTIONS in app/workloads/catalogue.py);
`reported` is what the workload itself says of its result, with its own numbers; `found` are the findings.
For each figure that an answer needs and that the run did not give there is a sentence in `missing`, with the
reason where one is known. `so_far`: the run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from app.analysis.at_once import at_once
from app.analysis.tracks import THIN
from app.model import units
from app.model.states import Measure
from app.model.summary import GilRow, LoopRow, Summary

_SAID_ALREADY = "observation-thin"  # that little was seen is among the sentences

Json = dict[str, Any]


def answered(question: str | None, summary: Summary) -> Json:
    """As at the head of this module; a run that asks nothing is told as work."""
    told = list(_BY_QUESTION.get(question or "", _work)(summary))
    workload = summary["workload"] or {}
    showed = workload.get("showed")
    return {
        "says": [*(each.text for each in told if each.known), *_thin(summary)],
        "reported": [str(one) for one in showed] if isinstance(showed, list) else [],
        "found": [
            {key: row[key] for key in ("code", "severity", "title")}
            for row in summary["findings"]
            if row["code"] != _SAID_ALREADY
        ],
        "missing": [each.text for each in told if not each.known],
        "so_far": summary["run"]["state"] in ("starting", "running"),
    }


class Sentence(NamedTuple):
    """One sentence: of a figure, or of one that the run did not give."""

    text: str
    known: bool = True


Told = Iterator[Sentence]


def _gil(summary: Summary) -> Told:
    if summary["target"]["gil_enabled"] is False:
        yield Sentence("This build has no GIL: nobody holds it, and nobody waits for it.")
        yield from _running(summary)
        return
    gils = [gil for gil in summary["gils"] if gil["held_share"] is not None]
    if not gils:
        yield _unknown("for how long the GIL was held", summary, "gil")
        return
    busiest = max(gils, key=lambda gil: gil["held_share"] or 0.0)
    yield Sentence(_held(busiest, len(summary["gils"])))
    yield from _running(summary)
    if busiest["switches_per_s"] is not None:
        yield Sentence(f"Switches from one thread to another: {units.rate(busiest['switches_per_s'])}.")
    waits = [
        (row["gil_wait"]["p99_s"], row["name"]) for row in summary["threads"] if row["gil_wait"]["count"]
    ]
    longest = max(((wait, name) for wait, name in waits if wait is not None), default=None)
    if longest is not None:
        yield Sentence(
            f"In 99 of 100 waits the thread that fared worst, {longest[1]}, waited no longer than "
            f"{units.seconds(longest[0])}."
        )


def _held(gil: GilRow, number: int) -> str:
    which = "The GIL" if number == 1 else f"The busiest of {number} GILs"
    held = f"{which} was held for {units.share(gil['held_share'])} of the time"
    if gil["contended_share"] is None:
        return f"{held}."
    return f"{held}; for {units.share(gil['contended_share'])} of the time another thread waited for it."


def _work(summary: Summary) -> Told:
    workload = summary["workload"] or {}
    ops = workload.get("ops_per_s")
    if isinstance(ops, int | float):
        op = f", each of them {workload['op']}" if workload.get("op") else ""
        yield Sentence(f"Operations: {units.rate(ops)}{op}.")
    else:
        yield _unknown("how many operations it did")
    if summary["cpu_share"] is None:
        yield _unknown("how much CPU it used")
    else:
        yield Sentence(f"It used {units.mean(summary['cpu_share'])} CPUs on average.")
    yield from _running(summary)


def _locks(summary: Summary) -> Told:
    threads = at_once("", summary).threads
    if not summary["threads"]:
        yield _unknown("what its threads did", summary, "threads")
        return
    yield Sentence(
        f"Of {len(summary['threads'])} threads, {units.mean(threads['lock'])} waited on average for a lock "
        f"other than the GIL, and {units.mean(threads['running'])} ran Python.",
    )


def _loop(summary: Summary) -> Told:
    loops = [row for row in summary["loops"] if row["lag_s"]["p99"] is not None]
    if not loops:
        yield _unknown("how late an event loop was: none was seen")
        return
    worst = max(loops, key=lambda row: row["lag_s"]["p99"] or 0.0)
    lag = worst["lag_s"]
    yield Sentence(
        f"A timer of the loop in {worst['name']} would have run {units.seconds(lag['p50'])} late half of the "
        f"time, and {units.seconds(lag['p99'])} late or less for 99 % of it.",
    )
    yield from _longest_step(worst)


def _longest_step(loop: LoopRow) -> Told:
    if not loop["longest"]:
        return
    step = loop["longest"][0]
    where = f" in `{step['function']}`" if step["function"] else ""
    whose = f" of the task `{step['task']}`" if step["task"] else ""
    yield Sentence(
        f"The longest step{whose} kept all others waiting for {units.seconds(step['length_s'])}{where}.",
    )


def _memory(summary: Summary) -> Told:
    peak = summary["memory_peak"]["rss"]
    if peak is None:
        yield _unknown("its memory")
    else:
        yield Sentence(f"RSS was {units.size(peak)} at its highest.")
    heaps = summary["heap"]
    if not heaps:
        yield _unknown("what Python's objects take", summary, "heap")
    else:
        most, now = (sum(row["peak"]["bytes_used"] for row in heaps), sum(row["bytes_used"] for row in heaps))
        yield Sentence(
            f"Python's objects took {units.size(most)} of it at most, and {units.size(now)} when last read.",
        )
    growing = max(
        (row["growth"] for row in summary["memory"] if row["growth"] is not None),
        key=lambda growth: growth["bytes_per_s"],
        default=None,
    )
    if growing is not None and growing["bytes_per_s"] > 0:
        yield Sentence(
            "What a process alone has written to grew by "
            f"{units.size(growing['bytes_per_s'])} a second, from "
            f"{units.size(growing['bytes_from'])} to {units.size(growing['bytes_to'])}.",
        )


def _running(summary: Summary) -> Told:
    if summary["threads"]:
        running = at_once("", summary).threads["running"]
        yield Sentence(f"On average {units.mean(running)} of its threads ran Python at the same time.")
    else:
        yield _unknown("how many threads ran at once", summary, "threads")


def _thin(summary: Summary) -> Iterator[str]:
    coverage = summary["sampling"]["coverage"]
    if coverage is not None and coverage < THIN:
        yield f"Only {units.coverage(coverage)} of the time was seen: shares are of that part."


def _unknown(what: str, summary: Summary | None = None, measure: Measure | None = None) -> Sentence:
    why = summary["capabilities"]["why"].get(measure) if summary is not None and measure else None
    reason = f" {why[0].upper()}{why[1:].rstrip('.')}." if why else ""
    return Sentence(f"This run did not tell {what}.{reason}", known=False)


_BY_QUESTION: dict[str, Callable[[Summary], Told]] = {
    "gil": _gil,
    "work": _work,
    "locks": _locks,
    "loop": _loop,
    "memory": _memory,
}
