"""The figures of whole runs against what the target knows of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.observing import observing, program, workload

from app.model.frames import Frame, Report

# Speaks the workload's line. Reads CPython's own switch counter before the gate opens and after its threads
# have ended; while nobody but main runs it stands still, so the observer must find the same difference.
COUNTING = """
import ctypes, json, os, socket, sys, threading

def switch_number():
    if sys.version_info < (3, 12):
        gil = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime")) + 360
    else:
        get = ctypes.pythonapi.PyInterpreterState_Main
        get.restype = ctypes.c_void_p
        gil = ctypes.c_void_p.from_address(get() + (384 if sys.version_info < (3, 13) else 16)).value
    return ctypes.c_uint64.from_address(gil + (32 if "t" in sys.abiflags else 24)).value

def spin():
    for _ in range(int(sys.argv[1])):
        pass

channel = socket.socket(fileno=int(os.environ["GILSCOPE_CHANNEL_FD"]))
threads = [threading.Thread(target=spin) for _ in range(4)]
channel.sendall(json.dumps({"ready": {"pids": [os.getpid()]}}).encode() + b"\\n")
channel.recv(100)
before = switch_number()
for thread in threads: thread.start()
for thread in threads: thread.join()
channel.sendall(json.dumps({"moved": switch_number() - before}).encode() + b"\\n")
"""
PAIRS = 5
ITS_OWN_READING = 3  # starting and joining threads passes the lock to and from main around the two readings


def worker_rows(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the target's own workers: neither its main thread nor a process that serves it."""
    root = summary["target"]["pid"]
    return [row for row in summary["threads"] if row["pid"] == root and row["name"] != "main"]


@pytest.mark.builds
def test_the_switches_are_those_that_the_process_counts_itself(python: str) -> None:
    start = program(python, COUNTING, "15000000", workload=True)
    start.env["PYTHON_GIL"] = "1"  # only a free-threaded build has a choice
    with observing(start) as observation:
        observation.finish()
    [report] = [r.data["moved"] for r in observation.of(Report) if "moved" in r.data]
    seen = sum(switches for frame in observation.of(Frame) for _, switches, _ in frame.gils)
    assert report > 50
    assert abs(seen - report) <= ITS_OWN_READING


def ops_per_s(python: str, name: str, executor: str) -> float:
    """What two workers of a catalogue workload do in a second while they are observed."""
    with observing(workload(python, name, executor=executor, workers=2, seconds=2)) as observation:
        observation.finish()
    return float(observation.summary()["workload"]["ops_per_s"])


@pytest.mark.serial
def test_two_threads_that_let_go_of_it_do_what_two_processes_do(any_python: str) -> None:
    """Beside processes: what a second core gives depends on the machine, where two may be halves of one.

    The best of a few pairs: another guest of a shared machine takes a core from either side of a pair.
    """
    ratios: list[float] = []
    while len(ratios) < PAIRS and max(ratios, default=0) < 0.85:
        ratios.append(
            ops_per_s(any_python, "native-release", "threads")
            / ops_per_s(any_python, "native-release", "processes")
        )
    assert max(ratios) >= 0.85, ratios


@pytest.mark.serial
def test_two_threads_that_keep_it_do_less_than_two_processes(gil_any_python: str) -> None:
    """The control of the one above: were it blind, both would hold."""
    ratios: list[float] = []
    while len(ratios) < PAIRS and min(ratios, default=1) > 0.8:
        ratios.append(
            ops_per_s(gil_any_python, "cpu-bound", "threads")
            / ops_per_s(gil_any_python, "cpu-bound", "processes")
        )
    assert min(ratios) <= 0.8, ratios


@pytest.mark.serial
def test_the_longest_hold_is_the_call_that_does_not_let_go(gil_any_python: str) -> None:
    with observing(
        workload(gil_any_python, "native-hold", executor="threads", workers=3, seconds=3)
    ) as observation:
        observation.finish()
    summary = observation.summary()
    longest = max(row["gil_hold"]["max_s"] or 0 for row in worker_rows(summary))
    assert longest == pytest.approx(summary["workload"]["longest_call_ms"] / 1e3, rel=0.1)


@pytest.mark.serial
@pytest.mark.parametrize("interval_ms", [1.0, 5.0, 20.0])
def test_the_io_thread_of_a_convoy_waits_a_switch_interval(gil_any_python: str, interval_ms: float) -> None:
    params = json.dumps({"switch_interval_ms": interval_ms})
    seconds = 3 if interval_ms < 20 else 8  # a wait is up to three intervals long, or more
    with observing(
        workload(gil_any_python, "convoy", params, executor="threads", workers=4, seconds=seconds)
    ) as observation:
        observation.finish()
    summary = observation.summary()
    [row] = [row for row in summary["threads"] if row["name"].startswith("io")]
    assert row["gil_wait"]["count"] > 20
    assert row["gil_wait"]["p99_s"] >= interval_ms / 1e3
    # It follows the interval up and down: with three rivals a wait is one to a few intervals long, so that
    # what 1 ms gives is less than 20 ms can give.
    assert row["gil_wait"]["p50_s"] >= 0.8 * interval_ms / 1e3
    assert row["gil_wait"]["p50_s"] <= 6 * interval_ms / 1e3 + 0.004
