"""The laws of scaling, fitted to throughput against workers.

With n workers a program does X(n) = X(1) S(n), where the speed-up S(n) is by

    amdahl      1 / (s + (1 - s) / n)              a job of a fixed size, of which the share s is serial
    gustafson   s + (1 - s) n                      a job that grows with the workers
    usl         n / (1 + a (n - 1) + b n (n - 1))  contention a, and coherence b: what workers cost each other

G. M. Amdahl, AFIPS 1967; J. L. Gustafson, CACM 31 (1988); N. J. Gunther, "Guerrilla Capacity Planning", 2007,
for the Universal Scalability Law, of which Amdahl's is the case b = 0.

n / X(n) by the first and the last, and X(n) by Gustafson's, are sums of 1, n and n (n - 1), each with a
factor that is not negative: just then the shares lie between 0 and 1, and b is not negative. The factors are
found by least squares, weighted so that an error of one per cent counts alike at every n; X(1) is fitted too,
so that noise at one worker does not shift the whole curve.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from random import Random
from statistics import fmean, median

from app.analysis.estimates import bounds

RESAMPLES = 400
_SEED = 14
_ROUNDS = 3  # the first is weighted by the measured values, the others by those fitted before

Points = Mapping[
    int, Sequence[float]
]  # of each worker count the throughput of its repetitions, all above zero
Factors = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """A law: `terms` is how many of 1, n and n (n - 1) there are.

    `inverse`: they add up to n / X(n), else to X(n). `read` gives the parameters, by name, of the factors.
    """

    name: str
    terms: int
    inverse: bool
    read: Callable[[Factors], dict[str, float]]


@dataclass(frozen=True, slots=True)
class ScalingFit:
    """A law with the factors that fit best."""

    law: ScalingLaw
    factors: Factors

    @property
    def parameters(self) -> dict[str, float]:
        """Those of the law, by name."""
        return self.law.read(self.factors)

    @property
    def knee(self) -> float | None:
        """With how many workers the USL does most; None of others, and where more never do less."""
        found = self.parameters
        if not found.get("coherence"):
            return None
        return sqrt(max(0.0, 1 - found["contention"]) / found["coherence"])

    @property
    def limit(self) -> float | None:
        """The speed-up that Amdahl's law allows with any number of workers; None of others, or of none."""
        share = self.parameters.get("serial_share")
        return 1 / share if self.law is AMDAHL and share else None

    def throughput(self, workers: int) -> float:
        """X(n)."""
        value = sum(map(float.__mul__, self.factors, _terms(self.law, workers)))
        return workers / value if self.law.inverse else value


AMDAHL = ScalingLaw("amdahl", 2, True, lambda found: {"serial_share": found[1] / (found[0] + found[1])})
GUSTAFSON = ScalingLaw(
    "gustafson", 2, False, lambda found: {"serial_share": found[0] / (found[0] + found[1])}
)
USL = ScalingLaw(
    "usl",
    3,
    True,
    lambda found: {
        "contention": found[1] / (found[0] + found[1]),
        "coherence": found[2] / (found[0] + found[1]),
    },
)
LAWS = (AMDAHL, GUSTAFSON, USL)


def fit(law: ScalingLaw, points: Points) -> ScalingFit | None:
    """The law with the factors that fit best; None of fewer worker counts than it has factors."""
    if len(points) < law.terms:
        return None
    sides = {workers: _mean_side(law, workers, values) for workers, values in points.items()}
    expected = sides
    factors: Factors | None = None
    for _ in range(_ROUNDS):
        weights = {workers: len(points[workers]) / side**2 for workers, side in expected.items()}
        factors = _least_squares(law, sides, weights)
        if factors is None:
            return None
        expected = {workers: sum(map(float.__mul__, factors, _terms(law, workers))) for workers in sides}
    return ScalingFit(law, factors) if factors else None


def r_squared(fitted: ScalingFit, points: Points) -> float | None:
    """How much of the differences between worker counts the law explains, of their medians: 1 is all.

    None of as many worker counts as factors, which any curve of that kind goes through.
    """
    if len(points) <= fitted.law.terms:
        return None
    medians = {workers: median(values) for workers, values in points.items()}
    mean = fmean(medians.values())
    spread = sum((value - mean) ** 2 for value in medians.values())
    left = sum((value - fitted.throughput(workers)) ** 2 for workers, value in medians.items())
    return 1 - left / spread if spread else None


def intervals(law: ScalingLaw, points: Points) -> dict[str, tuple[float, float]] | None:
    """Between which values 95 % of resamplings of the repetitions find each parameter, and the `knee`.

    None where a worker count has one repetition alone. The knee is there only where every resampling has one.
    """
    if min(map(len, points.values())) < 2:
        return None
    random = Random(_SEED)
    found: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        resampled = {n: random.choices(values, k=len(values)) for n, values in points.items()}
        fitted = fit(law, resampled)
        if fitted is None:
            return None
        for name, value in {**fitted.parameters, "knee": fitted.knee}.items():
            if value is not None:
                found.setdefault(name, []).append(value)
    return {name: bounds(values) for name, values in found.items() if len(values) == RESAMPLES}


def _terms(law: ScalingLaw, workers: int) -> tuple[float, ...]:
    return (1.0, float(workers), float(workers * (workers - 1)))[: law.terms]


def _mean_side(law: ScalingLaw, workers: int, values: Sequence[float]) -> float:
    """What the terms are to add up to."""
    return fmean(workers / value for value in values) if law.inverse else fmean(values)


def _least_squares(
    law: ScalingLaw, sides: Mapping[int, float], weights: Mapping[int, float]
) -> Factors | None:
    """The factors, none negative, with the least squares: each choice of those that are not zero is tried."""
    best: tuple[float, Factors] | None = None
    for number in range(1, law.terms + 1):
        for chosen in itertools.combinations(range(law.terms), number):
            found = _solved(law, chosen, sides, weights)
            if found is None or min(found) < 0:
                continue
            factors = tuple(found[chosen.index(at)] if at in chosen else 0.0 for at in range(law.terms))
            if factors[0] + factors[1] <= 0:
                continue  # one worker would do without end
            error = sum(
                weights[n] * (side - sum(map(float.__mul__, factors, _terms(law, n)))) ** 2
                for n, side in sides.items()
            )
            if best is None or error < best[0]:
                best = error, factors
    return best[1] if best else None


def _solved(
    law: ScalingLaw, chosen: Sequence[int], sides: Mapping[int, float], weights: Mapping[int, float]
) -> list[float] | None:
    """The normal equations of some terms, by Gauss's elimination; None where these are not independent."""
    rows = [[0.0] * (len(chosen) + 1) for _ in chosen]
    for n, side in sides.items():
        terms = [_terms(law, n)[at] for at in chosen]
        for row, term in zip(rows, terms, strict=True):
            for at, value in enumerate((*terms, side)):
                row[at] += weights[n] * term * value
    for at in range(len(rows)):
        pivot = max(range(at, len(rows)), key=lambda below: abs(rows[below][at]))
        if not rows[pivot][at]:
            return None
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for other in range(len(rows)):
            if other != at:
                factor = rows[other][at] / rows[at][at]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[at], strict=True)]
    return [row[-1] / row[at] for at, row in enumerate(rows)]
