"""Conditions on which a build breaks: what is read, and when one holds."""

from __future__ import annotations

import pytest
from support.trials import tally_of

from app.analysis.experiment import result
from app.analysis.experiment_measures import MEASURES
from app.analysis.experiment_trials import Configuration, Trials
from app.analysis.fail_conditions import FailCondition


def found(**rates: list[float]) -> dict:
    """A result with these operations a second, by executor."""
    made = []
    for executor, values in rates.items():
        trials = Trials(Configuration(executor, 2, "3.14.0"))
        trials.measured = [
            dict.fromkeys((measure.key for measure in MEASURES), None)
            | {"ops_per_s": value, "pss_peak": 600 * 2**20, "latency_p99_s": 0.05}
            for value in values
        ]
        made.append(trials)
    return result(tally_of(made))


RESULT = found(
    sequential=[100.0, 101.0, 99.0, 100.5, 99.5],
    threads=[70.0, 71.0, 69.0, 70.5, 69.5],
    processes=[80.0, 120.0, 95.0, 99.0, 130.0],
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("ops_per_s < 0.9x", [1]),
        ("ops_per_s<0.5x", []),
        ("threads: ops_per_s < 0.9x", [1]),
        ("processes/2/3.14: ops_per_s < 0.9x", []),
        ("ops_per_s < 75", [1]),
        ("ops_per_s <= 130", [0, 1, 2]),
        ("ops_per_s >= 69", [0, 1, 2]),
        ("pss_peak > 500M", [0, 1, 2]),
        ("pss_peak > 1G", []),
        ("latency_p99_s > 49ms", [0, 1, 2]),
        ("wall_s > 1s", [0, 1, 2]),  # it was not measured
        ("fibres: ops_per_s < 1", [-1]),
    ],
)
def test_which_configurations_it_holds_for(text: str, places: list[int]) -> None:
    assert [place for place, _ in FailCondition.parse(text).failures(RESULT)] == places


def test_why_is_said_with_the_interval() -> None:
    [(_, why)] = FailCondition.parse("ops_per_s < 0.9x").failures(RESULT)
    assert why.startswith("0.7 times the baseline (0.")
    assert [why for _, why in FailCondition.parse("wall_s > 1s").failures(RESULT)] == [
        "it was not measured"
    ] * 3


@pytest.mark.parametrize("text", ["", "ops_per_s", "ops_per_s = 3", "speed < 1", "cpu_s < 1h", "cpu_s < -1"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (condition|measure|unit)"):
        FailCondition.parse(text)
