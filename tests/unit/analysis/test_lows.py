"""A growth without an end in sight is found under any saw tooth, and nothing that ends is taken for one."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable

import pytest

from app.analysis.lows import Lows, Trend, envelope, slope

MIB = 1 << 20
LEAKS = (1.0, 3.0, 20.0)  # MiB a second

Curve = Callable[[float], float]  # MiB at a time in seconds


def judged(curve: Curve, seconds: float = 10.0, seed: int = 0) -> Trend | None:
    """What is found of a curve that is read some four times a second, at uneven moments."""
    noise = random.Random(seed)
    lows = Lows()
    at_s = 0.0
    while at_s < seconds:
        lows.add(int(at_s * 1e6), int(curve(at_s) * MIB))
        at_s += noise.uniform(0.15, 0.4)
    return lows.trend(MIB, 0.02)


def pace(found: Trend | None) -> float:
    assert found is not None
    return found.per_s / MIB


def teeth(height: float, period_s: float, duty: float) -> Curve:
    """What a batch takes and gives back, over and over."""
    return lambda at_s: height if at_s % period_s < duty * period_s else 0.0


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found_within_ten_seconds_at_its_pace(leak: float) -> None:
    found = judged(lambda at_s: 20 + leak * at_s, seconds=8)
    assert pace(found) == pytest.approx(leak, rel=0.05)


@pytest.mark.parametrize("seed", range(40))
def test_saw_teeth_neither_hide_a_leak_nor_change_its_pace(seed: int) -> None:
    made = random.Random(seed)
    leak = made.choice(LEAKS)
    tooth = teeth(made.uniform(0, 60), made.uniform(0.05, 0.4), made.uniform(0.1, 0.6))
    found = judged(lambda at_s: 20 + leak * at_s + tooth(at_s), seconds=12, seed=seed)
    assert pace(found) == pytest.approx(leak, rel=0.2)


@pytest.mark.parametrize("seed", range(40))
def test_saw_teeth_alone_are_no_growth(seed: int) -> None:
    made = random.Random(seed)
    tooth = teeth(made.uniform(5, 200), made.uniform(0.05, 5), made.uniform(0.1, 0.9))
    for seconds in (6.5, 8, 10, 14, 60):
        assert judged(lambda at_s: 20 + tooth(at_s), seconds, seed=seed) is None


@pytest.mark.parametrize(
    "curve",
    [
        lambda at_s: 50.0,
        lambda at_s: 20 + min(at_s, 3) * 30,
        lambda at_s: 20 + min(at_s, 6) * 30,
        lambda at_s: 20 + 100 * (1 - math.exp(-at_s / 3)),
        lambda at_s: 20 + 30 * min(at_s, 5) - 10 * max(at_s - 5, 0),
        lambda at_s: 20 + 100 * (at_s > 7),
        lambda at_s: 200 + 0.05 * at_s,
        lambda at_s: 20 + 3 * math.sin(at_s),
    ],
    ids=["still", "warms up", "a cache that is full", "fills", "comes and goes", "a step", "hardly", "waves"],
)
def test_what_ends_or_stays_is_no_growth(curve: Curve) -> None:
    for seed in range(5):
        assert judged(curve, 10, seed=seed) is None
        assert judged(curve, 100, seed=seed) is None


def test_nothing_is_said_of_the_first_moments() -> None:
    assert judged(lambda at_s: 20 + 20 * at_s, seconds=5) is None


def test_few_readings_do_where_they_are_spread_over_the_time() -> None:
    lows = Lows()
    for at_s in (0, 4, 6.5, 8, 10):
        lows.add(int(at_s * 1e6), int((20 + 5 * at_s) * MIB))
    found = lows.trend(MIB, 0.02)
    assert pace(found) == pytest.approx(5, rel=0.01)
    assert found is not None
    assert found.readings == 4
    bunched = Lows()
    for at_s in (0, 4, 4.2, 4.4, 4.6, 10):
        bunched.add(int(at_s * 1e6), int((20 + 5 * at_s) * MIB))
    assert bunched.trend(MIB, 0.02) is None, "nothing was read in the middle"


def test_an_hour_is_kept_in_few_lows_and_a_slow_leak_is_found_in_it() -> None:
    tooth = teeth(80, 0.7, 0.5)
    found = judged(lambda at_s: 300 + 0.01 * at_s + tooth(at_s), seconds=3600)
    assert pace(found) == pytest.approx(0.01, rel=0.05)
    assert found is not None
    assert found.readings > 8000


def test_the_envelope_never_falls_and_lies_below() -> None:
    points = [(at, value) for at, value in enumerate((3, 9, 4, 8, 5, 5, 7))]
    assert [value for _, value in envelope(points)] == [3, 4, 4, 5, 5, 5, 7]


def pairs(values: Iterable[int]) -> list[tuple[int, int]]:
    return list(enumerate(values))


def test_the_slope_does_not_heed_a_few_wild_points() -> None:
    assert slope(pairs(range(0, 40, 2))) == 2
    assert slope(pairs([0, 2, 4, 900, 8, 10, 12, 14])) == 2
    assert slope([]) == 0


@pytest.mark.parametrize("period_s", [2.6, 4.6, 7.2, 9.0])
def test_a_tooth_that_is_as_long_as_the_run_is_no_growth_once_it_has_fallen(period_s: float) -> None:
    for seconds in (period_s + 1, 1.5 * period_s, 2 * period_s, 3 * period_s + 1, 50):
        assert judged(lambda at_s: 20 + 85 * (at_s % period_s), seconds) is None


def test_what_goes_on_rising_after_a_fall_at_the_start_is_a_growth() -> None:
    found = judged(lambda at_s: 20 + 5 * at_s + (400 if at_s < 1.5 else 0), seconds=10)
    assert pace(found) == pytest.approx(5, rel=0.1)
