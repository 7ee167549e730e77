"""A process that runs without a GIL: what is known of it, and what is null."""

import json

import pytest

from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import Counters, Frame, Hello, Names, Process, Stacks
from app.model.states import IO, RUNNING, WAITING

PID = 100
MS = 1000


@pytest.fixture
def ledger():
    """Two threads that run at the same time, but for a stop of the world of 10 ms."""
    ledger = Ledger()
    ledger.feed(Hello(0, 1e9, {"id": "r1", "kind": "workload", "name": "cpu-bound"}, {"gil_hz": 1000.0}))
    capabilities = {"gil": "unavailable", "gil_wait": "unavailable", "threads": "exact", "stacks": "exact"}
    why = {"gil": "this process runs without a GIL", "gil_wait": "this process runs without a GIL"}
    ledger.feed(Process(0, PID, None, ["python3.14t"], "3.14.0", True, False, None, capabilities, why))
    ledger.feed(Names(0, [[0, PID, 100, "a", 0], [1, PID, 101, "b", 0]]))
    ledger.feed(
        Names(0, functions=[[0, "f", "f.py", 1], [1, "g", "g.py", 1]], stacks=[[0, [0, 2]], [1, [1, 3]]])
    )
    both = [[0, [RUNNING, 50 * MS]], [1, [RUNNING, 40 * MS, WAITING, 10 * MS]]]
    ledger.feed(Frame(0, 50 * MS, 50, 0, 0, [], both))
    ledger.feed(Stacks([[10 * MS, None, 0, 0, -1, None, 0], [20 * MS, None, 1, 1, -1, None, 0]]))
    ledger.feed(Counters(50 * MS, [[PID, 90 * MS, 1, 1, 0, 0]], [[0, 50 * MS, 0, 0, 0]]))
    ledger.feed(Frame(50 * MS, 100 * MS, 50, 0, 0, [], [[0, [RUNNING, 50 * MS]], [1, [IO, 50 * MS]]]))
    return ledger


def test_threads_have_their_shares_and_may_run_at_the_same_time(ledger):
    first, second = summarise(ledger)["threads"]
    assert first["shares"]["running"] + second["shares"]["running"] == 1.4
    assert second["gil_wait"]["max_s"] == 0.01
    assert first["gil_hold"]["count"] == second["gil_hold"]["count"] == 0


def test_no_gil_is_reported_and_what_is_said_of_one_is_null(ledger):
    figures, summary = figures_of(ledger), summarise(ledger)
    assert (figures["main_gil"], figures["gils"], summary["gils"]) == (None, [], [])
    assert figures["totals"]["switches_per_s"] is None
    names, (row,) = header_of(ledger)["series"]["names"], header_of(ledger)["series"]["rows"]
    series = dict(zip(names, row, strict=True))
    assert [series[name] for name in ("held_share", "contended_share", "switches_per_s", "waiters")] == [
        None
    ] * 4
    assert summary["capabilities"]["gil"] == "unavailable"
    assert summary["capabilities"]["why"]["gil"] == "this process runs without a GIL"
    assert summary["target"]["gil_enabled"] is False
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_a_stop_of_the_world_is_a_wait_for_which_no_thread_is_to_blame(ledger):
    summary = summarise(ledger)
    (wait,) = summary["longest_waits"]
    assert (wait["name"], wait["at_s"], wait["length_s"], wait["blamed"]) == ("b", 0.04, 0.01, None)
    assert (summary["longest_holds"], summary["who_waits"]) == ([], [])


def test_hot_functions_are_those_of_the_threads_that_run(ledger):
    rows = {row["function"]: (row["held_share"], row["waited_share"]) for row in summarise(ledger)["hot"]}
    assert rows == {"f": (0.5, None), "g": (0.5, None)}
    assert summarise(ledger)["flame"]["samples"] == 2


def test_a_gil_that_is_switched_on_is_reported_from_then_on(ledger):
    ledger.feed(Process(100 * MS, PID, None, ["python3.14t"], "3.14.0", True, True, 5000))
    ledger.feed(Names(100 * MS, gils=[[0, PID, 0]]))
    lanes = [[0, [RUNNING, 50 * MS]], [1, [WAITING, 50 * MS]]]
    ledger.feed(Frame(100 * MS, 150 * MS, 50, 0, 0, [[0, 3, [0, 1, 50 * MS]]], lanes))
    (row,) = summarise(ledger)["who_waits"]
    assert (row["holder"]["name"], row["waiter"]["name"], row["wait_s"]) == ("a", "b", 0.05)
    assert figures_of(ledger)["main_gil"] == 0
