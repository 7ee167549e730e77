from __future__ import annotations

import pytest

from bench.spread import percentile, spread


def test_the_spread_of_several_measurements() -> None:
    found = spread([1.0, 5.0, 2.0, 4.0, 3.0])
    assert (found.low, found.median, found.high, found.of) == (2.0, 3.0, 4.0, 5)
    assert found.text("{:.1f}") == "3.0 [2.0 to 4.0]"


def test_one_measurement_is_its_own_spread() -> None:
    assert spread([0.25]).text("{:.0%}") == "25% [25% to 25%]"


def test_a_percentile_of_a_thousand_values() -> None:
    assert percentile([float(value) for value in range(1001)], 99) == pytest.approx(990.0)
