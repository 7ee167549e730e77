"""A memory that is torn, stale or hostile ends no observation, and makes no thread that is not there."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from support.interpreters import FOUND
from support.lying import Liar
from support.targets import standing_by

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model import frames
from app.probe.kernel import procfs
from app.probe.kernel.run_clock import RunClock
from app.probe.processes.tree import ProcessTree
from app.probe.sampling.slow import SlowReads, finished

RUNS = int(
    os.environ.get("FUZZ_RUNS", "60")
)  # over all interpreters that are found; `make fuzz` asks for 200
SHARES = (0.001, 0.01, 0.1, 0.4)  # of the reads that are lies
SAMPLES = 300

TARGET = """
import _thread, gc, sys, threading, time

def compute():
    while True: sum(range(1000))

def doze():
    while True: time.sleep(0.001)

class Node:
    pass

def churn():
    while True:
        for _ in range(200):
            node = Node(); node.me = node
        threading.Thread(target=doze, daemon=True)
        time.sleep(0.01)

for work in (compute, doze, churn, threading.Event().wait):
    threading.Thread(target=work, name=f"called {work.__name__}", daemon=True).start()
READY
sys.stdin.readline()
"""


class BeatClock(RunClock):
    """A clock that is at the beat that is being taken, however long the test has needed to get there."""

    beat_us = 0

    def now_us(self) -> int:
        return self.beat_us


class Watching:
    """What an observer does, on a clock that runs as fast as it can be done."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.messages: list[frames.Message] = []
        self.ledger = Ledger()
        self.slow = SlowReads()
        self.clock = BeatClock()
        self.tree = ProcessTree(self.emit, self.slow, self.clock, True, lambda pid: False)
        run = {"id": "fuzz", "kind": "attach", "name": "fuzz", "params": {}}
        self.emit(frames.Hello(0, 0.0, run, {"gil_hz": 1000.0}))
        self.tree.discovery.watch(pid, None, 0)

    def emit(self, message: frames.Message) -> None:
        """To the wire and back, and on to the figures."""
        message = frames.decode(frames.encode(message, len(self.messages)))
        self.messages.append(message)
        self.ledger.feed(message)

    def find(self) -> None:
        """Looks until the process is read."""
        while not self.tree.watchlist.reads_any:
            self.tree.discovery.look(0)

    def watch(self) -> None:
        """SAMPLES samples, and all that goes between them."""
        tree, start = self.tree, 1000
        tree.heaps.look_at(True)
        for now in range(1000, SAMPLES * 1000 + 1000, 1000):
            self.clock.beat_us = now
            tree.discovery.look(now)
            tree.rounds.sample(now)
            if now % 10_000 == 0:
                tree.rounds.look_at_stacks(now)
            self.slow.step(time.monotonic_ns() + 10**9)
            if now % 50_000 == 0:
                tree.discovery.let_go_of_ended(now)
                tree.discovery.take_in(procfs.descendants(self.pid), now)
                finished(tree.reports.frame(start, now, 50, 0))
                tree.heaps.read(now)
                tree.seldom.read(now)
                threads = finished(tree.reports.thread_counters(now, every=now % 100_000 == 0))
                tree.reports.counters(now, threads, {"cpu_us": now, "gil_hz": 1000.0, "late": 0}, None)
                start = now
        self.slow.finish(time.monotonic_ns() + 10**8)
        summarise(self.ledger)
        tree.close()

    def threads(self) -> set[int]:
        """The tids that were told of."""
        told: list[Any] = [row for m in self.messages if isinstance(m, frames.Names) for row in m.threads]
        return {tid for _, pid, tid, _, _ in told if pid == self.pid}


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.label)
def test_no_lie_ends_an_observation_or_makes_a_thread(found: Any) -> None:
    lies = 0
    for seed in range(FOUND.index(found), RUNS, len(FOUND)):
        with standing_by(found.path, TARGET) as target, pytest.MonkeyPatch.context() as patch:
            liar, watching = Liar(seed), Watching(target.pid)
            liar.install(patch)
            if seed % 5:  # else it lies to the one that looks for the interpreter, who may well refuse it
                watching.find()
            liar.share = SHARES[seed % len(SHARES)]
            watching.watch()
            there = {int(tid) for tid in os.listdir(f"/proc/{target.pid}/task")}
        assert watching.threads() <= there, f"seed {seed}"
        lies += liar.lies
    assert lies
