"""What is told of a time in which the observer itself did not run."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from support.observing import Observation, observing
from support.targets import standing_by

from app.model.commands import Stop
from app.model.frames import Counters, Frame
from app.model.states import RUNNING, WAITING

GAP_S = 0.3

# C code that sleeps with the lock in hand: who waits meanwhile cannot have had it.
ONE_HOLD = """
import ctypes, sys, threading

libc = ctypes.PyDLL(None)

def wait():
    there.set()
    while True: sum(range(1000))

there = threading.Event()
READY
sys.stdin.readline()
threading.Thread(target=wait, name="waiter", daemon=True).start()
there.wait()
libc.usleep(1_200_000)
"""

# Two threads that pass the lock to each other every few milliseconds.
MANY_SWITCHES = """
import sys, threading

def compute():
    while True: sum(range(1000))

sys.setswitchinterval(0.02)
for number in range(3): threading.Thread(target=compute, name=f"compute-{number}", daemon=True).start()
READY
sys.stdin.readline()
"""


# A thread that computes until it is told to end.
ENDS = """
import sys, threading

def compute():
    while not over.is_set(): sum(range(1000))

over = threading.Event()
thread = threading.Thread(target=compute, name="compute")
thread.start()
READY
sys.stdin.readline()
over.set()
thread.join()
READY
sys.stdin.readline()
"""


def until_one(observation: Observation, state: int) -> None:
    """Reads until a slice ends with a thread in that state."""
    while True:
        frame = observation.until(Frame)
        if any(track and track[-2] == state for _, track in frame.lanes):
            return


def gap_of(observation: Observation) -> None:
    """The observer does not run for GAP_S."""
    os.kill(observation.process.pid, signal.SIGSTOP)
    time.sleep(GAP_S)
    os.kill(observation.process.pid, signal.SIGCONT)


def rows(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in summary["threads"]}


def test_a_wait_that_the_lock_proves_to_go_on_has_its_whole_length(gil_python: str) -> None:
    with standing_by(gil_python, ONE_HOLD) as target, observing(pid=target.pid) as observation:
        observation.until(Frame)
        assert target.stdin
        target.stdin.write(b"\n")
        target.stdin.flush()
        until_one(observation, WAITING)
        gap_of(observation)
        observation.finish()
    summary = observation.summary()
    waiter, holder = rows(summary)["waiter"], rows(summary)["main"]

    # It is one wait, though nobody saw it for GAP_S: neither part before nor after could be as long. Where
    # the machine kept the observer from seeing how it began, it is a lower bound.
    longest = summary["longest_waits"][0]
    assert longest["name"] == "waiter"
    assert 1.2 - GAP_S < longest["length_s"] < 1.4
    of_wait = waiter["gil_wait"]
    assert longest["length_s"] == of_wait["cut_longest_s" if longest["at_least"] else "max_s"]
    assert of_wait["cut"] == int(longest["at_least"])

    # The holder may have let go and taken it again, which counts as nothing: each part is a lower bound
    assert holder["gil_hold"]["cut"] >= 2
    assert 0 < holder["gil_hold"]["cut_longest_s"] < 1.2 - GAP_S
    (gil,) = summary["gils"]
    assert gil["coverage"] < 1 - 0.9 * GAP_S / summary["run"]["duration_s"]
    assert holder["coverage"] < waiter["coverage"] - 0.1


def test_a_wait_of_which_nothing_is_proved_lasted_at_least_as_long_as_it_was_seen(gil_python: str) -> None:
    with standing_by(gil_python, MANY_SWITCHES) as target, observing(pid=target.pid) as observation:
        until_one(observation, WAITING)
        for _ in range(3):
            gap_of(observation)
            until_one(observation, WAITING)
        observation.send(Stop())
        observation.finish()
    summary = observation.summary()
    computing = [row for name, row in rows(summary).items() if name.startswith("compute")]
    assert sum(row["gil_wait"]["cut"] for row in computing) >= 3
    assert all((row["gil_wait"]["max_s"] or 0) < GAP_S for row in computing)
    assert summary["sampling"]["coverage"] < 0.95
    thin = next(finding for finding in summary["findings"] if finding["code"] == "observation-thin")
    assert "had no CPU when it was due" in thin["detail"]
    assert "taskset" in thin["advice"]
    assert summary["capabilities"]["gil"] == "inferred"


def test_what_a_thread_did_that_ended_in_a_gap_is_not_known(gil_any_python: str) -> None:
    with standing_by(gil_any_python, ENDS) as target, observing(pid=target.pid) as observation:
        assert target.stdin
        assert target.stdout
        until_one(observation, RUNNING)
        os.kill(observation.process.pid, signal.SIGSTOP)
        target.stdin.write(b"\n")
        target.stdin.flush()
        assert target.stdout.readline() == b"ready\n"
        time.sleep(GAP_S)
        os.kill(observation.process.pid, signal.SIGCONT)
        observation.until(Frame)
        observation.until(Counters)
        observation.send(Stop())
        observation.finish()
    row = rows(observation.summary())["compute"]
    assert row["shares"]["unknown"] * row["observed_s"] > GAP_S * 0.8


def test_a_thread_that_sleeps_is_not_known_to_sleep_through_a_long_gap(gil_any_python: str) -> None:
    code = "import time\nREADY\ntime.sleep(60)"
    with standing_by(gil_any_python, code) as target, observing(pid=target.pid) as observation:
        while len(observation.of(Counters)) < 4:  # by then it is looked at seldom
            observation.until(Counters)
        for _ in range(3):
            gap_of(observation)
            observation.until(Counters)
        observation.send(Stop())
        observation.finish()
    (row,) = observation.summary()["threads"]
    assert row["shares"]["unknown"] * row["observed_s"] > 3 * GAP_S * 0.8
    assert row["shares"]["sleep"] * row["observed_s"] > 0.5
