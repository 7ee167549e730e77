"""What a workload measured, in the report."""

from __future__ import annotations

from typing import Any

import pytest

from app.cli import report_result
from app.workloads.measured import UNITS


def told(**result: Any) -> Any:
    return {"workload": result}


def test_figures_stand_by_the_workload_s_words_for_them() -> None:
    measured = [
        {"label": "Answers a second", "value": 153_374.2, "unit": "rate"},
        {"label": "Of each worker", "value": [161_861, 145_344], "unit": "count"},
    ]
    text = report_result.figures(told(ops_per_s=153_374.2, measured=measured, op="an answer"))
    assert text.splitlines()[1:] == [
        "Answers a second  153,374/s",
        "Of each worker    161,861, 145,344",
    ]


def test_a_run_recorded_before_those_has_the_names_of_its_fields() -> None:
    assert "ops_per_s  5.25" in report_result.figures(told(ops_per_s=5.25, steps=[{"a": 1}]))


def test_a_table_has_heads_and_units_where_it_says_so() -> None:
    table = {"columns": ["name", "us"], "rows": [["lock", 1_500.0], ["none", None]]}
    assert "name  us" in report_result.table(told(table=table))
    heads = [{"label": "Kind", "unit": "text"}, {"label": "Each", "unit": "us"}]
    lines = report_result.table(told(table={**table, "heads": heads})).splitlines()
    assert [line.split(None, 1) for line in lines] == [["Kind", "Each"], ["lock", "1.5 ms"], ["none", "–"]]


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        *[("count", "0.25"), ("rate", "0.25/s"), ("times", "0.25 ×"), ("share", "25 %"), ("s", "250 ms")],
        *[("ms", "250 µs"), ("us", "0.25 µs"), ("bytes", "0.25 B"), ("bytes_rate", "0.25 B/s")],
    ],
)
def test_each_unit_is_spoken(unit: str, said: str) -> None:
    assert unit in UNITS
    assert report_result.spoken(0.25, unit) == said


def test_what_is_many_is_left_to_json() -> None:
    assert report_result.spoken(list(range(40))) == "40 rows, see --json"
    assert report_result.spoken({"a": 1, "b": None}, "ms") == "a 1 ms, b –"
