"""Percentiles out of buckets."""

from __future__ import annotations

import pytest

from app.workloads.latencies import Latencies


def test_percentiles_are_close_to_those_of_the_values_themselves():
    latencies = Latencies()
    for thousandth in range(1, 1001):
        latencies.add(thousandth * 10_000)
    summary = latencies.summary_ms()
    assert summary["count"] == 1000
    assert summary["p50"] == pytest.approx(5.0, rel=0.011)
    assert summary["p99"] == pytest.approx(9.9, rel=0.011)
    assert summary["max"] == 10.0


def test_one_value_is_all_of_its_percentiles():
    latencies = Latencies()
    latencies.add(3_000_000)
    assert latencies.summary_ms() == {
        "count": 1,
        "p50": pytest.approx(3.0, rel=0.011),
        "p99": pytest.approx(3.0, rel=0.011),
        "max": 3.0,
    }


def test_there_are_no_percentiles_of_nothing():
    assert Latencies().summary_ms() == {"count": 0, "p50": None, "p99": None, "max": None}
