"""What of a result a person is shown as figures: a label in plain words, the value, and its unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.workloads.context import Json

# Times: s, ms, us, ns. `rate` is a number a second, `times` a factor, `share` from 0 to 1; `text` as it is.
UNITS = ("count", "rate", "times", "share", "s", "ms", "us", "ns", "bytes", "bytes_rate", "text")


class Shown(NamedTuple):
    """A field of a result, by its name or by names with dots between them, and how it is called."""

    key: str
    label: str
    unit: str = "count"


OF_ALL = (
    Shown("ops", "Operations"),
    Shown("ops_per_s", "Operations a second", "rate"),
    Shown("ops_by_worker", "Operations of each worker"),
    Shown("seconds", "Time", "s"),
    Shown("executor_bytes_pickled", "Pickled to hand work over", "bytes"),
    Shown("executor_pickling_ms", "Pickling to hand work over", "ms"),
)


def of_latencies(key: str, label: str) -> tuple[Shown, ...]:
    """What Latencies.summary_ms makes."""
    return (
        Shown(f"{key}.p50", f"{label}, median", "ms"),
        Shown(f"{key}.p99", f"{label}, 99th percentile", "ms"),
        Shown(f"{key}.max", f"{label}, longest", "ms"),
    )


def measured(result: Json, shown: Sequence[Shown]) -> list[Json]:
    """The figures `[{"label", "value", "unit"}]`; what the result does not have has none."""
    found = [(each, _at(result, each.key.split("."))) for each in (*OF_ALL, *shown)]
    return [
        {"label": each.label, "value": value, "unit": each.unit} for each, value in found if value is not None
    ]


def head(label: str, unit: str = "count") -> Json:
    """The head of a column of a result's table, and the unit of its values."""
    return {"label": label, "unit": unit}


def _at(result: Any, path: Sequence[str]) -> Any:
    for name in path:
        if not isinstance(result, dict):
            return None
        result = result.get(name)
    return result
