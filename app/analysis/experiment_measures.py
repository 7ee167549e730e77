"""What is compared of an experiment's runs: each measure, and how it is read from a run's summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.model.summary import Summary

THROUGHPUT = "ops_per_s"
WALL = "wall_s"
COUNTED = 0.5  # of the time of a program
LEAST_WORK_S = 0.1  # of all threads: a share of less says nothing
ONE_GIL = 0.95  # of the time in which any was held

Maybe = float | None


@dataclass(frozen=True, slots=True)
class RunTimes:
    """What of a run's times stands in no summary, in seconds; None where it does not concern its kind.

    `start_up_s`: from the start of the observation until all workers of a workload were ready. `wall_s`: from
    the start of a command or a script to its own end.
    """

    start_up_s: Maybe = None
    wall_s: Maybe = None


@dataclass(frozen=True, slots=True)
class ExperimentMeasure:
    """A figure of a run that is compared. `unit` is rate, duration, size (bytes), share or count."""

    key: str
    label: str
    unit: str
    read: Callable[[Summary, RunTimes], Maybe]


def measured(summary: Summary, times: RunTimes) -> dict[str, Maybe]:
    """What one run measured, by the keys of MEASURES; None where it could not be measured."""
    return {measure.key: measure.read(summary, times) for measure in MEASURES}


def reported_speed_ups(summary: Summary) -> dict[int, float]:
    """Of a workload that itself measures how it scales: the speed-up with so many workers, by its table."""
    table: Any = (summary["workload"] or {}).get("table") or {}
    columns: list[str] = table.get("columns", [])
    if "workers" not in columns or "speed_up" not in columns:
        return {}
    workers, speed_up = columns.index("workers"), columns.index("speed_up")
    return {int(row[workers]): float(row[speed_up]) for row in table["rows"] if row[speed_up]}


def cpus_wanted(summary: Summary) -> tuple[float, float] | None:
    """How many threads, on average, ran or waited for a CPU; and how many waited. None: it is unknown."""
    rows = [row for row in summary["threads"] if row["counted_s"] and row["cpu_s"] is not None]
    counted_s = max((row["counted_s"] or 0.0 for row in rows), default=0.0)
    if not counted_s:
        return None
    waited_s = sum(row["run_delay_s"] or 0.0 for row in rows)
    return (waited_s + sum(row["cpu_s"] or 0.0 for row in rows)) / counted_s, waited_s / counted_s


def _ops_per_s(summary: Summary, _: RunTimes) -> Maybe:
    """A workload that has one worker alone first tells what all did together; that is what is compared."""
    together = _reported(summary, "together_per_s")
    return _reported(summary, "ops_per_s") if together is None else together


def _reported(summary: Summary, field: str) -> Maybe:
    """A number that the workload itself tells."""
    value = (summary["workload"] or {}).get(field)
    return float(value) if isinstance(value, int | float) else None


def _pickling_s(field: str) -> Callable[[Summary, RunTimes], Maybe]:
    """By all who pickled and unpickled together."""

    def read(summary: Summary, _: RunTimes) -> Maybe:
        pickling_ms = _reported(summary, field)
        return None if pickling_ms is None else pickling_ms / 1000

    return read


def _latency(percentile: str) -> Callable[[Summary, RunTimes], Maybe]:
    """Of answers, in seconds; of a workload that compares two, those beside workers that compute."""

    def read(summary: Summary, _: RunTimes) -> Maybe:
        reported: Mapping[str, Any] = summary["workload"] or {}
        latency = reported.get("latency_ms") or reported.get("latency_beside_cpu_ms") or {}
        value: Maybe = latency.get(percentile)
        return None if value is None else value / 1000

    return read


def _cpu_s(summary: Summary, times: RunTimes) -> Maybe:
    """As its parent had it of the kernel at its end; else what was counted until the last reading.

    None of a program that had ended before half of its time was counted: the rest may be the most.
    """
    whole_s = summary["run"].get("cpu_s")  # which what was summed up before had not
    if whole_s is not None:
        return whole_s
    counted_s = max((row["counted_s"] or 0.0 for row in summary["threads"]), default=0.0)
    if times.wall_s is not None and counted_s < COUNTED * times.wall_s:
        return None
    known = [thread["cpu_s"] for thread in summary["threads"] if thread["cpu_s"] is not None]
    return sum(known) + (summary.get("threads_cpu_unlisted_s") or 0.0) if known else None


def _peak(key: str) -> Callable[[Summary, RunTimes], Maybe]:
    def read(summary: Summary, _: RunTimes) -> Maybe:
        peak: Mapping[str, Any] = {**(summary["memory_peak"] or {})}
        value: Maybe = peak.get(key)
        return value

    return read


def _most_held(key: str) -> Callable[[Summary, RunTimes], Maybe]:
    """Of the GIL that was held most, as where two runs are compared."""

    def read(summary: Summary, _: RunTimes) -> Maybe:
        gils: list[Any] = [gil for gil in summary["gils"] if gil["held_share"] is not None]
        value: Maybe = max(gils, key=lambda gil: gil["held_share"])[key] if gils else None
        return value

    return read


def _gil_work_share(summary: Summary, _: RunTimes) -> Maybe:
    """Of the work of all threads, the share that was done holding the GIL: the rest can be done at once.

    Work is time in which a thread held the GIL, or was at work without it. None where there is no GIL that
    the threads share: each process and each subinterpreter has its own; and where there was hardly any work.
    """
    held_s = [gil["held_s"] for gil in summary["gils"]]
    if not held_s or max(held_s) < ONE_GIL * sum(held_s) or not sum(held_s):
        return None
    native_s = sum(row["observed_s"] * (row["shares"].get("native") or 0.0) for row in summary["threads"])
    work_s = sum(held_s) + native_s
    return sum(held_s) / work_s if work_s >= LEAST_WORK_S else None


MEASURES = (
    ExperimentMeasure(WALL, "Wall time", "duration", lambda _, times: times.wall_s),
    ExperimentMeasure(THROUGHPUT, "Operations", "rate", _ops_per_s),
    ExperimentMeasure("latency_p50_s", "Latency p50", "duration", _latency("p50")),
    ExperimentMeasure("latency_p99_s", "Latency p99", "duration", _latency("p99")),
    ExperimentMeasure(
        "bytes_pickled", "Pickled", "size", lambda summary, _: _reported(summary, "bytes_pickled")
    ),
    ExperimentMeasure("pickling_s", "Time to pickle", "duration", _pickling_s("pickling_ms")),
    ExperimentMeasure(
        "executor_bytes_pickled",
        "Pickled by the executor",
        "size",
        lambda summary, _: _reported(summary, "executor_bytes_pickled"),
    ),
    ExperimentMeasure(
        "executor_pickling_s",
        "Time of that",
        "duration",
        _pickling_s("executor_pickling_ms"),
    ),
    ExperimentMeasure("cpu_s", "CPU time", "duration", _cpu_s),
    ExperimentMeasure("cpus_wanted", "CPUs wanted", "count", lambda s, _: (cpus_wanted(s) or (None,))[0]),
    ExperimentMeasure("rss_peak", "RSS at the peak", "size", _peak("rss")),
    ExperimentMeasure("pss_peak", "PSS at the peak", "size", _peak("pss")),
    ExperimentMeasure("uss_peak", "USS at the peak", "size", _peak("uss")),
    ExperimentMeasure("start_up_s", "Start-up", "duration", lambda _, times: times.start_up_s),
    ExperimentMeasure("held_share", "GIL held", "share", _most_held("held_share")),
    ExperimentMeasure("contended_share", "GIL contended", "share", _most_held("contended_share")),
    ExperimentMeasure("gil_work_share", "Work under one GIL", "share", _gil_work_share),
    ExperimentMeasure("coverage", "Time seen", "share", lambda summary, _: summary["sampling"]["coverage"]),
)
