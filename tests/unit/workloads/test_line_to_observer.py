"""What workload and observer say to each other, with real processes on one side and a test on the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.model import spec
from app.workloads import line

Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py

BRIEF = ("--seconds", "0.3")
LONG = ("--seconds", "60")


def test_the_constants_are_those_of_the_contract():
    assert (line.CHANNEL_ENV, line.SHARED_ENV) == (spec.CHANNEL_ENV, spec.SHARED_ENV)
    assert (line.SHARED_WORDS, line.STOP_WORD) == (spec.SHARED_WORDS, spec.STOP_WORD)
    assert line.WORDS_A_SLOT == spec.WORDS_A_SLOT
    assert line.slot(line.MAX_WORKERS) < line.SHARED_WORDS  # the companion's, the last there is


def test_a_workload_works_between_go_and_its_result(observe: Observe):
    target = observe("cpu-bound", "--workers", "2", *BRIEF)
    assert target.wait_until_ready() == [target.process.pid]
    assert target.ops() == 0
    target.go()
    result = target.receive("result")
    assert target.wait() == (0, "")
    assert result["seconds"] == pytest.approx(0.3, abs=0.25)
    assert result["ops"] == sum(result["ops_by_worker"]) == target.ops()
    assert len(result["ops_by_worker"]) == result["workers"] == 2
    assert min(result["ops_by_worker"]) > 0
    assert result["ops_per_s"] == pytest.approx(result["ops"] / result["seconds"])


def test_the_children_are_announced_with_the_companion(observe: Observe):
    target = observe("io-bound", "--executor", "processes", "--workers", "3", *BRIEF)
    pids = target.wait_until_ready()
    assert pids[0] == target.process.pid
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids]
    assert names == ["main", "io-1", "io-2", "io-3", "server-1"]
    target.go()
    assert target.receive("result")["executor"] == "processes"
    assert target.wait() == (0, "")
    target.assert_nothing_left()


def test_threads_bear_their_roles_before_they_start(observe: Observe):
    target = observe("convoy", "--workers", "3", *BRIEF)
    main, client = target.wait_until_ready()
    names = {task.joinpath("comm").read_text().strip() for task in Path(f"/proc/{main}/task").iterdir()}
    assert names == {"main", "io-1", "cpu-1", "cpu-2"}
    assert Path(f"/proc/{client}/comm").read_text() == "client-1\n"


def test_a_report_arrives_when_it_is_made(observe: Observe):
    target = observe("convoy", "--seconds", "0.5")
    target.wait_until_ready()
    target.go()
    assert target.receive("phase") == "beside_cpu"
    assert target.receive("result")["latency_alone_ms"]["count"] > 0


def test_the_answers_of_a_convoy_are_told_apart_by_phase(observe: Observe):
    # GIVEN half a second, of which the first 0.1 s are the I/O thread's alone
    target = observe("convoy", "--seconds", "0.5")
    target.wait_until_ready()
    target.go()
    assert target.receive("phase") == "beside_cpu"
    result = target.receive("result")

    # THEN each phase has its rate, and only the worker that answers counts
    alone, beside = result["latency_alone_ms"]["count"], result["latency_beside_cpu_ms"]["count"]
    assert result["answers_alone_per_s"] == pytest.approx(alone / 0.1)
    assert result["answers_beside_cpu_per_s"] == pytest.approx(beside / 0.4)
    assert result["ops_by_worker"] == [result["ops"]]
    assert result["ops"] - 1 <= alone + beside <= result["ops"]


def test_a_convoy_that_is_stopped_while_the_thread_is_alone_has_no_other_rate(observe: Observe):
    target = observe("convoy", "--seconds", "60")
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    target.words[line.STOP_WORD] = 1
    result = target.receive("result")
    assert result["answers_alone_per_s"] > 0
    assert result["answers_beside_cpu_per_s"] is None


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
@pytest.mark.parametrize("how", ["word", "term", "group"])
def test_a_stop_ends_every_worker_within_a_second(observe: Observe, executor: str, how: str):
    target = observe("cpu-bound", "--executor", executor, *LONG)
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    stopped = time.monotonic()
    if how == "word":
        target.words[spec.STOP_WORD] = 1
    elif how == "term":
        target.process.terminate()
    else:
        os.killpg(target.process.pid, signal.SIGTERM)
    result = target.receive("result")
    assert time.monotonic() - stopped < 1.0
    assert result["ops"] > 0
    assert target.wait() == (0, "")
    target.assert_nothing_left()


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
def test_a_stop_before_go_gives_an_empty_result(observe: Observe, executor: str):
    target = observe("cpu-bound", "--executor", executor, *LONG)
    target.wait_until_ready()
    target.process.terminate()
    assert target.receive("result")["ops"] == 0
    assert target.wait() == (0, "")


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
@pytest.mark.parametrize("at_work", [False, True])
def test_nothing_outlives_the_observer(observe: Observe, executor: str, at_work: bool):
    target = observe("io-bound", "--executor", executor, *LONG)
    target.wait_until_ready()
    if at_work:
        target.go()
        target.wait_until_at_work()
    target.hang_up()
    target.assert_nothing_left()
    status, stderr = target.wait()
    assert (status, stderr) == (1, "The observer closed the channel, so nobody waits for a result.\n")


def test_children_end_when_their_parent_is_killed(observe: Observe):
    target = observe("io-bound", "--executor", "processes", *LONG)
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    target.process.kill()
    target.assert_nothing_left()
