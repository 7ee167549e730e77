"""The curves that workloads draw of what they measured, and the figures that they name."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

from app.workloads.gil import switch_interval
from app.workloads.hazards import descriptor_leak
from app.workloads.loops import async_download, calculator_server, task_switches
from app.workloads.measured import Shown, measured, of_latencies
from app.workloads.memory import allocation_ladder
from app.workloads.models import process_lifecycle, task_queue
from app.workloads.scheduling import concurrent_tests, scheduler
from app.workloads.structures import counters, queues

SVG = "{http://www.w3.org/2000/svg}"


def dots(svg: str) -> list[tuple[float, float]]:
    """Where the points stand; the higher a value, the lower its y."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    return [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in found]


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_switch_interval_has_a_curve_of_latency_and_one_of_work() -> None:
    rows = [[0.01, 900.0, 50.0, 0.1, 0.5], [5.0, 1000.0, 20.0, 10.0, 30.0], [100.0, 1010.0, 0.0, None, None]]
    latency, work = switch_interval.pictures(rows)
    assert len(dots(latency["svg"])) == 4, "an interval without an answer has no point"
    (_, low), (_, high) = dots(latency["svg"])[:2]
    assert high < low
    assert {"0.01", "5", "100", "median", "99th percentile"} <= set(words(latency["svg"]))
    assert latency["alt"] == "Median at 0.01 ms: 0.1 ms; at 100 ms: no answer."
    assert len(dots(work["svg"])) == 3


def test_counters_have_a_line_each_over_the_workers() -> None:
    scaling = [
        {"kind": kind, "at_once": n, "ops_per_s": 1e6 * n} for kind in counters._KINDS for n in (1, 2, 4)
    ]
    drawn = counters.picture(scaling)
    assert len(dots(drawn["svg"])) == 3 * len(counters._KINDS)
    assert drawn["alt"].startswith("Million counts a second by 1 and by 4: ")
    assert "1 and 4" in drawn["alt"]


def test_the_ladder_has_a_curve_on_a_scale_of_powers() -> None:
    rungs = [{"bytes": 8 * 10**n, "allocate_ns": 10.0**n, "free_ns": 5.0} for n in range(1, 6)]
    [drawn] = allocation_ladder.pictures(rungs)
    allocate = [y for _, y in dots(drawn["svg"])][:5]
    gaps = [round(above - below, 1) for above, below in pairwise(allocate)]
    assert len(set(gaps)) <= 2, "each power is as high as the next"
    assert {"1 ns", "100 µs", "80", "800,000"} <= set(words(drawn["svg"]))
    assert allocation_ladder.pictures(rungs[:1]) == []


def test_queues_have_a_line_each_while_it_was_their_turn() -> None:
    turn = {"share_s": 2.0, "bins": [64] * queues._BINS}
    consumers = [
        [{"at_s": 0.0, **turn}, {"at_s": 2.0, **turn, "bins": [6400] * queues._BINS}] for _ in range(2)
    ]
    [drawn] = queues.pictures(["slow", "fast"], consumers)
    assert drawn["alt"] == "Items a second, a median of: slow 1,280, fast 128,000."
    assert {"slow", "fast", "1 k", "100 k", "items/s"} <= set(words(drawn["svg"]))
    assert queues.pictures(["slow"], [[{"at_s": 0.0, "share_s": 2.0, "bins": [0] * queues._BINS}]]) == []


def test_a_task_queue_has_a_curve_of_urgent_tasks_and_one_of_the_others() -> None:
    [drawn] = task_queue.pictures([[1.0, None, 3.0], [100.0, 120.0, 140.0]], 0.5)
    assert drawn["alt"] == "Half of the tasks waited no longer than: urgent ones 2 ms, ordinary ones 120 ms."
    assert {"urgent", "ordinary", "ms", "seconds"} <= set(words(drawn["svg"]))
    assert task_queue.pictures([[None], [None]], 0.5) == []


def test_a_scheduler_has_a_curve_of_each_job_that_comes_due_often() -> None:
    [drawn] = scheduler.pictures({"report": [10.0, None, 90.0], "poll": [None, 5.0, 80.0]}, 0.5)
    assert len(dots(drawn["svg"])) == 4
    assert drawn["alt"] == "The last ones that were run began late by: report 90 ms, poll 80 ms."
    assert scheduler.pictures({"report": [None], "poll": [None]}, 0.5) == []


def test_a_suite_has_a_curve_in_each_way_and_no_more_than_some_points() -> None:
    passes = {"in_order": [(float(n), 100.0) for n in range(100)], "threads": [(1.0, 25.0)], "forks": []}
    [drawn] = concurrent_tests.pictures(passes)
    assert drawn["alt"] == "The suite takes, as a median: one after the other 100 ms, in threads 25 ms."
    assert len(dots(drawn["svg"])) == 34 + 1
    assert concurrent_tests.pictures({"in_order": [], "threads": [], "forks": []}) == []


def test_processes_have_a_curve_that_ends_with_the_last_of_them() -> None:
    last = {"done_ms": [20.0, 10.0], "ended_ms": 500.0}
    [drawn] = process_lifecycle.pictures([last, None, None, None])
    assert drawn["alt"] == "Jobs done: a pill each: 2 in 500 ms."
    assert process_lifecycle.pictures([None] * 4) == []


def test_switches_have_a_line_a_kind_over_the_number_of_tasks() -> None:
    rows = [
        [kind, number, 64, ns] for kind, ns in (("generators", 200.0), ("threads", 9e3)) for number in (2, 8)
    ]
    [drawn] = task_switches.pictures(rows)
    assert drawn["alt"] == "One switch among the most tasks takes: generators 200 ns, threads 9.0 µs."
    assert {"100 ns", "10 µs", "generators", "threads", "2", "8"} <= set(words(drawn["svg"]))
    assert task_switches.pictures(rows[:1]) == []


def test_servers_have_a_line_each_while_it_was_their_turn() -> None:
    bins = [0] * calculator_server.BINS + [20] * calculator_server.BINS + [0] * 2 * calculator_server.BINS
    [drawn] = calculator_server.pictures(bins, 0.1)
    assert drawn["alt"] == "Answers a second, a mean of: threads 200."
    assert calculator_server.pictures([0] * len(bins), 0.1) == []


def test_downloads_have_a_curve_up_to_the_deadline() -> None:
    bins = [0] * async_download.BINS
    bins[10], bins[20] = 4, 2
    [drawn] = async_download.pictures(bins, 2, 6, 350.0)
    assert drawn["alt"] == "By the deadline, 350 ms, 3.0 of 6 files were written."
    assert async_download.pictures(bins, 0, 6, 350.0) == []


def test_descriptors_have_a_curve_beside_their_limit() -> None:
    [drawn] = descriptor_leak.pictures([10, None, 30], 30, 0.5)
    assert drawn["alt"] == "From 10 to 30 open descriptors, with a limit of 30."
    assert {"open descriptors", "the limit"} <= set(words(drawn["svg"]))
    assert descriptor_leak.pictures([10, None], 30, 0.5) == []


def test_figures_are_named_and_what_was_not_measured_is_left_out() -> None:
    result = {"ops": 3, "ops_per_s": 1.5, "seconds": 2.0, "wait_ms": {"p50": 1.0, "p99": None}, "kept": None}
    shown = (
        *of_latencies("wait_ms", "Wait"),
        Shown("kept", "Kept", "bytes"),
        Shown("wait_ms.p50.x", "Not there"),
    )
    assert measured(result, shown) == [
        {"label": "Operations", "value": 3, "unit": "count"},
        {"label": "Operations a second", "value": 1.5, "unit": "rate"},
        {"label": "Time", "value": 2.0, "unit": "s"},
        {"label": "Wait, median", "value": 1.0, "unit": "ms"},
    ]
