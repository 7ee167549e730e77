"""How a workload scales on one executor and interpreter: points, the laws fitted to them, and words.

    {"executor", "python", "source", "sentence", "gil_work": a MedianEstimate or null,
     "points": [{"workers", "median", "low", "high", "count", "used"}],
     "laws": [{"law", "r_squared", "limit", "curve": [[workers, value]],
               "parameters": {name: {"value", "low", "high"}}}]}

`source` is "throughput" (operations a second); "wall-time" (runs a second, which is 1 / wall time); or
"reported": speed-ups that the workload itself measured in each run. `curve` has the law at each worker count
up to twice the most, in the unit of the points. Among the parameters of usl is `knee`, where it has one: the
worker count beyond which more workers do less.

`gil_work` is the serial share as the GIL's timeline has it, to be set beside the fitted one: of the work of
all threads the share that was done holding the GIL, which they cannot do at once. It is of the most workers
that were measured; null where they share no GIL.

A law of whose serial share (or contention) nothing is known, since its interval is nearly all of 0 to 1, is
left out: its curve would be drawn through noise.

With more busy workers than cores it is the machine that is measured, and no law holds: such points have
`used` false, and no law is fitted to them. Those are points with more workers than cores, where threads that
ran or waited for a CPU were as many as there are cores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.analysis.estimates import MedianEstimate, estimate
from app.analysis.scaling import AMDAHL, LAWS, USL, ScalingFit, ScalingLaw, fit, intervals, r_squared

SATURATED = 0.9  # of the cores
FAR_OFF = 0.2  # of a point that a law passes by
UNKNOWN = 0.9  # wide is the interval of a share of which nothing is known
_SHARES = ("serial_share", "contention")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScalingSeries:
    """What one executor on one interpreter does with so many workers: values of each repetition."""

    executor: str | None
    python: str | None
    source: str
    points: Mapping[int, Sequence[float]]
    cpus_wanted: Mapping[int, Sequence[float]]
    gil_work: Sequence[float] = ()


def scaling_row(series: ScalingSeries, cores: int) -> Json | None:
    """The row, as at the head of this module; None where fewer than two worker counts were measured."""
    measured = {n: [value for value in values if value > 0] for n, values in sorted(series.points.items())}
    measured = {n: values for n, values in measured.items() if values}
    if len(measured) < 2:
        return None
    used = {n: values for n, values in measured.items() if not _saturated(series, n, cores)}
    found = estimate(series.gil_work)
    laws = [row for law in LAWS if (row := _law_row(law, used, 2 * max(measured)))]
    return {
        "executor": series.executor,
        "python": series.python,
        "source": series.source,
        "points": [_point(n, values, n in used) for n, values in measured.items()],
        "laws": laws,
        "gil_work": found.to_json() if found else None,
        "sentence": _sentence(
            series, laws, fit(AMDAHL, used) is None, found, [n for n in measured if n not in used], cores
        ),
    }


def _saturated(series: ScalingSeries, workers: int, cores: int) -> bool:
    wanted = series.cpus_wanted.get(workers)
    return bool(wanted) and workers > cores and median(wanted or ()) >= SATURATED * cores


def _off(fitted: ScalingFit, points: Mapping[int, Sequence[float]]) -> float:
    """By how much of a point it passes by one at the most: of points that are alike R² says nothing."""
    return max(abs(fitted.throughput(n) / median(values) - 1) for n, values in points.items())


def _point(workers: int, values: Sequence[float], used: bool) -> Json:
    found = estimate(values)
    return {"workers": workers, **(found.to_json() if found else {}), "used": used}


def _law_row(law: ScalingLaw, points: Mapping[int, Sequence[float]], most: int) -> Json | None:
    fitted = fit(law, points)
    if fitted is None:
        return None
    fits = r_squared(fitted, points)
    if fits is not None and fits < 0 and _off(fitted, points) > FAR_OFF:
        return None  # the mean of what was measured fits better
    between = intervals(law, points) or {}
    values = fitted.parameters | ({"knee": fitted.knee} if fitted.knee is not None else {})
    parameters: Json = {}
    for name, value in values.items():
        low, high = between.get(name, (None, None))
        parameters[name] = {"value": value, "low": low, "high": high}
        if name in _SHARES and low is not None and high is not None and high - low >= UNKNOWN:
            return None
    return {
        "law": law.name,
        "parameters": parameters,
        "r_squared": fits,
        "limit": fitted.limit,
        "curve": [[n, fitted.throughput(n)] for n in range(1, most + 1)],
    }


def _sentence(
    series: ScalingSeries,
    laws: Sequence[Json],
    too_few: bool,
    gil_work: MedianEstimate | None,
    beyond: Sequence[int],
    cores: int,
) -> str:
    by_name = {row["law"]: row for row in laws}
    of = " on ".join(
        part
        for part in (series.executor or "the program", series.python and f"CPython {series.python}")
        if part
    )
    parts = [f"Scaling of {of}: "]
    if AMDAHL.name in by_name:
        row = by_name[AMDAHL.name]
        parts.append(f"Amdahl's law with a serial share of {_spoken(row['parameters']['serial_share'])}")
        limit = row["limit"]
        parts.append(f", at most {limit:.1f} times one worker" if limit else "")
        parts.append(f" (R² {row['r_squared']:.2f})." if row["r_squared"] is not None else ".")
    elif too_few:
        parts.append("too few worker counts for a law.")
    else:
        parts.append("the repetitions differ by too much for a law, or follow none.")
    if gil_work is not None:
        parts.append(
            f" By the GIL's timeline {_spoken({**gil_work.to_json(), 'value': gil_work.median})} of the work "
            "was done holding one GIL."
        )
    if USL.name in by_name:
        found = by_name[USL.name]["parameters"]
        coherence = _spoken(found["coherence"], ".4f")
        parts.append(f" USL: contention {_spoken(found['contention'])}, coherence {coherence}")
        if "knee" not in found:
            parts.append(", no knee.")
        elif found["knee"]["value"] <= 1:
            parts.append(", most with one worker.")
        else:
            parts.append(f", most with {_spoken(found['knee'], '.0f')} workers.")
    if beyond:
        counts = ", ".join(map(str, beyond))
        parts.append(f" Not used: {counts} workers, which had fewer CPUs ({cores}) than they wanted.")
    return "".join(parts)


def _spoken(parameter: Json, form: str = ".3f") -> str:
    value = format(parameter["value"], form)
    if parameter["low"] is None:
        return value
    return f"{value} ({format(parameter['low'], form)} … {format(parameter['high'], form)})"
