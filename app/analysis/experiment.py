"""The result of an experiment: what each configuration measured, how they differ, and one sentence.

    {"schema", "state": "finished" or "stopped", "took_s",
     "asked": {"workload", "params", "seconds", "repeats", "seed", "cores"},
     "measures": [{"key", "label", "unit"}],
     "configurations": [{"executor", "workers", "python", "runs": [id],
                         "repetitions", "made_again", "disturbed", "error",
                         "values": {key: [number or null, of each of `runs`]},
                         "measures": {key: a MedianEstimate or null},
                         "differences": {key: a SampleDifference from the baseline, or null}}],
     "left_out": [{"executor", "python", "why"}],
     "scaling": [see app/analysis/scaling_rows.py],
     "verdict": {"says", "baseline", "best", "equal": [...], "sentence"}}

MedianEstimate and SampleDifference are those of app/analysis/estimates.py. `repetitions` count; `made_again`
were disturbed and do not; `disturbed` are those among the repetitions that were still disturbed when no
further try was left. `error` is why a configuration was given up.

The verdict is by throughput. `baseline` and `best` are positions in `configurations`, `equal` those of others
that cannot be told from the best. `says` is "faster", "none-faster", "within-noise", "too-few", or "nothing".

`unit` is rate, duration, size (bytes), share or count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.analysis.estimates import FEWEST, MedianEstimate, SampleDifference, difference, estimate
from app.analysis.scaling_rows import ScalingSeries, scaling_row
from app.model import units
from app.model.summary import Summary

SCHEMA = 1
THROUGHPUT = "ops_per_s"

Json = dict[str, Any]
Maybe = float | None


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a workload is run: on which executor, by how many workers, on which interpreter ("3.14.2")."""

    executor: str
    workers: int
    python: str

    def __str__(self) -> str:
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        return f"{self.executor} with {workers} on CPython {self.python}"


@dataclass(slots=True)
class Trials:
    """What came of a configuration: the measures of each repetition that counts, as `measured` reads them."""

    configuration: Configuration
    measured: list[Mapping[str, Maybe]] = field(default_factory=list)
    reported: list[Mapping[int, float]] = field(default_factory=list)  # the speed-ups of `reported_speed_ups`
    runs: list[str] = field(default_factory=list)
    made_again: int = 0
    disturbed: int = 0
    error: str | None = None

    def values(self, key: str) -> list[float]:
        """Of one measure, where it was measured."""
        return [value for each in self.measured if (value := each[key]) is not None]


@dataclass(frozen=True, slots=True)
class ExperimentMeasure:
    """A figure of a run that is compared."""

    key: str
    label: str
    unit: str
    read: Callable[[Summary, float], Maybe]


def measured(summary: Summary, start_up_s: float) -> dict[str, Maybe]:
    """What one run measured, by the keys of MEASURES; None where it could not be measured."""
    return {measure.key: measure.read(summary, start_up_s) for measure in MEASURES}


def result(
    asked: Json, state: str, took_s: float, trials: Sequence[Trials], left_out: Sequence[Json]
) -> Json:
    """The result, as at the head of this module."""
    baseline = _baseline(trials)
    return {
        "schema": SCHEMA,
        "state": state,
        "took_s": took_s,
        "asked": asked,
        "measures": [{"key": one.key, "label": one.label, "unit": one.unit} for one in MEASURES],
        "configurations": [
            _row(one, None if at == baseline else trials[baseline]) for at, one in enumerate(trials)
        ],
        "left_out": list(left_out),
        "scaling": [row for series in _series(trials) if (row := scaling_row(series, asked["cores"]))],
        "verdict": verdict(trials),
    }


def verdict(trials: Sequence[Trials]) -> Json:
    """By throughput: which configuration does most, and whether that is more than noise."""
    done = {at: found for at, one in enumerate(trials) if (found := estimate(one.values(THROUGHPUT)))}
    if not done:
        return _verdict("nothing", None, None, [], "No repetition ended, so there is nothing to compare.")
    baseline = _baseline(trials)
    best = max(done, key=lambda at: done[at].median)
    against = {at: _throughput(trials[best], trials[at]) for at in done if at != best}
    equal = [at for at, found in against.items() if found.says == "within-noise"]
    says, sentence = _said(trials, done, baseline, best, against, equal)
    return _verdict(says, baseline, best, equal, sentence)


def _said(
    trials: Sequence[Trials],
    done: Mapping[int, MedianEstimate],
    baseline: int,
    best: int,
    against: Mapping[int, SampleDifference],
    equal: Sequence[int],
) -> tuple[str, str]:
    name = str(trials[best].configuration)
    rate = units.rate(done[best].median)
    if not against:
        return "nothing", f"There is one configuration, {name}, and it does {rate}: nothing to compare."
    if any(found.says == "too-few" for found in against.values()):
        return "too-few", (
            f"Most was done by {name}, {rate}, but with fewer than {FEWEST} repetitions of each "
            "configuration that may be noise."
        )
    if len(equal) == len(against):
        which = "both" if len(done) == 2 else f"all {len(done)}"
        return "within-noise", f"The differences between {which} configurations are within the noise."
    if best == baseline:
        second = max(against, key=lambda at: done[at].median)
        compared = "" if equal else _compared(against[second], trials[second], done[second])
        return "none-faster", f"Nothing does more than {name}{_beside(trials, equal)}: {rate}{compared}."
    if baseline in equal:
        return "within-noise", (
            f"{name} does {rate}, and no more than noise separates it from {trials[baseline].configuration}."
        )
    compared = _compared(against[baseline], trials[baseline], done[baseline])
    return (
        "faster",
        f"{name} does most{_beside(trials, equal)}: {rate}{compared}{_memory(trials, best, baseline)}.",
    )


def _beside(trials: Sequence[Trials], equal: Sequence[int]) -> str:
    if not equal:
        return ""
    if len(equal) == 1:
        return f" (within the noise, as much as {trials[equal[0]].configuration})"
    return f" (within the noise, as much as {len(equal)} others)"


def _compared(found: SampleDifference, other: Trials, done: MedianEstimate) -> str:
    """How much more than another it is; of what did nothing there is no ratio."""
    if found.ratio is None:
        return f", where {other.configuration} does {units.rate(done.median)}"
    between = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return f", {found.ratio:.2f} times{between} as much as {other.configuration}"


def _memory(trials: Sequence[Trials], best: int, baseline: int) -> str:
    for key, kind in (("pss_peak", "PSS"), ("rss_peak", "RSS")):
        one, other = (estimate(trials[at].values(key)) for at in (best, baseline))
        if one and other:
            sizes = f"{units.size(one.median)} of memory at the peak, instead of {units.size(other.median)}"
            return f", with {sizes} ({kind})"
    return ""


def _verdict(says: str, baseline: int | None, best: int | None, equal: list[int], sentence: str) -> Json:
    return {"says": says, "baseline": baseline, "best": best, "equal": equal, "sentence": sentence}


def _throughput(one: Trials, other: Trials) -> SampleDifference:
    found = difference(one.values(THROUGHPUT), other.values(THROUGHPUT))
    assert found is not None  # both have an estimate
    return found


def _baseline(trials: Sequence[Trials]) -> int:
    """The sequential one with the fewest workers, else the first; of those that measured anything."""
    ran = [at for at, one in enumerate(trials) if one.values(THROUGHPUT)] or list(range(len(trials)))
    sequential = [at for at in ran if trials[at].configuration.executor == "sequential"]
    return min(sequential, key=lambda at: trials[at].configuration.workers, default=ran[0] if ran else 0)


def reported_speed_ups(summary: Summary) -> dict[int, float]:
    """Of a workload that itself measures how it scales: the speed-up with so many workers, by its table."""
    table: Any = (summary["workload"] or {}).get("table") or {}
    columns: list[str] = table.get("columns", [])
    if "workers" not in columns or "speed_up" not in columns:
        return {}
    workers, speed_up = columns.index("workers"), columns.index("speed_up")
    return {int(row[workers]): float(row[speed_up]) for row in table["rows"] if row[speed_up]}


def _series(trials: Sequence[Trials]) -> Iterator[ScalingSeries]:
    """Of each executor and interpreter: what it does with so many workers."""
    found: dict[tuple[str, str], list[Trials]] = {}
    for one in trials:
        found.setdefault((one.configuration.executor, one.configuration.python), []).append(one)
    for (executor, python), alike in found.items():
        most = max(alike, key=lambda one: one.configuration.workers)
        if most.reported and any(most.reported):
            points: dict[int, list[float]] = {}
            for speed_ups in most.reported:
                for workers, value in speed_ups.items():
                    points.setdefault(workers, []).append(value)
            yield ScalingSeries(executor, python, "reported", points, {})
        else:
            yield ScalingSeries(
                executor,
                python,
                "throughput",
                {one.configuration.workers: one.values(THROUGHPUT) for one in alike},
                {one.configuration.workers: one.values("cpus_wanted") for one in alike},
            )


def _row(one: Trials, baseline: Trials | None) -> Json:
    estimates = {measure.key: estimate(one.values(measure.key)) for measure in MEASURES}
    differences = {
        measure.key: difference(one.values(measure.key), baseline.values(measure.key)) if baseline else None
        for measure in MEASURES
    }
    return {
        "executor": one.configuration.executor,
        "workers": one.configuration.workers,
        "python": one.configuration.python,
        "runs": one.runs,
        "repetitions": len(one.measured),
        "made_again": one.made_again,
        "disturbed": one.disturbed,
        "error": one.error,
        "values": {measure.key: [each[measure.key] for each in one.measured] for measure in MEASURES},
        "measures": {key: found.to_json() if found else None for key, found in estimates.items()},
        "differences": {key: found.to_json() if found else None for key, found in differences.items()},
    }


def _ops_per_s(summary: Summary, _: float) -> Maybe:
    """A workload that has one worker alone first tells what all did together; that is what is compared."""
    together = _reported(summary, "together_per_s")
    return _reported(summary, "ops_per_s") if together is None else together


def _reported(summary: Summary, field: str) -> Maybe:
    """A number that the workload itself tells."""
    value = (summary["workload"] or {}).get(field)
    return float(value) if isinstance(value, int | float) else None


def _latency(percentile: str) -> Callable[[Summary, float], Maybe]:
    """Of answers, in seconds; of a workload that compares two, those beside workers that compute."""

    def read(summary: Summary, _: float) -> Maybe:
        reported: Mapping[str, Any] = summary["workload"] or {}
        latency = reported.get("latency_ms") or reported.get("latency_beside_cpu_ms") or {}
        value: Maybe = latency.get(percentile)
        return None if value is None else value / 1000

    return read


def _cpu_s(summary: Summary, _: float) -> Maybe:
    known = [thread["cpu_s"] for thread in summary["threads"] if thread["cpu_s"] is not None]
    return sum(known) + (summary.get("threads_cpu_unlisted_s") or 0.0) if known else None


def cpus_wanted(summary: Summary) -> tuple[float, float] | None:
    """How many threads, on average, ran or waited for a CPU; and how many waited. None: it is unknown."""
    rows = [row for row in summary["threads"] if row["counted_s"] and row["cpu_s"] is not None]
    counted_s = max((row["counted_s"] or 0.0 for row in rows), default=0.0)
    if not counted_s:
        return None
    waited_s = sum(row["run_delay_s"] or 0.0 for row in rows)
    return (waited_s + sum(row["cpu_s"] or 0.0 for row in rows)) / counted_s, waited_s / counted_s


def _peak(key: str) -> Callable[[Summary, float], Maybe]:
    def read(summary: Summary, _: float) -> Maybe:
        peak: Mapping[str, Any] = {**(summary["memory_peak"] or {})}
        value: Maybe = peak.get(key)
        return value

    return read


def _most_held(key: str) -> Callable[[Summary, float], Maybe]:
    """Of the GIL that was held most, as where two runs are compared."""

    def read(summary: Summary, _: float) -> Maybe:
        gils: list[Any] = [gil for gil in summary["gils"] if gil["held_share"] is not None]
        value: Maybe = max(gils, key=lambda gil: gil["held_share"])[key] if gils else None
        return value

    return read


MEASURES = (
    ExperimentMeasure(THROUGHPUT, "Operations", "rate", _ops_per_s),
    ExperimentMeasure("latency_p50_s", "Latency p50", "duration", _latency("p50")),
    ExperimentMeasure("latency_p99_s", "Latency p99", "duration", _latency("p99")),
    ExperimentMeasure(
        "bytes_pickled", "Pickled", "size", lambda summary, _: _reported(summary, "bytes_pickled")
    ),
    ExperimentMeasure("cpu_s", "CPU time", "duration", _cpu_s),
    ExperimentMeasure("cpus_wanted", "CPUs wanted", "count", lambda s, _: (cpus_wanted(s) or (None,))[0]),
    ExperimentMeasure("rss_peak", "RSS at the peak", "size", _peak("rss")),
    ExperimentMeasure("pss_peak", "PSS at the peak", "size", _peak("pss")),
    ExperimentMeasure("start_up_s", "Start-up", "duration", lambda _, start_up_s: start_up_s),
    ExperimentMeasure("held_share", "GIL held", "share", _most_held("held_share")),
    ExperimentMeasure("contended_share", "GIL contended", "share", _most_held("contended_share")),
    ExperimentMeasure("coverage", "Time seen", "share", lambda summary, _: summary["sampling"]["coverage"]),
)
