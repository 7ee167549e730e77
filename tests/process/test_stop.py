"""Whatever runs, however, and whenever it is told: a stop ends it within a second, and nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.interpreters import at_least
from support.line import Target

from app.workloads import catalogue
from app.workloads.executors import EXECUTORS

STOPPED_S = 1.0
AT_WORK_S = 0.3  # a workload that counts nothing, such as a deadlock, is at work by then
LONG_S = 60.0
SHORT_S, LATE_S = 3.2, 2.05  # a run of which most is over; what is left of it is longer than a stop may take
SHARED_MEMORY = Path("/dev/shm")
GONE_S = 5.0

MIN_PYTHON = {executor.name: executor.min_python for executor in EXECUTORS}


def least(workload: catalogue.Workload, executor: str) -> tuple[int, ...]:
    """The oldest version that has it."""
    return max(workload.min_python, MIN_PYTHON[executor])


COMBINATIONS = [
    pytest.param(
        workload,
        executor,
        id=f"{workload.name}-{executor}",
        marks=at_least(*least(workload, executor)).needed(),
    )
    for workload in catalogue.workloads()
    for executor in workload.executors
]

# What they do depends on how much of the time is over, or on what they have come to by then.
IN_PHASES = (
    *("convoy", "switch-interval", "primes", "sequential-chain", "counters", "queues", "atomic-matrix"),
    *("fragmentation", "copy-on-write", "reference-counts", "shared-memory", "allocate"),
    *("process-lifecycle", "descriptor-leak", "calculator-server", "task-switches", "scheduler"),
)


def python(workload: catalogue.Workload, executor: str) -> str:
    """This interpreter, or the newest, where this one is too old."""
    version = least(workload, executor)
    return sys.executable if sys.version_info >= version else at_least(*version).found[0].path


@pytest.fixture
def shared_memory() -> Iterator[None]:
    """Fails if a segment stays. Other tests run beside this one, and theirs come and go."""
    before = set(SHARED_MEMORY.iterdir())
    yield
    end = time.monotonic() + GONE_S
    while left := set(SHARED_MEMORY.iterdir()) - before:
        assert time.monotonic() < end, f"left in shared memory: {left}"
        time.sleep(0.05)


@pytest.fixture
def seconds() -> float:
    """How long the workload would run."""
    return LONG_S


@pytest.fixture
def target(
    workload: catalogue.Workload, executor: str, seconds: float, tmp_path: Path, shared_memory: None
) -> Iterator[Target]:
    """The workload, ready to be told to go."""
    arguments = ("run", workload.name, "--executor", executor, "--seconds", str(seconds))
    command = [python(workload, executor), "-m", "app.workloads", *arguments]
    started = Target(command, {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "HOME": str(Path.home())})
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.close()


@pytest.mark.parametrize(("workload", "executor"), COMBINATIONS)
def test_a_stop_at_work_ends_everything(target: Target, tmp_path: Path) -> None:
    target.go()
    at_work = time.monotonic() + AT_WORK_S
    while not target.ops() and time.monotonic() < at_work:
        time.sleep(0.01)
    _assert_a_stop_ends_everything(target, tmp_path)


@pytest.mark.parametrize(
    ("workload", "executor"),
    [pytest.param(each, each.executor, id=each.name) for each in catalogue.workloads()],
)
def test_a_stop_before_it_begins_ends_everything(target: Target, tmp_path: Path) -> None:
    _assert_a_stop_ends_everything(target, tmp_path)


@pytest.mark.parametrize("seconds", [SHORT_S], ids=[""])
@pytest.mark.parametrize(
    ("workload", "executor"),
    [pytest.param(each, each.executor, id=each.name) for each in map(catalogue.find, IN_PHASES)],
)
def test_a_stop_in_a_later_phase_ends_everything(target: Target, tmp_path: Path) -> None:
    target.go()
    time.sleep(LATE_S)
    _assert_a_stop_ends_everything(target, tmp_path)


def _assert_a_stop_ends_everything(target: Target, tmp_path: Path) -> None:
    session = target.process.pid
    family = [each.pid for each in psutil.Process(session).children(recursive=True)]

    # WHEN its process group is told to end
    told = time.monotonic()
    os.killpg(session, signal.SIGTERM)
    while "result" not in (line := target.receive_any()):
        assert "error" not in line, line
    took_s = time.monotonic() - told

    # THEN it reports its result within a second, and leaves no process, descriptor or file
    assert took_s < STOPPED_S
    status, stderr = target.wait()
    assert (status, stderr) == (0, "")
    target.pids = [session, *family]
    target.assert_nothing_left()
    assert _members(session) == []
    assert target.ended(), "somebody still holds the other end of the channel"
    assert list(tmp_path.iterdir()) == []


def _members(session: int) -> list[int]:
    """The processes of a session: those, too, that began after it was told to end."""
    members = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):  # ended since it was listed
            if os.getsid(pid) == session:
                members.append(pid)
    return members
