"""Medians with intervals, and when two samples are said to differ, on noise as machines make it."""

from __future__ import annotations

from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.estimates import FEWEST, difference, estimate, judged
from app.analysis.rank_test import EXACT, mann_whitney

POSITIVE = st.lists(st.floats(0.001, 1e9), min_size=1, max_size=12)
TRIES = 600


@settings(max_examples=30)
@given(POSITIVE)
def test_an_interval_holds_the_median_and_stays_within_the_values(values: list[float]) -> None:
    found = estimate(values)
    assert found is not None
    assert (found.low is None) == (found.high is None) == (len(values) < FEWEST)
    if found.low is not None and found.high is not None:
        assert min(values) <= found.low <= found.median <= found.high <= max(values)


@settings(max_examples=30)
@given(POSITIVE)
def test_the_same_values_give_the_same_interval(values: list[float]) -> None:
    assert estimate(values) == estimate(list(values))


@settings(max_examples=30)
@given(POSITIVE, POSITIVE)
def test_a_difference_turns_round_with_its_sides(a: list[float], b: list[float]) -> None:
    one, other = difference(a, b), difference(b, a)
    assert one is not None
    assert other is not None
    turned = {"higher": "lower", "lower": "higher"}
    assert other.says == turned.get(one.says, one.says)
    assert other.p == pytest.approx(one.p)


@settings(max_examples=30)
@given(POSITIVE, st.floats(0.001, 1000))
def test_a_difference_does_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    other = [value * 1.5 for value in reversed(values)]
    one, scaled = difference(values, other), difference([v * unit for v in values], [v * unit for v in other])
    assert one is not None
    assert scaled is not None
    assert scaled.ratio == pytest.approx(one.ratio)


def test_nothing_has_no_median_and_no_difference() -> None:
    assert estimate([]) is None
    assert difference([], [1.0]) is None


def test_too_few_values_are_called_so() -> None:
    found = difference([1.0, 1.1, 1.2], [9.0, 9.1, 9.2])
    assert found is not None
    assert (found.says, found.low) == ("too-few", None)


def test_the_exact_test_gives_what_the_tables_say() -> None:
    # Five above five: 2 of the 252 ways to choose five of ten.
    assert mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert mann_whitney([1, 2, 3, 4, 6], [5, 7, 8, 9, 10]) == pytest.approx(4 / 252)
    assert mann_whitney([1, 4], [2, 3]) == 1.0
    assert mann_whitney([7, 7, 7], [7, 7, 7]) == 1.0


def test_the_approximation_of_large_samples_agrees_with_the_exact_test() -> None:
    random = Random(3)
    for shift in (0.0, 0.5, 0.8):
        a, b = ([random.gauss(mean, 1) for _ in range(EXACT)] for mean in (0, shift))
        exact = mann_whitney(a, b)
        # One value more on each side, in the middle, takes it over the bound and says nothing new.
        more = mann_whitney([*a, shift / 2], [*b, shift / 2])
        assert more == pytest.approx(exact, abs=0.06)


def _samples(random: Random, repeats: int, faster: float, noise: float) -> tuple[list[float], list[float]]:
    """Two configurations run in turn: noise of their own, and a machine whose speed drifts by 1 %."""
    one, other = [], []
    for _ in range(repeats):
        drift = random.gauss(0, 0.01)
        one.append(100 * exp(random.gauss(0, noise) + drift))
        other.append(100 * (1 + faster) * exp(random.gauss(0, noise) + drift))
    return one, other


@pytest.mark.parametrize("repeats", [5, 8, 12])
@pytest.mark.parametrize("noise", [0.01, 0.03, 0.1])
def test_equal_configurations_are_called_equal_in_19_of_20(repeats: int, noise: float) -> None:
    random = Random(repeats)
    says = [judged(*_samples(random, repeats, 0.0, noise))[1] for _ in range(TRIES)]
    assert says.count("within-noise") >= TRIES * 19 / 20


@pytest.mark.parametrize(("repeats", "noise"), [(5, 0.01), (5, 0.03), (8, 0.04), (12, 0.05)])
def test_a_tenth_more_is_called_a_difference_in_16_of_20(repeats: int, noise: float) -> None:
    random = Random(repeats)
    says = [judged(*reversed(_samples(random, repeats, 0.1, noise)))[1] for _ in range(TRIES)]
    assert says.count("higher") >= TRIES * 16 / 20


def test_the_interval_of_a_ratio_holds_the_true_one_mostly() -> None:
    random = Random(9)
    found = [difference(*reversed(_samples(random, 8, 0.1, 0.03))) for _ in range(100)]
    held = sum(one is not None and one.low is not None and one.low <= 1.1 <= (one.high or 0) for one in found)
    assert held >= 85  # a percentile interval of eight values is somewhat too narrow
