"""How workers come to run: in what process and interpreter, and what an old Python refuses."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import reduction
from pathlib import Path
from typing import Any

import pytest
from support.by_hand import run
from support.interpreters import NEW

from app.workloads.catalogue import InvalidRequest
from app.workloads.executors import EXECUTORS, by_name
from app.workloads.pickling import Pickling

Observe = Callable[..., Any]  # the fixture: it starts a Target of conftest.py

ROOT = Path(__file__).parents[3]
LONG = ("--seconds", "60")
METHODS = ["fork", "forkserver", "spawn"]

# Each worker says where it is; worker 1 fails if it is told to.
FAMILY = """
import asyncio, os, sys, threading
from app.workloads.catalogue import Workload

def find(ctx):
    return {"pid": os.getpid(), "thread": threading.get_native_id(), "tasks": id(sys.modules),
            "name": threading.current_thread().name, "prepared": ctx.prepared}

def work(ctx):
    ctx.count(1)
    return find(ctx)

async def coroutine(ctx):
    ctx.count(1)
    await asyncio.sleep(0.01)
    if ctx.worker == 1 and ctx.prepared == "fail":
        raise ValueError("no luck")
    return {**find(ctx), "name": asyncio.current_task().get_name(), "tasks": len(asyncio.all_tasks())}

def summarise(prepared, found, companion):
    return {"found": list(found)}

WORKLOADS = [Workload(name="own", family="own", title="Own", sentence="Says.", op="nothing", look_for=(),
                      roles=("own",), work=work, coroutine=coroutine, summarise=summarise,
                      prepare=lambda setting, resources: PREPARED,
                      executors=("threads", "processes", "asyncio"))]
"""


def _own(observe: Observe, executor: str, prepared: str) -> Any:
    own = FAMILY.replace("PREPARED", repr(prepared))
    target = observe("own", "--workers", "3", "--executor", executor, own=own)
    target.wait_until_ready()
    target.go()
    return target


def test_tasks_are_in_one_thread_and_exist_at_once(observe: Observe):
    target = _own(observe, "asyncio", "kept")
    found = target.receive("result")["found"]
    assert [each["name"] for each in found] == ["own-1", "own-2", "own-3"]
    assert {each["thread"] for each in found} == {target.process.pid}
    assert found[0]["tasks"] == 4, "the workers, and the one that waits for them"
    assert target.wait() == (0, "")


def test_a_task_that_fails_is_reported_with_its_traceback(observe: Observe):
    target = _own(observe, "asyncio", "fail")
    assert target.receive("error")["detail"] == "own-2: ValueError: no luck"
    status, stderr = target.wait()
    assert status == 1
    assert "in coroutine" in stderr


def test_what_an_executor_pickles_to_hand_over_is_counted(observe: Observe):
    prepared = "x" * 100_000  # a worker's outcome holds it; with fork its job is not pickled
    began = time.monotonic()
    target = _own(observe, "processes", prepared)
    result = target.receive("result")
    elapsed_ms = 1000 * (time.monotonic() - began)  # "seconds" ends before the outcomes are handed back
    assert 3 * len(prepared) < result["executor_bytes_pickled"] < 3 * len(prepared) + 5_000
    assert 0 < result["executor_pickling_ms"] < 3 * elapsed_ms, "of three that may do it at once"
    target = _own(observe, "threads", prepared)
    assert not {"executor_bytes_pickled", "executor_pickling_ms"} & target.receive("result").keys()


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_where_a_child_is_not_forked_its_job_is_pickled_too(method: str):
    brief = ("primes", "--executor", "processes", "--workers", "2", "--seconds", "0.1")
    forked, other = (run(*brief, start_method=each) for each in ("fork", method))
    assert 0 < forked["executor_bytes_pickled"] < other["executor_bytes_pickled"]
    assert other["executor_pickling_ms"] > 0


@pytest.mark.parametrize("python", NEW.each())
def test_jobs_and_outcomes_of_interpreters_are_pickled(python: str):
    brief = ("primes", "--executor", "subinterpreters", "--seconds", "0.1")
    one, two = (run(*brief, "--workers", str(count), python=python) for count in (1, 2))
    assert one["executor_pickling_ms"] > 0
    assert two["executor_bytes_pickled"] == pytest.approx(2 * one["executor_bytes_pickled"], rel=0.1)


def test_the_bytes_and_the_time_of_pickling_are_told():
    pickling = Pickling()
    made = pickling.dumps(list(range(1000)))
    assert pickling.loads(made) == list(range(1000))
    assert pickling.bytes == len(made)
    assert pickling.ns > 0
    before = reduction.dump
    with pickling.of_starts():
        reduction.dump("abc", file := io.BytesIO())
    assert reduction.dump is before
    assert pickling.bytes == len(made) + len(file.getvalue())
    both = Pickling.sum([pickling, Pickling(5, 7)])
    assert (both.bytes, both.ns) == (pickling.bytes + 5, pickling.ns + 7)


@pytest.mark.parametrize("method", METHODS)
def test_children_of_every_start_method_are_stopped_and_gone(observe: Observe, method: str):
    params = json.dumps({"start_method": method})
    target = observe("io-bound", "--executor", "processes", "--params", params, *LONG)
    pids = target.wait_until_ready()
    parents = {_parent(pid) for pid in pids[1:5]}
    assert (target.process.pid in parents) == (method != "forkserver")
    assert [Path(f"/proc/{pid}/comm").read_text() for pid in pids[1:3]] == ["io-1\n", "io-2\n"]
    target.go()
    target.wait_until_at_work()
    family = _family(target.process.pid)
    stopped = time.monotonic()
    os.killpg(target.process.pid, signal.SIGTERM)
    assert target.receive("result")["ops"] > 0
    assert time.monotonic() - stopped < 1.0
    assert target.wait() == (0, "")
    target.pids = family
    target.assert_nothing_left()


@pytest.mark.parametrize("method", METHODS)
def test_children_of_every_start_method_end_with_their_parent(observe: Observe, method: str):
    params = json.dumps({"start_method": method})
    target = observe("cpu-bound", "--executor", "processes", "--params", params, *LONG)
    target.wait_until_ready()
    target.go()
    target.wait_until_at_work()
    target.pids = _family(target.process.pid)
    assert len(target.pids) >= 5
    target.process.kill()
    target.assert_nothing_left()


def test_a_stop_while_children_start_ends_the_run_well(observe: Observe):
    target = observe("cpu-bound", "--executor", "processes", "--params", '{"start_method": "spawn"}', *LONG)
    while len(_family(target.process.pid)) < 3:
        time.sleep(0.001)
    os.killpg(target.process.pid, signal.SIGTERM)
    target.wait_until_ready()
    assert target.receive("result")["ops"] == 0
    assert target.wait() == (0, "")


@pytest.mark.parametrize("python", NEW.each())
@pytest.mark.parametrize("name", ["cpu-bound", "native-release"])
def test_workers_are_in_interpreters_of_their_own(python: str, name: str):
    command = [
        python,
        "-m",
        "app.workloads",
        "run",
        name,
        "--executor",
        "subinterpreters",
        "--seconds",
        "0.3",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    result = json.loads(ended.stdout)
    assert result["executor"] == "subinterpreters"
    assert min(result["ops_by_worker"]) > 0


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda executor: executor.name)
def test_an_executor_that_this_python_is_too_old_for_is_refused(
    executor: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    if executor.min_python <= (3, 12):
        assert by_name(executor.name) is executor
        return
    with pytest.raises(InvalidRequest) as refused:
        by_name(executor.name)
    assert refused.value.field == "executor"
    assert refused.value.detail == f"{executor.name} needs CPython 3.13 or later, and this is 3.12"


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]
