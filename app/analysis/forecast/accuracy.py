"""A forecast beside its measurement, and how good forecasts were altogether.

The measurement is an experiment of two configurations: the program as it was, and the way that was foretold.
Its throughput is the ratio of their medians. The forecast holds where that lies in its band, and by how much
its middle missed it is told with the sign: 0.1 is 10 % more than was measured. Of fewer than FEWEST
repetitions nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from app.analysis.estimates import FEWEST, difference
from app.analysis.experiment_trials import Goal, Trials
from app.model import units
from app.model.forecast import (
    AccuracyOfWay,
    Band,
    Choice,
    ForecastAccuracy,
    ForecastMeasured,
    ForecastPair,
    ForecastProof,
)

SCHEMA = 1
WAYS: tuple[Choice, ...] = ("free-threading", "processes", "subinterpreters", "thread-more", "thread-fewer")


def proof(told: Mapping[str, Any], trials: Sequence[Trials], goal: Goal) -> ForecastProof:
    """What came of a forecast: `told` has its first six fields, and of `trials` the second is its way."""
    measured = _measured(trials, goal)
    band: Band = told["throughput"]
    in_band = unclear = off = None
    if measured is not None and measured["repetitions"] >= FEWEST:
        in_band = band["low"] <= measured["throughput"] <= band["high"]
        unclear = _across(band, measured, in_band)
        off = band["middle"] / measured["throughput"] - 1
    return {
        "run": told["run"],
        "run_name": told["run_name"],
        "choice": told["choice"],
        "title": told["title"],
        "throughput": band,
        "assumptions": told["assumptions"],
        "measured": measured,
        "in_band": in_band,
        "unclear": unclear,
        "off": off,
        "sentence": _sentence(band, measured, in_band, unclear, off),
    }


def accuracy(pairs: Sequence[ForecastPair]) -> ForecastAccuracy:
    """All that were measured so far, in the order given."""
    judged = [pair for pair in pairs if pair["in_band"] is not None]
    inside = sum(pair["in_band"] is True for pair in judged)
    unclear = sum(pair["unclear"] is True for pair in judged)
    disturbed = sum(pair["measured"] is not None and pair["measured"]["disturbed"] for pair in judged)
    off = _median_off(judged)
    return {
        "schema": SCHEMA,
        "sentence": " ".join([_in_all(len(judged), inside, off), *_noise(unclear, disturbed)]),
        "count": len(judged),
        "in_band": inside,
        "in_band_share": inside / len(judged) if judged else None,
        "median_off": off,
        "unclear": unclear,
        "disturbed": disturbed,
        "unmeasured": len(pairs) - len(judged),
        "ways": [way for choice in WAYS if (way := _of_way(choice, judged)) is not None],
        "pairs": judged,
    }


def _measured(trials: Sequence[Trials], goal: Goal) -> ForecastMeasured | None:
    before, after = ([*map(goal.throughput, one.values(goal.key))] for one in trials[:2])
    found = difference(after, before)
    if found is None or not found.ratio:
        return None
    return {
        "throughput": found.ratio,
        "low": found.low,
        "high": found.high,
        "repetitions": min(len(before), len(after)),
        "disturbed": 2 * sum(one.disturbed for one in trials) > sum(len(one.measured) for one in trials),
    }


def _sentence(
    band: Band,
    measured: ForecastMeasured | None,
    in_band: bool | None,
    unclear: bool | None,
    off: float | None,
) -> str:
    foretold = (
        f"Foretold was {band['middle']:.2f} times the throughput, between {band['low']:.2f} and "
        f"{band['high']:.2f} times."
    )
    if measured is None:
        return f"{foretold} Nothing was measured."
    between = ""
    if measured["low"] is not None and measured["high"] is not None:
        between = f" ({measured['low']:.2f} to {measured['high']:.2f})"
    said = (
        f"{foretold} Measured {'was' if in_band is not None else 'so far'} {measured['throughput']:.2f} times"
    )
    if in_band is None or off is None:
        return f"{said}, in fewer than {FEWEST} repetitions: too few to judge by."
    where, side = ("in the band", "out of") if in_band else ("outside of the band", "into")
    reaching = f" The interval of the measurement reaches {side} the band." if unclear else ""
    noise = (
        " Most repetitions were disturbed by other work of this machine: measure again while it is quiet."
        if measured["disturbed"]
        else ""
    )
    return f"{said}{between}: {where}. The middle was {_off(off)}.{reaching}{noise}"


def _off(off: float) -> str:
    percent = round(abs(off) * 100)
    return f"{percent} % too {'high' if off > 0 else 'low'}" if percent else "right to half a per cent"


def _across(band: Band, measured: ForecastMeasured, in_band: bool) -> bool:
    """Whether chance may have decided on which side of the band's edge it lies."""
    low, high = measured["low"], measured["high"]
    if low is None or high is None:
        return False
    if in_band:
        return low < band["low"] or high > band["high"]
    return low <= band["high"] and high >= band["low"]


def _in_all(count: int, inside: int, off: float | None) -> str:
    if off is None:
        return (
            "No forecast was measured on this machine yet. The tab What would help of a run has a button for "
            "each that can be."
        )
    if count == 1:
        where = "in its band" if inside else "outside of its band"
        return (
            f"The one forecast that was measured on this machine lies {where}. Its middle was "
            f"{units.share(off)} off."
        )
    return (
        f"Of {count} forecasts that were measured on this machine, {inside} lay in the band. Half of the "
        f"middles were off by {units.share(off)} or less."
    )


def _noise(unclear: int, disturbed: int) -> Iterator[str]:
    if unclear:
        yield f"In {unclear} chance may have decided: the interval of what was measured crosses an edge."
    if disturbed:
        yield f"In {disturbed} most repetitions were disturbed by other work of the machine."


def _of_way(choice: Choice, judged: Sequence[ForecastPair]) -> AccuracyOfWay | None:
    pairs = [pair for pair in judged if pair["choice"] == choice]
    off = _median_off(pairs)
    if off is None:
        return None
    inside = sum(pair["in_band"] is True for pair in pairs)
    return {"choice": choice, "count": len(pairs), "in_band": inside, "median_off": off}


def _median_off(pairs: Sequence[ForecastPair]) -> float | None:
    """Of the middles, without their signs."""
    offs = [abs(pair["off"]) for pair in pairs if pair["off"] is not None]
    return median(offs) if offs else None
