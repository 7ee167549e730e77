from __future__ import annotations

import pytest

from bench.spread import percentile, robust_slope, spread


def test_the_spread_of_several_measurements() -> None:
    found = spread([1.0, 5.0, 2.0, 4.0, 3.0])
    assert (found.low, found.median, found.high, found.of) == (2.0, 3.0, 4.0, 5)
    assert found.text("{:.1f}") == "3.0 [2.0 to 4.0]"


def test_one_measurement_is_its_own_spread() -> None:
    assert spread([0.25]).text("{:.0%}") == "25% [25% to 25%]"


def test_a_percentile_of_a_thousand_values() -> None:
    assert percentile([float(value) for value in range(1001)], 99) == pytest.approx(990.0)


def test_a_slope_is_that_of_most_points() -> None:
    line = [(float(at), 2.0 * at + 5.0) for at in range(40)]
    outliers = [(at, 1e6 if at % 5 == 0 else value) for at, value in line]
    assert robust_slope(line) == pytest.approx(2.0)
    assert robust_slope(outliers) == pytest.approx(2.0, abs=0.5)
