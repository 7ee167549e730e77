"""Every workload on the oldest Python, and what the results of some of them say; run by hand."""

from __future__ import annotations

import sys
from functools import partial
from operator import itemgetter
from pathlib import Path
from time import thread_time_ns

import pytest
from support.by_hand import run, until

from app.workloads import catalogue
from app.workloads.gil.native_hold import CallKind, calibrate
from app.workloads.gil.switch_interval import INTERVALS_MS

OLDEST = next(map(str, sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python"))), sys.executable)


@pytest.mark.parametrize("name", [each.name for each in catalogue.workloads() if each.min_python <= (3, 9)])
def test_every_workload_runs_on_the_oldest_python(name: str):
    result = until(itemgetter("showed"), lambda s: run(name, "--seconds", str(s), python=OLDEST), 0.4)
    assert result["workload"] == name
    assert result["showed"]
    declared = catalogue.find(name).shown
    assert {each.key.split(".")[0] for each in declared} <= set(result), "each is there, if only as None"
    assert {"Operations", "Time"} <= {each["label"] for each in result["measured"]}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (workload.name, kind)
        for workload in catalogue.workloads()
        for param in workload.params
        if param.name == "kind"
        for kind in param.choices or ()
    ],
)
def test_every_kind_of_work_gets_done(name: str, kind: str):
    assert run(name, "--seconds", "0.4", kind=kind)["ops"] > 0


def test_the_workers_of_a_sequential_run_share_its_time():
    result = run("io-bound", "--executor", "sequential", "--workers", "3", "--seconds", "0.6", kind="sleep")
    # A sleep of 10 ms fits twenty times into a third of the time, and the last may begin within it.
    assert all(1 <= ops <= 21 for ops in result["ops_by_worker"])
    assert result["seconds"] >= 0.6


@pytest.mark.serial
@pytest.mark.parametrize("interval_ms", [1.0, 5.0, 20.0])
def test_the_answers_of_a_convoy_take_a_switch_interval(interval_ms: float):
    # An answer is up to two waits long: beside one thread that computes, each of them is one interval. Beside
    # several, others may have their turns first. The wait begins when the answer before is on its way, so
    # the client's pause is a part of it: it is as short as it can be, a tenth of the shortest interval.
    brief = {"switch_interval_ms": interval_ms, "think_ms": 0.1}
    result = run("convoy", "--workers", "2", "--seconds", "2", **brief)
    assert result["latency_alone_ms"]["p50"] < 0.5
    assert result["latency_beside_cpu_ms"]["p50"] >= 0.9 * interval_ms
    assert result["latency_beside_cpu_ms"]["p50"] < 8 * interval_ms
    assert result["answers_beside_cpu_per_s"] < min(1000 / interval_ms, result["answers_alone_per_s"])
    assert result["cpu_rounds"] > 0


@pytest.mark.serial
@pytest.mark.parametrize("kind", ["regex", "power", "sort"])
def test_a_call_that_keeps_the_gil_stops_the_ticks_for_as_long(kind: str):
    result = run("native-hold", "--seconds", "1.5", kind=kind)
    assert result["calls"] > 0
    assert result["calibrated_ms"] == pytest.approx(150, rel=0.3)
    # Before a ticker goes on, the other one may take its turn of 5 ms.
    assert result["longest_call_ms"] - 1 <= result["longest_gap_ms"] <= result["longest_call_ms"] + 50


def test_a_call_comes_to_its_length_though_it_scales_otherwise_than_is_thought():
    def spin(size: int) -> None:
        end_ns = thread_time_ns() + size * 200_000
        while thread_time_ns() < end_ns:
            pass

    prepared = calibrate(CallKind(lambda size: partial(spin, size), exponent=2.0), 60)
    assert prepared.calibrated_ms == pytest.approx(60, rel=0.1)
    assert prepared.size == pytest.approx(300, rel=0.1)


@pytest.mark.serial
def test_a_call_that_keeps_the_gil_stops_no_other_process():
    result = run("native-hold", "--seconds", "1", "--executor", "processes", "--workers", "2")
    assert result["longest_gap_ms"] < result["call_ms"] / 2


@pytest.mark.serial
def test_each_switch_interval_has_its_turn_and_latency_follows():
    result = run("switch-interval", "--seconds", "3")
    rows = result["table"]["rows"]
    assert [row[0] for row in rows] == list(INTERVALS_MS)
    assert all(countdowns > 0 for _, countdowns, *_ in rows)
    latencies = {interval_ms: p50 for interval_ms, _, _, p50, _ in rows}
    assert latencies[0.1] < latencies[5.0]
    assert len(result["showed"]) == len(rows)
