"""Two runs set against each other: a difference is said only where the spread of both allows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from support import recorded

from app.analysis.comparison import Measured, compare
from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise

STEADY = [100.0, 104.0, 97.0, 101.0, 103.0, 99.0, 98.0, 102.0]


def measured(**how: Any) -> Measured:
    ledger = Ledger()
    for message in recorded.messages(**how):
        ledger.feed(message)
    return Measured(summarise(ledger), header_of(ledger)["series"])


def with_ops(run: Measured, per_second: Sequence[float]) -> Measured:
    """That run, with another course of its operations."""
    rows = [[1e6 * (at + 1), ops] for at, ops in enumerate(per_second)]
    workload = {"ops_per_s": sum(per_second) / len(per_second)}
    series = {"names": ["at_us", "ops_per_s"], "every": 1, "rows": rows}
    return Measured({**run.summary, "workload": workload}, series | {"names": [*series["names"], *_OTHERS]})


_OTHERS = ("coverage", "held_share", "contended_share", "waiters", "switches_per_s", "rss")


@pytest.fixture(scope="module")
def run() -> Measured:
    return measured(seconds=9)


def ops(a: Measured, b: Measured) -> dict[str, Any]:
    padded = [
        Measured(
            side.summary,
            side.series | {"rows": [[*row, *[None] * len(_OTHERS)] for row in side.series["rows"]]},
        )
        for side in (a, b)
    ]
    return next(figure for figure in compare(*padded)["figures"] if figure["key"] == "ops")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda x: x * 1.3, "higher", id="all-above"),
        pytest.param(lambda x: x * 0.7, "lower", id="all-below"),
        pytest.param(lambda x: x * 1.05, "unclear", id="overlap"),
        pytest.param(lambda x: x * 1.01, "alike", id="alike"),
    ],
)
def test_a_difference_is_said_where_the_seconds_do_not_overlap(
    run: Measured, change: Callable[[float], float], says: str
) -> None:
    figure = ops(with_ops(run, STEADY), with_ops(run, [change(x) for x in STEADY]))
    assert figure["says"] == says
    assert figure["change"] == pytest.approx(change(100) / 100 - 1)
    assert 97 <= figure["a"]["low"] < figure["a"]["high"] <= 104
    assert figure["a"]["seconds"] == len(STEADY)


def test_of_a_run_of_few_seconds_no_difference_is_said(run: Measured) -> None:
    figure = ops(with_ops(run, STEADY), with_ops(run, [x * 3 for x in STEADY[:7]]))
    assert figure["says"] == "unclear"
    assert "has 7 seconds, and 8 are needed" in figure["why"]


def test_a_second_is_put_together_of_all_that_was_measured_in_it() -> None:
    figures = {
        figure["key"]: figure for figure in compare(measured(seconds=9), measured(seconds=9))["figures"]
    }
    assert figures["ops"]["a"]["seconds"] == 9
    assert figures["ops"]["a"]["low"] == pytest.approx(1000)
    assert figures["held"]["says"] == "alike"
    assert (figures["duration"]["says"], figures["duration"]["a"]["low"]) == (None, None)
    assert figures["heap"]["a"]["value"] == 2 * 320


def test_what_was_asked_and_reported_differently_and_which_findings_came(run: Measured) -> None:
    def with_more(code: str, **more: Any) -> Measured:
        finding = {"code": code, "severity": "warning", "title": code.title()}
        both = {"code": "both", "severity": "info", "title": "Both"}
        summary = {
            **run.summary,
            "findings": [finding, both],
            "workload": {"held": more["held"], "table": [[1]]},
        }
        return Measured({**summary, "run": {**summary["run"], "params": {"size": more["size"]}}}, run.series)

    found = compare(with_more("gone", size=1, held=0.5), with_more("new", size=2, held=0.5))
    assert found["asked"] == [{"name": "size", "a": 1, "b": 2}]
    assert found["reported"] == []
    assert {one["code"]: one["in"] for one in found["findings"]} == {"gone": "a", "new": "b", "both": "both"}
    assert compare(run, Measured(run.summary, None))["figures"][3]["says"] == "unclear"


def test_what_was_run_is_among_what_differs(run: Measured) -> None:
    def of(kind: str, script: str | None = None, **told: Any) -> Measured:
        summary = {**run.summary, "run": {**run.summary["run"], "kind": kind, **told}}
        return Measured(summary, run.series, script)

    found = compare(of("script", "one()\n"), of("script", "two()\n"))
    assert [(line["in"], line["text"]) for line in found["program"]["lines"]] == [
        ("a", "one()"),
        ("b", "two()"),
    ]
    assert found["asked"] == []
    found = compare(of("command", command=["python3", "x.py"]), of("command", command=["python3", "y.py"]))
    assert found["asked"] == [{"name": "command", "a": ["python3", "x.py"], "b": ["python3", "y.py"]}]
    attached = of("attach")
    attached.summary["target"] = {**attached.summary["target"], "command": ["python", "other.py"]}
    assert [one["name"] for one in compare(of("attach"), attached)["asked"]] == ["command"]
    assert [one["name"] for one in compare(of("script", "x"), of("workload"))["asked"]] == ["kind"]


def test_cpu_time_is_the_processes_own_and_not_that_of_the_threads_told(run: Measured) -> None:
    [process] = run.summary["processes"]
    told = Measured({**run.summary, "processes": [{**process, "cpu_s": 12.5}], "threads": []}, run.series)
    [figure] = [figure for figure in compare(told, told)["figures"] if figure["key"] == "cpu_time"]
    assert figure["a"]["value"] == figure["b"]["value"] == 12.5
