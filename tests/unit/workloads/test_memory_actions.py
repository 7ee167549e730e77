"""Actions: what a person asks of a workload that runs, from the observer's end of the line."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from app.workloads import catalogue

Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py

LADDER = ("memory-ladder", "--seconds", "60", "--params", '{"megabytes": 12}')


@pytest.fixture
def ladder(observe: Observe) -> Any:
    """A ladder at work, which has allocated once by itself."""
    target = observe(*LADDER)
    target.wait_until_ready()
    target.go()
    target.first = target.receive("did")
    return target


def test_every_action_is_done_and_told(ladder: Any):
    told = [ladder.act(action.name) for action in catalogue.find("memory-ladder").actions]
    assert ladder.first["action"] == "allocate"
    for before, did in zip([ladder.first, *told], told, strict=False):
        assert did["what"].endswith(".")
        assert did["moved"].startswith("RSS went from ")
        assert did["objects"] >= 0
        assert did["before"]["objects"] == before["objects"]
    ladder.process.terminate()
    result = ladder.receive("result")
    assert result["did"] == [ladder.first, *told]
    assert result["ops"] == 1 + len(told)
    assert ladder.wait() == (0, "")


def test_each_rung_moves_as_it_should(ladder: Any):
    full = ladder.first
    # WHEN all but one object a pool are freed, the arenas stay
    left = ladder.act("free-all-but-one")
    assert left["objects"] < full["objects"] / 10
    assert left["arenas"] == full["arenas"]
    # WHEN those are freed too, the arenas go
    assert ladder.act("free-all")["arenas"] < left["arenas"] - 5
    # WHEN cycles are made, their blocks stay until the collector finds them
    cycles = ladder.act("make-cycles")
    assert cycles["blocks"] > cycles["before"]["blocks"] + 2 * cycles["cycles"]
    collected = ladder.act("collect")
    assert collected["found"] >= 2 * cycles["cycles"]
    assert collected["blocks"] < cycles["blocks"] - 2 * cycles["cycles"]
    # WHEN a child only reads, it copies
    ladder.act("allocate")
    child = ladder.act("fork")["child"]
    assert child["uss_after"] - child["uss_before"] > 3_000_000
    # WHEN objects are large, no arena has them, but the C library
    large = ladder.act("malloc")
    assert large["arenas"] == large["before"]["arenas"]
    used, before = large["c_library"], large["before"]["c_library"]
    assert used["used"] + used["mapped"] - before["used"] - before["mapped"] > 3_000_000
    # WHEN only the last of them is left, malloc keeps the rest, and a trim gives it back
    kept = ladder.act("free-all-but-one")
    assert kept["c_library"]["free"] > 3_000_000
    trimmed = ladder.act("trim")
    assert trimmed["trimmed"]["rss_after"] < trimmed["trimmed"]["rss_before"] - 3_000_000
    assert trimmed["rss"] < kept["rss"] - 3_000_000


def test_an_unknown_action_is_told_and_does_no_harm(ladder: Any):
    ladder.send_action("conquer")
    told = ladder.receive_any()
    assert told["unknown_action"] == "conquer"
    assert "free-all" in told["known"]
    assert ladder.act("free-all")["objects"] == 0


def test_actions_that_come_together_are_done_in_turn(ladder: Any):
    for name in ("free-all", "make-cycles", "collect"):
        ladder.send_action(name)
    assert [ladder.receive("did")["action"] for _ in range(3)] == ["free-all", "make-cycles", "collect"]


@pytest.mark.parametrize("waiting", [False, True])
def test_a_ladder_ends_within_a_second(ladder: Any, waiting: bool):
    if waiting:
        for _ in range(3):
            ladder.send_action("allocate")
    stopped = time.monotonic()
    ladder.process.terminate()
    while "result" not in ladder.receive_any():
        pass
    assert time.monotonic() - stopped < 1.0


def test_a_workload_that_hears_no_actions_still_sees_its_observer_go(observe: Observe):
    # GIVEN a line that nobody will ever read
    target = observe("cpu-bound", "--seconds", "60", "--workers", "1")
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    target.send_action("anything")

    # WHEN the observer hangs up
    target.hang_up()

    # THEN the line is not in the way of the end of the channel
    target.assert_nothing_left()


def test_a_forked_child_ends_with_the_ladder(ladder: Any):
    ladder.pids.append(ladder.act("fork")["child"]["pid"])
    ladder.process.kill()
    ladder.assert_nothing_left()


def test_workloads_with_actions_run_where_a_person_is_heard():
    for workload in catalogue.workloads():
        if workload.actions:
            assert set(workload.executors) <= {"sequential", "threads"}
