"""Who was started is seen in one small file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from app.probe.kernel import procfs
from app.probe.kernel.births import Births
from app.probe.sampling.slow import finished


def settled(births: Births) -> None:
    """Until nothing was started between two calls, on a machine that others use too."""
    while births.new() != ():
        pass


def test_births_are_told_of_twice_for_a_child_has_its_pid_before_its_parent_has_it() -> None:
    births = Births()
    try:
        assert births.new() is None, "before the first look there may have been any"
        settled(births)
        with subprocess.Popen(["/bin/sleep", "60"]) as child:
            assert child.pid in (births.new() or ())
            assert child.pid in (births.new() or ())
            settled(births)
            child.kill()
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        assert thread.native_id in (births.new() or ())
    finally:
        births.close()


@pytest.mark.parametrize(
    ("newest", "told"), [(b"7 1000", [998, 999, 1000]), (b"7 12", None), (b"7 5000", None)]
)
def test_where_there_were_many_or_numbers_have_begun_anew_any_may_be_new(
    monkeypatch: pytest.MonkeyPatch, newest: bytes, told: list[int] | None
) -> None:
    births = Births()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", lambda *_: b"0.1 0.1 0.1 1/7 997")
        settled(births)
        patch.setattr(os, "pread", lambda *_: b"0.1 0.1 0.1 1/" + newest)
        found = births.new()
    births.close()
    assert (None if found is None else list(found)) == told


FAMILY = """
import subprocess, sys, threading
below = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
thread = threading.Thread(target=sys.stdin.readline)
thread.start()
print(below.pid, thread.native_id, flush=True)
thread.join()
below.kill()
below.wait()
"""


def test_of_new_pids_those_are_taken_that_are_processes_below_known_ones() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        below, thread = map(int, child.stdout.readline().split())
        pids = [1, os.getpid(), child.pid, below, thread]
        assert procfs.born_to({os.getpid()}, pids) == [child.pid, below]
        assert procfs.born_to({child.pid}, pids) == [below]
        assert procfs.born_to((), pids) == []
        found = finished(procfs.walk_descendants(os.getpid()))
        assert found.index(child.pid) < found.index(below)
        child.communicate("\n")
