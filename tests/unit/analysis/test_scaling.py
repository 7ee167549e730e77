"""The laws of scaling: recovered from curves with noise, and what they say of curves that they do not fit."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.scaling import AMDAHL, GUSTAFSON, LAWS, USL, fit, intervals, r_squared

COUNTS = (1, 2, 4, 8, 16, 32, 64)
SPEED_UP = {
    "amdahl": lambda n, s: 1 / (s + (1 - s) / n),
    "gustafson": lambda n, s: n - s * (n - 1),
    "usl": lambda n, a, b: n / (1 + a * (n - 1) + b * n * (n - 1)),
}
CURVES = [
    *((AMDAHL, (share,)) for share in (0.05, 0.2, 0.5)),
    *((GUSTAFSON, (share,)) for share in (0.2, 0.5, 0.8)),
    *((USL, each) for each in ((0.05, 0.001), (0.1, 0.0005), (0.02, 0.0002))),
]


def curve(law, parameters, noise=0.0, repeats=1, seed=1, counts=COUNTS):
    random = Random(seed)
    return {
        n: [123.0 * SPEED_UP[law.name](n, *parameters) * exp(random.gauss(0, noise)) for _ in range(repeats)]
        for n in counts
    }


@pytest.mark.parametrize(("law", "parameters"), CURVES)
def test_parameters_are_found_within_5_per_cent_under_noise(law, parameters) -> None:
    for seed in range(5):
        fitted = fit(law, curve(law, parameters, noise=0.01, repeats=8, seed=seed))
        assert tuple(fitted.parameters.values()) == pytest.approx(parameters, rel=0.05)
        assert fitted.throughput(1) == pytest.approx(123.0, rel=0.03)


@pytest.mark.parametrize(("law", "parameters"), CURVES)
def test_without_noise_they_are_exact_and_explain_all(law, parameters) -> None:
    points = curve(law, parameters)
    fitted = fit(law, points)
    assert tuple(fitted.parameters.values()) == pytest.approx(parameters, rel=1e-6)
    assert r_squared(fitted, points) == pytest.approx(1.0)


@pytest.mark.parametrize(("law", "parameters"), CURVES[::3])
def test_intervals_hold_the_true_parameters_mostly(law, parameters) -> None:
    held = 0
    for seed in range(8):
        found = intervals(law, curve(law, parameters, noise=0.02, repeats=5, seed=seed))
        low, high = next(iter(found.values()))
        held += low <= parameters[0] <= high
    assert held >= 6


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(1, 64), st.lists(st.floats(0.01, 1e6), min_size=1, max_size=4), min_size=3)
)
def test_whatever_was_measured_the_parameters_are_ones_that_can_be(points) -> None:
    for law in LAWS:
        found = fit(law, points)
        assert found is not None
        assert found.parameters["coherence" if law is USL else "serial_share"] >= 0
        assert all(value <= 1 for name, value in found.parameters.items() if name != "coherence")
        assert all(found.throughput(n) > 0 for n in points)


def test_the_knee_is_where_the_universal_law_turns_down() -> None:
    fitted = fit(USL, curve(USL, (0.05, 0.001)))
    assert fitted.knee == pytest.approx(30.8, abs=0.1)
    around = [fitted.throughput(n) for n in (20, 31, 45)]
    assert around[1] > around[0]
    assert around[1] > around[2]
    found = intervals(USL, curve(USL, (0.05, 0.001), noise=0.01, repeats=5))["knee"]
    assert found[0] < 30.8 < found[1]


def test_without_coherence_there_is_no_knee_and_the_universal_law_is_amdahls() -> None:
    points = curve(AMDAHL, (0.2,))
    fitted, amdahl = fit(USL, points), fit(AMDAHL, points)
    assert fitted.parameters["contention"] == pytest.approx(0.2)
    assert fitted.parameters["coherence"] == pytest.approx(0, abs=1e-9)
    assert amdahl.knee is None
    assert amdahl.limit == pytest.approx(5)


def test_what_workers_slow_down_is_serial_altogether_and_explained_badly_by_amdahl() -> None:
    points = {1: [100.0], 2: [80.0], 4: [60.0], 8: [40.0]}
    amdahl = fit(AMDAHL, points)
    assert amdahl.parameters["serial_share"] == pytest.approx(1.0)
    assert r_squared(amdahl, points) < 0.1
    assert r_squared(fit(USL, points), points) > 0.9


def test_of_too_few_worker_counts_nothing_is_said() -> None:
    assert fit(AMDAHL, {2: [1.0, 1.1]}) is None
    assert fit(USL, {1: [1.0], 2: [1.9]}) is None
    two = {1: [1.0], 2: [1.9]}
    assert r_squared(fit(AMDAHL, two), two) is None
    assert intervals(AMDAHL, two) is None
