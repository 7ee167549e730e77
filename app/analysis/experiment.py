"""The result of an experiment: what each configuration measured, how they differ, and one sentence.

    {"schema", "id", "kind", "name", "state", "error", "started_at", "took_s", "runs_done", "runs_planned",
     "asked": {"workload", "params", "command", "script", "workers_variable", "seconds", "repeats", "seed",
               "cores"},
     "measures": [{"key", "label", "unit"}], "goal": a measure's key,
     "configurations": [{"executor", "workers", "python", "runs": [id],
                         "repetitions", "made_again", "disturbed", "error",
                         "values": {key: [number or null, of each of `runs`]},
                         "measures": {key: a MedianEstimate or null},
                         "differences": {key: a SampleDifference from the baseline, or null}}],
     "left_out": [{"executor", "python", "why"}],
     "forecast": a ForecastProof (app/model/forecast.py) where it is to prove one, or null,
     "scaling": [see app/analysis/scaling_rows.py],
     "verdict": see app/analysis/experiment_verdict.py}

`kind` is workload, command or script; what does not concern it is null. `state` is running, finished, stopped
or failed, and `error` says why: {"code", "title", "detail", "remedy"}. `goal` is the measure that decides:
operations a second of a workload, else the wall time, of which less is better.

MedianEstimate and SampleDifference are those of app/analysis/estimates.py. `repetitions` count; `made_again`
were disturbed and do not; `disturbed` are those among the repetitions that were still disturbed when no
further try was left. A configuration's `error` is why it was given up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.analysis.estimates import difference, estimate
from app.analysis.experiment_measures import MEASURES
from app.analysis.experiment_trials import ExperimentTally, Goal, Trials, goal_of
from app.analysis.experiment_verdict import baseline_of, verdict
from app.analysis.forecast.accuracy import proof
from app.analysis.scaling_rows import ScalingSeries, scaling_row

SCHEMA = 1
RUNNING = "running"

Json = dict[str, Any]


def result(tally: ExperimentTally) -> Json:
    """The result of what was measured so far, as at the head of this module."""
    goal, trials = goal_of(tally.header["kind"]), tally.trials
    baseline = baseline_of(trials, goal)
    return {
        **described(tally),
        "measures": [{"key": one.key, "label": one.label, "unit": one.unit} for one in MEASURES],
        "goal": goal.key,
        "configurations": [
            _row(one, None if at == baseline else trials[baseline]) for at, one in enumerate(trials)
        ],
        "left_out": tally.header["left_out"],
        "forecast": proof(told, trials, goal) if (told := tally.header.get("forecast")) else None,
        "scaling": [
            row
            for series in _series(trials, goal)
            if (row := scaling_row(series, tally.header["asked"]["cores"]))
        ],
        "verdict": verdict(trials, goal),
    }


def described(tally: ExperimentTally) -> Json:
    """The first fields of the result: what it is, and how it stands."""
    header, end = tally.header, tally.end or {"state": RUNNING, "error": None}
    return {
        "schema": SCHEMA,
        **{name: header[name] for name in ("id", "kind", "name")},
        "state": end["state"],
        "error": end["error"],
        "started_at": header["started_at"],
        "took_s": tally.took_s,
        "runs_done": tally.runs_done,
        "runs_planned": header["planned_runs"],
        "asked": header["asked"],
    }


def _series(trials: Sequence[Trials], goal: Goal) -> Iterator[ScalingSeries]:
    """Of each executor and interpreter: what it does with so many workers."""
    found: dict[tuple[str | None, str | None], list[Trials]] = {}
    for one in trials:
        found.setdefault((one.configuration.executor, one.configuration.python), []).append(one)
    for (executor, python), alike in found.items():
        by_workers = {count: one for one in alike if (count := one.configuration.workers) is not None}
        if not by_workers:
            continue
        most = by_workers[max(by_workers)]
        if most.reported and any(most.reported):
            points: dict[int, list[float]] = {}
            for speed_ups in most.reported:
                for workers, value in speed_ups.items():
                    points.setdefault(workers, []).append(value)
            yield ScalingSeries(executor, python, "reported", points, {}, most.values("gil_work_share"))
        else:
            yield ScalingSeries(
                executor,
                python,
                "throughput" if goal.higher_is_better else "wall-time",
                {n: list(map(goal.throughput, one.values(goal.key))) for n, one in by_workers.items()},
                {n: one.values("cpus_wanted") for n, one in by_workers.items()},
                most.values("gil_work_share"),
            )


def _row(one: Trials, baseline: Trials | None) -> Json:
    estimates = {measure.key: estimate(one.values(measure.key)) for measure in MEASURES}
    differences = {
        measure.key: difference(one.values(measure.key), baseline.values(measure.key)) if baseline else None
        for measure in MEASURES
    }
    return {
        **one.configuration.to_json(),
        "runs": one.runs,
        "repetitions": len(one.measured),
        "made_again": one.made_again,
        "disturbed": one.disturbed,
        "error": one.error,
        "values": {measure.key: [each.get(measure.key) for each in one.measured] for measure in MEASURES},
        "measures": {key: found.to_json() if found else None for key, found in estimates.items()},
        "differences": {key: found.to_json() if found else None for key, found in differences.items()},
    }
