"""More threads than a sample may look at: the lock keeps its rate, and its threads take turns."""

from __future__ import annotations

import pytest
from support.observing import observing
from support.targets import standing_by

from app.model.commands import Stop
from app.model.frames import Counters, Frame

THREADS = 400

# Each wakes ten times a second, so that none is parked; one computes at the bottom of a deep recursion.
POOL = f"""
import sys, threading, time

def tief_überläufer_ж_関数(depth):
    if depth:
        return tief_überläufer_ж_関数(depth - 1)
    until = time.monotonic() + 0.1
    while time.monotonic() < until: pass

def deep():
    sys.setrecursionlimit(20_000)
    while True: tief_überläufer_ж_関数(5_000)

def poll():
    while True: time.sleep(0.1)

threading.stack_size(256 << 20)
threading.Thread(target=deep, name="тред-深い-" + "x" * 200, daemon=True).start()
threading.stack_size(128 << 10)
for number in range({THREADS}): threading.Thread(target=poll, name=f"poll-{{number}}", daemon=True).start()
READY
sys.stdin.readline()
"""


@pytest.mark.serial
def test_the_lock_keeps_its_rate_and_every_thread_has_its_turn(gil_python: str) -> None:
    with standing_by(gil_python, POOL) as target, observing(pid=target.pid) as observation:
        while len(observation.of(Counters)) < 32:
            observation.until(Counters)
        observation.send(Stop())
        observation.finish()
    summary = observation.summary()
    sampling = summary["sampling"]
    # It reviews what it takes once a second, and looks at half as many each time: first it takes more.
    settled = observation.of(Counters)[20:]
    took_us = settled[-1].observer["cpu_us"] - settled[0].observer["cpu_us"]
    samples = sum(frame.samples for frame in observation.of(Frame))
    assert sampling["samples"] == samples
    assert took_us < 0.6 * (settled[-1].at_us - settled[0].at_us), sampling
    assert sampling["gil_hz"] > 4 * sampling["thread_hz"] > 80, sampling
    threads = {row["name"]: row for row in summary["threads"]}
    assert len(threads) == THREADS + 2
    deep = threads["тред-深い-" + "x" * 200]
    assert deep["shares"]["running"] > 0.3 * deep["coverage"] > 0
    polls = [row for name, row in threads.items() if name.startswith("poll-")]
    assert all(row["shares"]["sleep"] > 0.5 * row["coverage"] for row in polls)
    assert any("tief_überläufer_ж_関数" in row["function"] for row in summary["hot"])
