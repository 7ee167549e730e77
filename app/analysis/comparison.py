"""Two runs set against each other: what each measured, and what may be said of the difference.

    {"schema", "runs": [run, run],
     "figures": [{"key", "label", "unit", "a", "b": a side, "change", "says", "why"}],
     "asked", "reported": [{"name", "a", "b"}],
     "program": null, or as program_difference.py says; "at_once": as at_once.py says,
     "findings": [{"code", "severity", "title", "in": "a", "b" or "both"}]}

    side    {"value", "low", "high", "seconds"}

`value` is of the whole run; of RSS the mean of its seconds. Where the measure has a course, `low` and `high`
bound nine tenths of the run's seconds (from the 5th to the 95th percentile), and `seconds` is how many there
were; else they are null. Of a long run, whose course has fewer rows, these pieces are longer than a second.
`change` is b's value against a's, -0.25 for a quarter less.

`says` is "higher" or "lower" only where these bands do not overlap, each of at least FEWEST seconds, and the
values differ by at least ALIKE; "alike" where these differ by less; else "unclear", or null where the measure
has one number a run, and so no spread. `why` says it in words. The spread within a run is no measure of how
runs of one program differ: that only more runs tell. See docs/decisions for how often it errs.

`unit` is share, count, rate, duration or size (bytes). `name` is dotted where a field lies within another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import Any, Literal

from app.analysis.at_once import which_does_more
from app.analysis.program_difference import Ran, program_difference
from app.model.summary import FindingRow, Summary

SCHEMA = 1
FEWEST = 8  # seconds of a run: of fewer the band is too narrow too often
ALIKE = 0.02  # of the value: less is said to be alike
SECOND_US = 1_000_000

# What is told in a place of its own, or says nothing about the run.
_ELSEWHERE = {"showed", "pictures", "table", "steps", "wait_for", "models", "curves", "bars"}
_DEEPEST = 3
_ASKED = ("kind", "workload", "executor", "workers", "seconds", "python")

Json = dict[str, Any]
Maybe = float | None
_OfGil = Literal["held_share", "contended_share", "waiters", "switches_per_s"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, as its summary and the series of its header tell it. Without a series nothing was observed.

    `script` is the text that it ran, None where it is of none or that was not kept.
    """

    summary: Summary
    series: Json | None
    script: str | None = None


@dataclass(frozen=True, slots=True)
class _Measure:
    key: str
    label: str
    unit: str
    read: Callable[[Summary], Maybe] | None  # of the summary; None: the mean of the seconds
    column: str | None = None  # of the series


def compare(a: Measured, b: Measured) -> Json:
    """The comparison, as at the head of this module."""
    asked = _differences(_asked(a.summary), _asked(b.summary))
    program = program_difference(_ran(a), _ran(b))
    same = program is None or program["same"] is True
    only_workers = same and [each["name"] for each in asked] == ["workers"]
    return {
        "schema": SCHEMA,
        "runs": [a.summary["run"], b.summary["run"]],
        "figures": [_figure(measure, a, b) for measure in _MEASURES],
        "program": program,
        "at_once": which_does_more(a.summary, b.summary, only_workers),
        "asked": asked,
        "reported": _differences(*(dict(_flat(side.summary["workload"] or {})) for side in (a, b))),
        "findings": _findings(a.summary["findings"], b.summary["findings"]),
    }


def _figure(measure: _Measure, a: Measured, b: Measured) -> Json:
    one, other = (_side(measure, side) for side in (a, b))
    change = other["value"] / one["value"] - 1 if one["value"] and other["value"] is not None else None
    says, why = _verdict(measure, one, other, change)
    described = {"key": measure.key, "label": measure.label, "unit": measure.unit}
    return {**described, "a": one, "b": other, "change": change, "says": says, "why": why}


def _side(measure: _Measure, run: Measured) -> Json:
    pieces = _seconds(run.series, measure.column) if run.series and measure.column else []
    value = measure.read(run.summary) if measure.read else fmean(pieces) if pieces else None
    low, high = _band(pieces)
    return {"value": value, "low": low, "high": high, "seconds": len(pieces) if measure.column else None}


def _verdict(measure: _Measure, one: Json, other: Json, change: Maybe) -> tuple[str | None, str]:
    if one["value"] is None or other["value"] is None:
        return None, "Not measured in both."
    if measure.column is None:
        return None, "One number a run, so its spread is not known."
    fewest = min(one["seconds"], other["seconds"])
    if fewest < FEWEST:
        seconds = "1 second" if fewest == 1 else f"{fewest} seconds"
        return "unclear", f"The spread is not known: the shorter run has {seconds}, and {FEWEST} are needed."
    if one["value"] == other["value"] or (change is not None and abs(change) < ALIKE):
        return "alike", f"They differ by less than {ALIKE * 100:.0f} %."
    if other["low"] > one["high"] and other["value"] > one["value"]:
        return "higher", "The seconds of B lie above those of A, but for a tenth of each."
    if other["high"] < one["low"] and other["value"] < one["value"]:
        return "lower", "The seconds of B lie below those of A, but for a tenth of each."
    return "unclear", "Their seconds overlap."


def _seconds(series: Json, column: str) -> list[float]:
    """The mean in each second in which it was measured; a rest of half a second or more is one too."""
    at = series["names"].index(column)
    pieces: list[float] = []
    values: list[tuple[float, int]] = []  # of one second: what was measured, and for how long
    rows = series["rows"]
    before_us = start_us = _begin_us(rows)
    for row in rows:
        value, length_us = row[at], row[0] - before_us
        before_us = row[0]
        if value is not None and length_us > 0:
            values.append((value, length_us))
        if row[0] - start_us >= SECOND_US:
            pieces += _mean(values)
            values, start_us = [], row[0]
    if rows and before_us - start_us >= SECOND_US // 2:
        pieces += _mean(values)
    return pieces


def _begin_us(rows: list[list[Maybe]]) -> int:
    """Where the first row begins: as long before its end as the second is long, and not before the run."""
    if len(rows) < 2:
        return 0
    first, second = rows[0][0] or 0, rows[1][0] or 0
    return int(max(0, 2 * first - second))


def _mean(values: list[tuple[float, int]]) -> list[float]:
    whole = sum(length for _, length in values)
    return [sum(value * length for value, length in values) / whole] if whole else []


def _band(pieces: list[float]) -> tuple[Maybe, Maybe]:
    if len(pieces) < 2:
        return None, None
    cuts = quantiles(pieces, n=20, method="inclusive")
    return cuts[0], cuts[-1]


def _findings(a: list[FindingRow], b: list[FindingRow]) -> list[Json]:
    """Those of either, in the order of A and then of B."""
    of_a, of_b = ({finding["code"]: finding for finding in findings} for findings in (a, b))
    return [
        {
            "code": code,
            "severity": finding["severity"],
            "title": finding["title"],
            "in": "both" if code in of_a and code in of_b else "a" if code in of_a else "b",
        }
        for code, finding in {**of_b, **of_a}.items()
    ]


def _ran(run: Measured) -> Ran:
    told = run.summary["run"]
    return Ran(told["kind"], run.script, told.get("command"))


def _asked(summary: Summary) -> Json:
    run = summary["run"]
    asked: Json = {name: value for name in _ASKED if (value := run.get(name)) is not None}
    command = run.get("command") or (summary["target"]["command"] if run["kind"] == "attach" else None)
    if command:
        asked["command"] = command
    return {"python": summary["target"]["python"], **asked, **dict(_flat(run.get("params") or {}))}


def _differences(one: Json, other: Json) -> list[Json]:
    return [
        {"name": name, "a": one.get(name), "b": other.get(name)}
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


def _flat(fields: Mapping[str, object], within: str = "") -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        dotted = f"{within}.{name}" if within else name
        if name in _ELSEWHERE or (
            isinstance(value, list) and any(isinstance(one, dict | list) for one in value)
        ):
            continue
        if isinstance(value, dict) and dotted.count(".") + 1 < _DEEPEST:
            yield from _flat(value, dotted)
        else:
            yield dotted, value


def _known(values: Iterable[Maybe]) -> list[float]:
    return [value for value in values if value is not None]


def _most(values: Iterable[Maybe]) -> Maybe:
    return max(_known(values), default=None)


def _sum(values: Iterable[Maybe]) -> Maybe:
    known = _known(values)
    return sum(known) if known else None


def _main(summary: Summary, measure: _OfGil) -> Maybe:
    """Of the GIL that was held most."""
    gils = [gil for gil in summary["gils"] if gil["held_share"] is not None]
    return max(gils, key=lambda gil: gil["held_share"] or 0.0)[measure] if gils else None


def _cpu_s(summary: Summary) -> Maybe:
    """Of the whole program; of an attachment or a span, of its processes as they were read last."""
    whole_s = summary["run"].get("cpu_s")  # which what was summed up before had not
    return _sum(process["cpu_s"] for process in summary["processes"]) if whole_s is None else whole_s


_MEASURES = (
    _Measure("ops", "Operations", "rate", lambda s: (s["workload"] or {}).get("ops_per_s"), "ops_per_s"),
    _Measure("duration", "Length", "duration", lambda s: s["run"]["duration_s"]),
    _Measure("coverage", "Time seen", "share", lambda s: s["sampling"]["coverage"], "coverage"),
    _Measure("held", "GIL held", "share", lambda s: _main(s, "held_share"), "held_share"),
    _Measure("contended", "GIL contended", "share", lambda s: _main(s, "contended_share"), "contended_share"),
    _Measure("waiters", "Threads waiting", "count", lambda s: _main(s, "waiters"), "waiters"),
    _Measure("switches", "Switches", "rate", lambda s: _main(s, "switches_per_s"), "switches_per_s"),
    _Measure("cpu_time", "CPU time", "duration", _cpu_s),
    _Measure(
        "longest_wait",
        "Longest wait for the GIL",
        "duration",
        lambda s: _most(t["gil_wait"]["max_s"] for t in s["threads"]),
    ),
    _Measure("rss", "RSS", "size", None, "rss"),
    _Measure("peak_rss", "Peak RSS", "size", lambda s: s["memory_peak"]["rss"]),
    _Measure(
        "heap", "Heap, most in use", "size", lambda s: _sum(h["peak"]["bytes_used"] for h in s["heap"] or ())
    ),
    _Measure(
        "heap_end", "Heap at the end", "size", lambda s: _sum(h["arena_bytes"] for h in s["heap"] or ())
    ),
    _Measure(
        "collections", "Collections", "count", lambda s: _sum(c["pauses"]["count"] for c in s["gc"] or ())
    ),
    _Measure(
        "pauses",
        "Collector's pauses",
        "duration",
        lambda s: _sum(c["pauses"]["total_s"] for c in s["gc"] or ()),
    ),
)
