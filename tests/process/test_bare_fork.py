"""A child of fork(2) that nobody told Python of: its main thread's state bears the parent's id."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.observing import Observation, observing

from app.model.frames import Frame

# The parent has a thread that does not come along. The child computes in its main thread and in a second.
TARGET = """
import ctypes, os, sys, threading
threading.Thread(target=threading.Event().wait, name="left behind", daemon=True).start()

def compute():
    while True: sum(range(2000))

def fork():
    pid = ctypes.PyDLL(None).fork()
    if not pid:
        threading.Thread(target=compute, name="second", daemon=True).start()
        compute()
    print(pid, flush=True)
    os.waitpid(pid, 0)

def fork_once_main_reads():
    # A thread that is in take_gil at the fork would leave the child a lock that waits for it for ever.
    while not open(f"/proc/self/task/{os.getpid()}/syscall").read().startswith("0 "): pass
    fork()

if sys.argv[1] == "main":
    fork()
else:
    threading.Thread(target=fork_once_main_reads, name="forks", daemon=True).start()
    os.read(0, 1)
"""


@contextmanager
def forked(python: str, where: str) -> Iterator[int]:
    """The pid of the child."""
    words = [python, "-c", TARGET, where]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            yield child
        finally:
            os.kill(child, signal.SIGKILL)
            parent.kill()


@pytest.mark.parametrize("where", ["main", "thread"])
def test_both_threads_of_a_bare_fork_are_seen(gil_python: str, where: str) -> None:
    with forked(gil_python, where) as child, observing(pid=child) as observation:
        watch(observation, 1)
        summary = observation.summary()
    rows = {row["tid"]: row for row in summary["threads"]}
    assert len(rows) == 2, "and not the thread that was left behind"
    main = rows.pop(child)
    [second] = rows.values()
    assert second["name"] == "second"
    assert main["interpreter"] == second["interpreter"] == 0
    for row in (main, second):
        assert row["shares"]["running"] > 0.2, "they take turns"


@pytest.mark.serial
def test_they_are_seen_to_contend_for_the_lock(gil_python: str) -> None:
    with forked(gil_python, "main") as child, observing(pid=child) as observation:
        watch(observation, 2)
        summary = observation.summary()
    [gil] = summary["gils"]
    assert gil["held_share"] > 0.9
    assert gil["contended_share"] >= 0.9


def test_threads_of_a_bare_fork_without_a_gil(free_threaded_python: str) -> None:
    with forked(free_threaded_python, "main") as child, observing(pid=child) as observation:
        watch(observation, 1)
        summary = observation.summary()
    assert {row["interpreter"] for row in summary["threads"]} == {0}
    assert {row["name"] for row in summary["threads"]} >= {"second"}
    assert len(summary["threads"]) == 2


def watch(observation: Observation, seconds: float) -> None:
    """Reads so much of it, from the first frame on."""
    first = observation.until(Frame)
    while observation.until(Frame).end_us - first.start_us < seconds * 1e6:
        pass
