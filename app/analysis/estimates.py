"""A median, or how two medians compare, with the interval that a bootstrap gives.

The interval is of 95 %, by percentiles of RESAMPLES resamples (B. Efron, "Bootstrap methods: another look at
the jackknife", Annals of Statistics 7, 1979). The same values always give the same interval: the random
numbers are seeded. Of fewer than FEWEST values there is none, since it would be too narrow by far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import floor
from random import Random
from statistics import median

from app.analysis.rank_test import mann_whitney

FEWEST = 4  # values of each sample: three against three come out as surely by chance in 1 of 10
RESAMPLES = 1000
SURE = 0.035  # the p value up to which a difference is said: see docs/decisions/0022
_SEED = 14
_KNOWN = 4096  # samples, so that an experiment that grows is worked up anew only where it grew
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class MedianEstimate:
    """The median of `count` values, and its interval; None where there are too few."""

    median: float
    low: float | None
    high: float | None
    count: int

    def to_json(self) -> dict[str, float | None]:
        """{"median", "low", "high", "count"}."""
        return {"median": self.median, "low": self.low, "high": self.high, "count": self.count}


@dataclass(frozen=True, slots=True)
class SampleDifference:
    """One sample against another.

    `ratio` is of their medians, None where one is zero; `low` and `high` bound it. `says` is "higher" or
    "lower", "within-noise", or "too-few" where a sample has less than FEWEST values.
    """

    ratio: float | None
    low: float | None
    high: float | None
    p: float
    says: str

    def to_json(self) -> dict[str, float | str | None]:
        """{"ratio", "low", "high", "p", "says"}."""
        return {"ratio": self.ratio, "low": self.low, "high": self.high, "p": self.p, "says": self.says}


def estimate(values: Sequence[float]) -> MedianEstimate | None:
    """The median of some values; None of none."""
    return _estimate(tuple(values)) if values else None


@lru_cache(_KNOWN)
def _estimate(values: tuple[float, ...]) -> MedianEstimate:
    low = high = None
    if len(values) >= FEWEST:
        random = Random(_SEED)
        low, high = interval(lambda: median(random.choices(values, k=len(values))))
    return MedianEstimate(median(values), low, high, len(values))


def difference(values: Sequence[float], baseline: Sequence[float]) -> SampleDifference | None:
    """`values` against `baseline`; None where one is empty.

    A difference is said where the Mann-Whitney test gives at most SURE: equal samples are told apart in at
    most 1 of 28 tries, whatever the form of their noise.
    """
    return _difference(tuple(values), tuple(baseline)) if values and baseline else None


@lru_cache(_KNOWN)
def _difference(values: tuple[float, ...], baseline: tuple[float, ...]) -> SampleDifference:
    ratio = median(values) / median(baseline) if median(baseline) and median(values) else None
    p, says = judged(values, baseline)
    low = high = None
    if says == "too-few":
        return SampleDifference(ratio, None, None, p, says)
    if ratio is not None and min(*values, *baseline) > 0:
        random = Random(_SEED)

        def resampled() -> float:
            one, other = (median(random.choices(side, k=len(side))) for side in (values, baseline))
            return one / other

        low, high = interval(resampled)
    return SampleDifference(ratio, low, high, p, says)


def judged(values: Sequence[float], baseline: Sequence[float]) -> tuple[float, str]:
    """The p value, and what may be said of `values` against `baseline`: as in a SampleDifference."""
    p = mann_whitney(values, baseline)
    if min(len(values), len(baseline)) < FEWEST:
        return p, "too-few"
    return p, "within-noise" if p > SURE else _direction(values, baseline)


def interval(resampled: Callable[[], float]) -> tuple[float, float]:
    """Between which values 95 % of RESAMPLES results of a resampling lie."""
    return bounds([resampled() for _ in range(RESAMPLES)])


def bounds(results: Sequence[float]) -> tuple[float, float]:
    """Between which values the middle 95 % of results lie."""
    ordered, last = sorted(results), len(results) - 1
    return ordered[floor(_TAIL * last)], ordered[last - floor(_TAIL * last)]


def _direction(values: Sequence[float], baseline: Sequence[float]) -> str:
    """By the same ranks as the test: medians may be equal where the rest is not."""
    above = sum((value > other) - (value < other) for value in values for other in baseline)
    return "higher" if above > 0 else "lower"
