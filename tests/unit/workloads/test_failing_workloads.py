"""Workloads that fail or end early; each is a family written for the test, and so shows how one is added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py

FAMILY = """
import os, signal
from app.workloads.catalogue import Workload

def work(ctx):
    ctx.count(1)
    if ctx.worker == 1:
        {second}
    while not ctx.stopping:
        pass

def prepare(setting, resources):
    {prepare}

WORKLOADS = [Workload(name="own", family="own", title="Own", sentence="Fails.", op="nothing",
                      look_for=(), roles=("own",), work=work, prepare=prepare)]
"""
RUN = ("own", "--seconds", "60", "--workers", "3")


def _family(second: str = "pass", prepare: str = "pass") -> str:
    return FAMILY.format(second=second, prepare=prepare)


@pytest.mark.parametrize("executor", ["threads", "processes", "sequential"])
def test_a_failed_worker_stops_the_others_and_is_reported(observe: Observe, executor: str):
    target = observe(
        *RUN, "--executor", executor, "--seconds", "0.9", own=_family("raise ValueError('no luck')")
    )
    target.wait_until_ready()
    target.go()
    error = target.receive("error")
    assert error["code"] == "target-failed"
    assert error["detail"] == "own-2: ValueError: no luck"
    status, stderr = target.wait()
    assert status == 1
    assert stderr.startswith("own-2: Traceback (most recent call last):\n")
    assert "in work" in stderr
    target.assert_nothing_left()


def test_a_killed_child_stops_the_others_and_is_reported(observe: Observe):
    target = observe(*RUN, "--executor", "processes", own=_family("os.kill(os.getpid(), signal.SIGKILL)"))
    pids = target.wait_until_ready()
    target.go()
    assert target.receive("error")["detail"] == (
        f"own-2: own-2 (process {pids[2]}) ended by signal 9 (SIGKILL) before its work was done"
    )
    assert target.wait()[0] == 1
    target.assert_nothing_left()


def test_a_failure_before_the_start_is_reported(observe: Observe):
    target = observe(*RUN, own=_family(prepare="raise OSError('no such thing')"))
    error = target.receive("error")
    assert error["detail"] == "OSError: no such thing"
    status, stderr = target.wait()
    assert status == 1
    assert stderr.startswith("Traceback (most recent call last):\n")


def test_a_workload_ends_when_its_work_is_done(observe: Observe):
    own = _family().replace("while not ctx.stopping:\n        pass", "return {}")
    target = observe(*RUN, own=own)
    target.wait_until_ready()
    target.go()
    result = target.receive("result")
    assert result["ops"] == 3
    assert result["seconds"] < 5
    assert target.wait() == (0, "")


def test_a_bad_request_names_the_field_and_starts_nothing(observe: Observe):
    target = observe("io-bound", "--params", '{"wait_ms": 1000}')
    error = target.receive("error")
    assert (error["code"], error["field"]) == ("bad-request", "params.wait_ms")
    assert error["detail"] == "params.wait_ms: 1000 is not between 0.1 and 300.0"
    assert target.wait()[0] == 2
