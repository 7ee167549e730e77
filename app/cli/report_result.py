"""What a workload measured itself, in the report of a run."""

from __future__ import annotations

from collections.abc import Callable

from app.cli.tables import Column, render
from app.model import units
from app.model.summary import Summary
from app.model.units import ABSENT

# What of a result has a part of its own, or is drawn and cannot be told in a line.
_APART = ("showed", "table", "pictures", "steps", "measured", "op")
_MOST_ITEMS = 12  # of a list, that a line can hold
_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SPOKEN: dict[str, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.6g}" if abs(value) < 1000 else units.count(value),
    "rate": units.rate,
    "times": lambda value: f"{value:.2f} ×",
    "share": units.share,
    "bytes": units.size,
    "bytes_rate": lambda value: units.per_second(value, units.size),
}


def figures(summary: Summary) -> str:
    """A line a figure; by the workload's own words for it, where the run was recorded with those."""
    result = summary["workload"] or {}
    rows = [[row["label"], spoken(row["value"], row["unit"])] for row in result.get("measured", ())] or [
        [name, spoken(value)] for name, value in result.items() if name not in _APART
    ]
    return render([Column("workload"), Column("")], rows) if rows else ""


def table(summary: Summary) -> str:
    """The table that a workload made of what it compared."""
    made = (summary["workload"] or {}).get("table")
    if not made:
        return ""
    heads = made.get("heads") or [{"label": name, "unit": "count"} for name in made["columns"]]
    return render(
        [Column(str(head["label"])) for head in heads],
        [[spoken(cell, head["unit"]) for cell, head in zip(row, heads, strict=True)] for row in made["rows"]],
    )


def spoken(value: object, unit: str = "count") -> str:
    """A value of a unit of app/workloads/measured.py; or several, or some by their names."""
    if value is None:
        return ABSENT
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        if unit in _S:
            return units.seconds(value * _S[unit])
        return _SPOKEN[unit if unit in _SPOKEN else "count"](value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {spoken(item, unit)}" for name, item in value.items())
    assert isinstance(value, list)
    if len(value) > _MOST_ITEMS or any(isinstance(item, dict | list) for item in value):
        return f"{len(value):,} rows, see --json"
    return ", ".join(spoken(item, unit) for item in value)
