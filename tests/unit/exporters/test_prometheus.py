"""The exposition, parsed by Prometheus' own client, of a made observation of which all is known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus
from support.made import LANES, PID, observation

from app.analysis.ledger import Ledger
from app.analysis.metrics import MOST_PROCESSES, metrics_of
from app.analysis.summary import run_info, summarise
from app.exporters.prometheus import exposition
from app.model.frames import Collector, Frame, Heap, Memory, Names, Process, Report
from app.model.metrics import RunMetrics, SampleCounts, ServerMetrics

ROOT = Path(__file__).parents[3]
BASE_UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info")


def ledger() -> Ledger:
    """The whole of a made run, with a heap, a collector and a walk of its mappings."""
    made = Ledger()
    for message in takewhile(lambda message: not isinstance(message, Report), observation().told):
        if not isinstance(message, Collector):  # it has one generation
            made.feed(message)
    at_us = made.at_us
    made.feed(Heap(at_us, PID, 0, "pymalloc", 1, 1, 0, 2, 2 << 20, 128, 3, 1000, 64_000, 5, [], [0, 0, 0]))
    made.feed(
        Memory(at_us, PID, 1 << 24, 1 << 23, 1 << 23, 0, 1 << 20, {"file": [1 << 22, 1 << 22, 1 << 21]})
    )
    for number in (0, 1):
        counts = [4 * number, number, 0], [7 * number, 0, 0], [0, 0, 0]
        row = [PID, 0, True, [700, 10, 10], [1, 1, 1], *counts, None]
        made.feed(Collector(at_us, [row], [[PID, 0, at_us - 3000, 2000 * number, 0, 7]]))
    return made


def told(of: Ledger) -> RunMetrics:
    return metrics_of(of, run_info(of, {"id": "made"}))


def server(*runs: RunMetrics) -> ServerMetrics:
    return ServerMetrics(
        "1", runs, {"running": 1}, {"command": 1}, {"failed": 0}, 2, SampleCounts(5, 1, 2), {"gone": 1}
    )


def samples(*runs: RunMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = exposition(server(*runs))[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in prometheus(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def made() -> Ledger:
    return ledger()


def test_it_says_what_the_summary_says(made: Ledger) -> None:
    summary = summarise(made, {"id": "made"})
    (gil,), found = summary["gils"], samples(told(made))
    of_run = frozenset({("run", "made")})
    of_process = of_run | {("process", str(PID))}
    of_gil = of_process | {("gil", "0")}
    assert found["gilscope_gil_held_seconds_total", of_gil] == pytest.approx(
        gil["held_share"] * gil["seen_s"]
    )
    assert found["gilscope_gil_waited_seconds_total", of_gil] == pytest.approx(gil["waiters"] * gil["seen_s"])
    assert found["gilscope_gil_switches_total", of_gil] == gil["switches"]
    waits = [thread["gil_wait"]["count"] for thread in summary["threads"]]
    still = sum(thread.waits.open_us > 0 for thread in made.threads)
    assert found["gilscope_run_gil_wait_seconds_count", of_run] == sum(waits) - still > 10
    assert found["gilscope_process_threads", of_process] == LANES
    assert found["gilscope_process_resident_memory_bytes", of_process] == 1 << 24
    assert found["gilscope_heap_used_bytes", of_process | {("interpreter", "0")}] == 64_000
    youngest = of_process | {("interpreter", "0"), ("generation", "0")}
    assert found["gilscope_gc_collections_total", youngest] == 4
    assert found["gilscope_gc_pause_seconds_sum", of_process | {("interpreter", "0")}] == pytest.approx(0.002)
    parts = [v for (name, _), v in found.items() if name == "gilscope_process_memory_part_bytes"]
    assert sum(parts) == 1 << 24


def test_both_formats_are_well_formed_and_keep_to_the_conventions(made: Ledger) -> None:
    text, kind = exposition(server(told(made)), "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    families = list(openmetrics(text.decode()))
    plain, kind = exposition(server(told(made)))
    assert kind.startswith("text/plain")
    assert {family.name for family in prometheus(plain.decode())} >= {
        family.name for family in families if family.type == "gauge"
    }
    for family in families:
        assert family.documentation.endswith(".")
        assert family.name.startswith(("gilscope_", "process_"))
        assert "millisecond" not in family.name
        if family.type in ("histogram", "summary"):
            assert family.name.endswith("_seconds")


def test_totals_do_not_fall_when_a_process_goes_and_its_own_series_go_with_it(made: Ledger) -> None:
    other = ledger()
    at_us = other.at_us
    child = Process(at_us, PID + 50, PID, ["python3"], "3.13.0", False, True, 5000)
    other.feed(child)
    other.feed(Names(at_us, [[70, PID + 50, PID + 50, "main", 0]], [[7, PID + 50, 0]]))
    other.feed(Frame(at_us, at_us + 50_000, 50, 0, 0, [[7, 3, [70, 0, 50_000]]], [[70, [0, 50_000]]]))
    before = samples(told(other))
    other.feed(replace(child, at_us=at_us + 60_000, gone=True))
    after = samples(told(other))
    gone = {labels for _, labels in before} - {labels for _, labels in after}
    assert gone
    assert all(("process", str(PID + 50)) in labels for labels in gone)
    for (name, labels), value in before.items():
        if name.endswith("_total") and (name, labels) in after:
            assert after[name, labels] >= value
    held = "gilscope_run_gil_held_seconds_total", frozenset({("run", "made")})
    assert before[held] == after[held]


def test_a_program_that_calls_exec_has_one_series_for_both_of_its_gils() -> None:
    other = ledger()
    at_us = other.at_us
    own = frozenset({("run", "made"), ("process", str(PID)), ("gil", "0")})
    before = samples(told(other))["gilscope_gil_held_seconds_total", own]
    other.feed(Names(at_us, [[80, PID, PID, "main", 0]], [[8, PID, 0]]))
    other.feed(Frame(at_us, at_us + 50_000, 50, 0, 0, [[8, 1, [80, 0, 50_000]]], [[80, [0, 50_000]]]))
    assert samples(told(other))["gilscope_gil_held_seconds_total", own] == pytest.approx(before + 0.05)


def test_ten_thousand_children_have_a_bounded_number_of_series() -> None:
    other = Ledger()
    for message in observation(4, 0).told[:4]:
        other.feed(message)
    for pid in range(10_000, 20_000):
        other.feed(Process(1, pid, PID, ["python3"], "3.13.0", False, True, 5000))
    found = samples(told(other))
    pids = {value for _, labels in found for name, value in labels if name == "process"}
    assert len(pids) == MOST_PROCESSES
    assert found["gilscope_run_processes", frozenset({("run", "made")})] == 10_001


def exposed(made: Ledger) -> set[str]:
    """Names of samples, without what a histogram and a summary add to theirs."""
    text = exposition(server(told(made)))[0].decode()
    return {
        re.sub("(?<=_seconds)_(bucket|sum|count)$", "", s.name) for f in prometheus(text) for s in f.samples
    }


def test_the_page_of_metrics_has_all_of_them_and_no_other(made: Ledger) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    named = {
        name
        for row in rows
        for name in re.findall("`([a-z_]+)`", row)
        if name.startswith(("gilscope_", "process_"))
    }
    unknown_here = {"gilscope_gc_tracked_objects", "gilscope_process_cpus"}  # of the made run
    assert named - unknown_here == exposed(made) - unknown_here


def test_the_dashboard_asks_for_what_there_is(made: Ledger) -> None:
    dashboard = json.loads((ROOT / "static" / "grafana-dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [
        each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"
    ]
    names = {name for text in expressions for name in re.findall(r"\b(?:gilscope|process)_[a-z_]+", text)}
    names = {re.sub("(?<=_seconds)_(bucket|sum|count)$", "", name) for name in names}
    assert len(names) > 20
    assert names - {"gilscope_process_cpus"} <= exposed(made)
    assert [panel["id"] for panel in dashboard["panels"]] == list(range(1, len(dashboard["panels"]) + 1))
