"""A figure measured several times: its median, and how far the middle half of the measurements lies apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median, quantiles


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of `of` measurements."""

    median: float
    low: float
    high: float
    of: int

    def text(self, form: str = "{:.3f}") -> str:
        """The median and, in brackets, the quartiles, each in `form`."""
        return f"{form.format(self.median)} [{form.format(self.low)} to {form.format(self.high)}]"


def spread(values: Sequence[float]) -> Spread:
    """The spread of one measurement or more."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of two or more values lie."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def robust_slope(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between any two points, of which no two are at one place (Theil and Sen).

    A quarter of the points may be anything without an effect worth the name.
    """
    return median((b - a) / (y - x) for (x, a), (y, b) in combinations(points, 2))
