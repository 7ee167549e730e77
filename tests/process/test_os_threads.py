"""A thread is an OS thread: it has one lane, whether, when and however often it comes to Python."""

from __future__ import annotations

import os
from typing import Any

import pytest
from support.native import library
from support.observing import Observation, observing
from support.targets import standing_by

from app.model.frames import Counters, Frame, Names
from app.model.states import HOLDER_UNKNOWN

# Threads that C makes: `callers` call Python again and again, `pool` ones compute, or sleep, and never do.
SOURCE = """
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

typedef int (*callback)(int);
static callback called;

static void spin(long rounds) {
    volatile double sum = 0;
    for (long i = 0; i < rounds; i++) sum += i * 0.5;
}

static void *caller(void *number) {
    for (;;) { spin(20000); called((int)(long)number); usleep(200); }
}

static void *worker(void *unused) {
    for (;;) spin(1000);
}

static void *sleeper(void *unused) {
    for (;;) pause();
}

static void start(void *(*work)(void *), long count, const char *name) {
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        pthread_create(&thread, 0, work, (void *)i);
        pthread_setname_np(thread, name);
    }
}

void callers(callback f, long count) { called = f; start(caller, count, "cxx-caller"); }
void workers(long count) { start(worker, count, "pool-worker"); }
void sleepers(long count) { start(sleeper, count, "pool-sleeper"); }
"""

CALLBACKS = """
import ctypes, sys
native = ctypes.CDLL(sys.argv[1])

@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
def progress(number):
    return sum(range(2000)) and 0

native.callers(progress, 4)
READY
sys.stdin.readline()
"""

POOLS = """
import ctypes, sys
native = ctypes.CDLL(sys.argv[1])
native.workers(1)
native.sleepers(20)
READY
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> str:
    """SOURCE, compiled."""
    return library(tmp_path_factory.mktemp("native"), SOURCE)


def watch(observation: Observation, seconds: float) -> None:
    """Reads so much of it, from the first frame on."""
    first = observation.until(Frame)
    while observation.until(Frame).end_us - first.start_us < seconds * 1e6:
        pass
    observation.until(Counters)


def named(observation: Observation) -> dict[int, Any]:
    """The newest row of each lane."""
    return {row[0]: row for message in observation.of(Names) for row in message.threads}


def test_a_thread_that_calls_python_again_and_again_keeps_its_lane(python: str, native: str) -> None:
    with standing_by(python, CALLBACKS, args=[native]) as target, observing(pid=target.pid) as observation:
        watch(observation, 1.5)
        summary = observation.summary()
        tids = {int(tid) for tid in os.listdir(f"/proc/{target.pid}/task")}
    assert {row[2] for row in named(observation).values()} == tids
    assert len(named(observation)) == len(tids) == 5, "four that C made, and the main one; a lane each"
    callers = [row for row in summary["threads"] if row["tid"] != target.pid]
    assert all(row["interpreter"] == 0 for row in callers), "it is known for Python's between calls too"
    for row in callers:
        assert row["cpu_s"] > 0.02
        assert row["shares"]["native"] > 0.02, "its own work"
        assert row["shares"]["sleep"] > 0.02, "its pauses"


def test_its_holds_of_the_lock_are_known_for_its_own(gil_python: str, native: str) -> None:
    with (
        standing_by(gil_python, CALLBACKS, args=[native]) as target,
        observing(pid=target.pid) as observation,
    ):
        watch(observation, 1.5)
    held: dict[int, int] = dict.fromkeys(named(observation), 0)
    unknown = total = 0
    for frame in observation.of(Frame):
        for _, _, pieces in frame.gils:
            parts = iter(pieces)
            for holder, _, length in zip(parts, parts, parts, strict=True):
                total += length
                if holder in held:
                    held[holder] += length
                elif holder == HOLDER_UNKNOWN and frame.late == 0:
                    unknown += length
    shares = [held[lane] / total for lane, row in named(observation).items() if row[2] != target.pid]
    assert min(shares) > 0.01, shares
    assert unknown < 0.01 * total, "a state that lives for one call is asked itself whose it is"


def test_threads_that_never_come_to_python_have_rows_too(python: str, native: str) -> None:
    with standing_by(python, POOLS, args=[native]) as target, observing(pid=target.pid) as observation:
        watch(observation, 1.5)
        summary = observation.summary()
    rows = {row["tid"]: row for row in summary["threads"]}
    main = rows.pop(target.pid)
    assert main["interpreter"] == 0
    assert {row["interpreter"] for row in rows.values()} == {None}
    assert sorted(row["name"] for row in rows.values()) == ["pool-sleeper"] * 20 + ["pool-worker"]
    [worker] = [row for row in rows.values() if row["name"] == "pool-worker"]
    known = 1 - worker["shares"]["unknown"]
    assert worker["shares"]["native"] > 0.99 * known
    for row in rows.values():
        if row is not worker:
            assert row["shares"]["sleep"] > 0.99 * (1 - row["shares"]["unknown"])
    first, *_, last = observation.of(Counters)
    process_us = last.processes[0][1] - first.processes[0][1]
    assert sum(row["cpu_s"] for row in summary["threads"]) == pytest.approx(process_us / 1e6, abs=0.03)


@pytest.mark.root
def test_a_thread_that_gets_the_id_of_one_that_ended_is_another(any_python: str) -> None:
    code = """
    import sys, threading

    def start(tid=None):
        while True:
            if tid: open("/proc/sys/kernel/ns_last_pid", "w").write(str(tid - 1))
            over = threading.Event()
            thread = threading.Thread(target=over.wait)
            thread.start()
            if tid in (None, thread.native_id): return thread, over
            over.set()

    first, over = start()
    READY
    sys.stdin.readline()
    over.set()
    first.join()
    start(first.native_id)
    print(first.native_id, flush=True)
    """
    with standing_by(any_python, code) as target, observing(pid=target.pid) as observation:
        watch(observation, 0.1)
        assert target.stdin
        assert target.stdout
        target.stdin.write(b"\n")
        target.stdin.flush()
        tid = int(target.stdout.readline())
        watch(observation, 0.3)
    before, after = [lane for lane, row in named(observation).items() if row[2] == tid]
    gone = [lane for message in observation.of(Names) for lane in message.gone]
    assert before in gone
    assert after not in gone
