"""The ways in which a program could run instead, and the band of throughput that each is given.

    free-threading    no GIL: threads share the CPUs alone; Python costs what the build costs (`_Tax`), and
                      threads that run Python at once slow each other down a little (_CONTENDED)
    processes         the same, without that cost: each thread that computes as a process. What is sent
                      between them is pickled, and how much that is cannot be seen from outside
    subinterpreters   as processes, within one
    thread-more       one thread more of the kind that computes most: lock_throughput, bounded by the CPUs
    thread-fewer      one fewer

A band has four causes. CPUs that were idle so far give less than one each where they share a core
(_SHARED_CORE, in the low end alone). Waits at the GIL may be as chance has them, or less. Each forced
hand-over of the GIL costs something that is saved without it (_HAND_OVER_S). And _OFF is what two runs of the
same program differ by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

from app.analysis.forecast.capacity import lock_throughput, shared_cpus
from app.analysis.forecast.demand import Demand, demands, kinds
from app.model import units
from app.model.forecast import Band, Choice, Forecast, ForecastRow, GroupForecast, MemoryBand
from app.model.summary import GilRow, Measurements

_OFF = 0.08
_SHARED_CORE = 0.65  # what a CPU that was idle so far adds where two are one core
_CONTENDED = (0.7, 0.97, 1.0)  # of what threads without a GIL do at once, for each that runs beside another
_PYTHON_BYTES = 8 << 20  # of a process that has imported nothing
_INTERPRETER_BYTES = 4 << 20  # of a subinterpreter that has
_HAND_OVER_S = (
    0.0,
    0.0003,
    0.0008,
)  # of Python that a forced hand-over of the GIL costs, in caches and wake-ups
_MOST_LOST = 0.2
_OWN_QUEUE = 0.85  # of its CPUs in use: its threads wait for each other there, and not for other programs
_INTERVAL_S = 0.005  # CPython's default, where the target's own could not be read
_MEASURED_OFF = 0.1  # what a CPU was measured to add is itself off by that
_SEEN = 0.5
_TAKEN = 0.1  # by other programs, of the time for which its threads wanted a CPU
_LOCKED = 0.1  # of a thread's time at locks that are not the GIL
_AMOUNTS = [field.name for field in fields(Demand) if field.name not in ("pid", "name")]


class _Worths(NamedTuple):
    """What a CPU that was idle so far adds, beside one that was in use: 1 is as much."""

    low: float
    middle: float
    high: float
    words: str


def _in_all(used: float, cpus: float, worth: float) -> float:
    """How many CPUs of the kind that was in use all of them are."""
    return used + (cpus - used) * worth if cpus > used else cpus


class _Tax(NamedTuple):
    """What a step of byte code costs on a free-threaded build, beside the one that was observed."""

    low: float
    middle: float
    high: float
    words: str


_SAME = _Tax(0.97, 1.0, 1.05, "It is the same build with its GIL switched off: byte code costs the same.")
_EARLY = _Tax(1.1, 1.35, 1.6, "Byte code costs 1.1 to 1.6 times as much on free-threaded 3.13.")
_LATE = _Tax(1.0, 1.1, 1.25, "Byte code costs 1 to 1.25 times as much on free-threaded 3.14 and later.")


def forecast(summary: Measurements, cpu_worth: float | None = None) -> Forecast:
    """What a run's figures foretell; `why_not` where they are too few.

    `cpu_worth` is what a second CPU was measured to add on that machine, where that is known: 1 is as much as
    the first, and less where two are one core.
    """
    threads = [thread for alike in kinds(demands(summary)).values() for thread in alike]
    gils = [gil for gil in summary["gils"] if (gil["coverage"] or 0.0) >= _SEEN]
    computed = sum(thread.cpu for thread in threads)
    found: Forecast = {
        "cpus": _cpus(summary),
        "cpus_used": computed,
        "python_share": sum(thread.python for thread in threads) / computed if computed else None,
        "serial_share": max((_alone(gil, gils) for gil in gils), default=None),
        "rows": [],
        "why_not": None,
    }
    cpus = found["cpus"]
    if cpus is not None and computed < _OWN_QUEUE * cpus:
        threads = [_slowed(thread) for thread in threads]
    if not threads:
        found["why_not"] = "No thread of Python computed for a hundredth of a CPU while it was seen."
    elif cpus is None:
        found["why_not"] = "How many CPUs the process may use is not known."
    else:
        found["rows"] = [make(summary, threads, cpus, _worths(cpu_worth)) for make in _CHOICES]
    return found


def _slowed(thread: Demand) -> Demand:
    """Others had the CPUs for which it stood in the queue, and go on: its work takes that much longer."""
    return replace(
        thread,
        python=thread.python + thread.held_queued,
        native=thread.native + thread.queued - thread.held_queued,
        queued=0.0,
        held_queued=0.0,
        taken=thread.queued,
    )


def _worths(measured: float | None) -> _Worths:
    if measured is not None:
        worth = max(0.0, measured)
        words = (
            f"One that was idle so far adds {units.share(worth)} of what one in use gives: that was measured."
        )
        return _Worths(max(0.0, worth - _MEASURED_OFF), worth, worth + _MEASURED_OFF, words)
    words = (
        "One that was idle so far adds as much as one in use; where two are one core it adds some "
        f"{units.share(_SHARED_CORE)} of that."
    )
    return _Worths(_SHARED_CORE, 1.0, 1.0, words)


def _alone(gil: GilRow, gils: Sequence[GilRow]) -> float:
    """For how much of the time nothing but a holder of this GIL can have run Python, at the least.

    While it is held without a waiter, threads of other processes or interpreters may hold theirs.
    """
    others = sum(other["held_share"] or 0.0 for other in gils if other is not gil)
    return max((gil["held_share"] or 0.0) - (gil["contended_share"] or 0.0) - others, 0.0)


def _cpus(summary: Measurements) -> float | None:
    return max((row["cpus"] for row in summary["processes"] if row["cpus"]), default=None)


def _free_threading(
    summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths
) -> ForecastRow:
    row = _row("free-threading", "A free-threaded build, its GIL off", len(threads))
    if _is_without(summary):
        return {**row, "why_not": "It runs on a free-threaded build without a GIL already."}
    tax = _tax(summary)
    at_once = min(cpus, sum(thread.python > 0 for thread in threads))

    def needs(cost: float, contended: float, lost: float) -> list[tuple[float, float]]:
        slowed = (1 - lost) * cost / (contended if at_once > 1 else 1.0)
        return [(thread.python * slowed + thread.native, thread.blocked) for thread in threads]

    low, middle, high = _CONTENDED
    row["assumptions"] = [
        tax.words,
        f"Threads that run Python at once do {units.share(low)} to 100 % of what they would do apart: less "
        "the more objects they share.",
        *_common(threads, cpus, worth),
        "Each C extension that it loads can do without the GIL: one that does not say so switches it on.",
    ]
    lost = _lost(summary)
    made = (
        needs(tax.high, low, lost[0]),
        needs(tax.middle, middle, lost[1]),
        needs(tax.low, high, lost[2]),
    )
    return _banded(row, threads, made, cpus, worth)


def _is_without(summary: Measurements) -> bool:
    """Whether it ran without a GIL: a lock that is never held is none."""
    held = any(gil["held_share"] for gil in summary["gils"])
    return bool(summary["target"]["free_threaded"]) and not summary["target"]["gil_enabled"] and not held


def _tax(summary: Measurements) -> _Tax:
    target = summary["target"]
    if target["free_threaded"]:
        return _SAME
    return _EARLY if (target["python"] or "").startswith("3.13.") else _LATE


def _processes(summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths) -> ForecastRow:
    row = _row("processes", "A process for each thread that computes", len(threads))
    row["assumptions"] = [
        "Nothing is sent between them: what would be pickled is unknown from outside, and costs time that is "
        "not counted here.",
        *_common(threads, cpus, worth),
    ]
    own = [process["uss"] for process in summary["memory"] if process["uss"] is not None]
    row["memory"] = _memory(threads, _PYTHON_BYTES, max(own, default=None))
    return _apart(row, threads, cpus, worth, _lost(summary))


def _subinterpreters(
    summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths
) -> ForecastRow:
    row = _row("subinterpreters", "An interpreter for each thread that computes", len(threads))
    row["assumptions"] = [
        "CPython 3.14 or later, and each C extension that is used in them supports several interpreters.",
        "Nothing is sent between them: what would be copied or pickled is not counted here.",
        *_common(threads, cpus, worth),
    ]
    used = [heap["bytes_used"] for heap in summary["heap"] or []]
    row["memory"] = _memory(threads, _INTERPRETER_BYTES, max(used, default=None))
    return _apart(row, threads, cpus, worth, _lost(summary))


def _memory(threads: Sequence[Demand], least: int, most: int | None) -> MemoryBand | None:
    """Each starts with little, and may come to hold as much of its own as the whole does now."""
    return None if most is None else {"low": least * len(threads), "high": max(least, most) * len(threads)}


def _apart(
    row: ForecastRow,
    threads: Sequence[Demand],
    cpus: float,
    worth: _Worths,
    lost: Sequence[float],
) -> ForecastRow:
    needs = [
        [(thread.python * (1 - part) + thread.native, thread.blocked) for thread in threads] for part in lost
    ]
    return _banded(row, threads, (needs[0], needs[1], needs[2]), cpus, worth)


def _lost(summary: Measurements) -> list[float]:
    """The share of Python's time that forced hand-overs of the GIL take: at least, most likely, at most.

    One is forced in each switch interval at the most; those that a thread makes as it blocks cost it nothing
    that it would not have to do without a GIL.
    """
    if _is_without(summary):
        return [0.0, 0.0, 0.0]
    interval_s = summary["target"]["switch_interval_s"] or _INTERVAL_S
    forced = max((_forced_per_s(gil, interval_s) for gil in summary["gils"]), default=0.0)
    return [min(_MOST_LOST, forced * each) for each in _HAND_OVER_S]


def _forced_per_s(gil: GilRow, interval_s: float) -> float:
    return min(gil["switches_per_s"] or 0.0, (gil["contended_share"] or 0.0) / interval_s)


def _one_more(summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths) -> ForecastRow:
    return _with_threads(summary, threads, cpus, worth, 1)


def _one_fewer(summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths) -> ForecastRow:
    return _with_threads(summary, threads, cpus, worth, -1)


def _with_threads(
    summary: Measurements, threads: Sequence[Demand], cpus: float, worth: _Worths, change: int
) -> ForecastRow:
    """Of the kind that computes most, as if each of them did the same."""
    (_, name), alike = max(kinds(threads).items(), key=lambda item: len(item[1]) > 1)  # the first of these
    count = len(alike)
    more = change > 0
    title = f'One thread {"more" if more else "fewer"} like "{name}", of which there are {count}'
    row = _row("thread-more" if more else "thread-fewer", title, count + change)
    if count + change == 0:
        return {**row, "why_not": f'There is only one thread like "{name}".'}
    mean = _mean(alike)
    held = mean.python + mean.stalled + mean.held_queued if not _is_without(summary) else 0.0
    alone = mean.cpu + mean.blocked + mean.queued
    others = sum(thread.cpu for thread in threads) - mean.cpu * count
    most = max(_in_all(mean.cpu * count + others, cpus, worth.middle) - others, mean.cpu) / mean.cpu
    ratios = [
        min(after, max(most, count)) / before
        for before, after in _with_waits(count, count + change, held, alone, mean.waiting)
    ]
    if count + change == 1:  # nobody is left to hand the lock over to
        ratios += [ratios[0] / (1 - part) for part in _lost(summary)[1:]]
        ratios[0] = ratios[-2]
    if more and mean.lock > _LOCKED:  # who waits at a lock of its own, or for work, is served no sooner
        ratios.append(1.0)
    row["throughput"] = _band(min(ratios), ratios[0], max(ratios))
    row["groups"] = []
    row["assumptions"] = [
        f"The new one does what the others do: it holds the GIL for {units.share(held)} of its time where "
        "nobody is in its way."
        if more
        else "The others find as much work as they can do.",
        *_common(threads, cpus, worth),
    ]
    return row


def _with_waits(now: int, then: int, held: float, alone: float, waiting: float) -> list[tuple[float, float]]:
    """(throughput now, throughput then) of so many threads, in three ways; the first is the likeliest.

    Waits for the GIL grow as queueing theory has them, from those that were seen; or as it has them in
    itself, with lengths as chance has them, or all alike.
    """
    if held <= 0:
        return [(float(now), float(then))]
    (chance, even), (chance_then, even_then) = (
        lock_throughput(count, held, alone - held) for count in (now, then)
    )
    ways = [(chance, chance_then), (even, even_then)]
    expected, expected_then = now / chance - alone, then / chance_then - alone
    if expected > 0:
        scaled = expected_then * waiting / expected
        ways.insert(0, (now / (alone + waiting), min(then / (alone + scaled), 1 / held)))
    elif then == 1:
        ways.insert(0, (now / (alone + waiting), 1 / alone))
    return ways


def _mean(alike: Sequence[Demand]) -> Demand:
    values = ((field, sum(getattr(one, field) for one in alike) / len(alike)) for field in _AMOUNTS)
    return Demand(alike[0].pid, alike[0].kind, **dict(values))


def _banded(
    row: ForecastRow,
    threads: Sequence[Demand],
    needs: tuple[Sequence[tuple[float, float]], ...],
    cpus: float,
    worth: _Worths,
) -> ForecastRow:
    """`needs` at worst, most likely, and at best."""
    used = sum(thread.cpu for thread in threads)
    rates = [
        shared_cpus(each, _in_all(used, cpus, part)) for each, part in zip(needs, worth[:3], strict=True)
    ]
    row["throughput"] = _band(*(_together(threads, rate) for rate in rates))
    places = {id(thread): at for at, thread in enumerate(threads)}
    for (_, name), alike in kinds(threads).items():
        bands = [_together(alike, [rate[places[id(one)]] for one in alike]) for rate in rates]
        group: GroupForecast = {"name": name, "threads": len(alike), "throughput": _band(*bands)}
        row["groups"].append(group)
    return row


def _together(threads: Sequence[Demand], rates: Sequence[float]) -> float:
    """The throughput of some threads: a thread counts by the CPU time that its work takes."""
    return sum(thread.cpu * rate for thread, rate in zip(threads, rates, strict=True)) / sum(
        thread.cpu for thread in threads
    )


def _band(low: float, middle: float, high: float) -> Band:
    return {"low": low * (1 - _OFF), "middle": middle, "high": high * (1 + _OFF)}


def _common(threads: Sequence[Demand], cpus: float, worth: _Worths) -> list[str]:
    """What is assumed of the machine and of what blocks."""
    wanted = sum(thread.cpu for thread in threads)
    taken = sum(thread.taken for thread in threads) / wanted if wanted else 0.0
    said = [
        f"It may use {cpus:g} CPUs{'' if taken > _TAKEN else ', which are there for it alone'}. {worth.words}"
    ]
    if taken > _TAKEN:
        said.append(
            f"Other programs had the CPUs for {units.share(taken)} of the time for which its threads "
            "wanted one, and go on so."
        )
    if any(thread.asleep > 0.05 for thread in threads):
        said.append("Sleep, and what it waits for outside, lasts as long as it did.")
    if any(thread.lock > 0.05 for thread in threads):
        said.append("Waits for locks of its own, and for work, last as long as they did.")
    return said


def _row(choice: Choice, title: str, workers: int) -> ForecastRow:
    return {
        "choice": choice,
        "title": title,
        "throughput": None,
        "why_not": None,
        "workers": workers,
        "memory": None,
        "groups": [],
        "assumptions": [],
    }


_CHOICES: tuple[Callable[[Measurements, Sequence[Demand], float, _Worths], ForecastRow], ...] = (
    _free_threading,
    _processes,
    _subinterpreters,
    _one_more,
    _one_fewer,
)
