"""Targets that end, are killed, exec, fork, or are no CPython at all: events, never tracebacks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.observing import observing, program, workload
from support.targets import standing_by

from app.model.commands import Stop
from app.model.frames import Event, Frame, Names, Process
from app.model.spec import Start

FOREVER = "import time\nwhile True: time.sleep(0.01)"


def gone(pid: int) -> None:
    """Fails unless the process has ended within two seconds."""
    try:
        psutil.Process(pid).wait(2)
    except psutil.NoSuchProcess:
        return


@pytest.mark.builds
def test_a_program_that_ends_by_itself(python: str) -> None:
    with observing(program(python, "import time; time.sleep(0.5); raise SystemExit(3)")) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("failed", 3)
    assert end.error
    assert end.error["detail"] == "It ended with exit status 3"
    [process] = [p for p in observation.of(Process) if p.gone]
    assert process.python


def test_a_program_that_is_killed(any_python: str) -> None:
    with observing(program(any_python, FOREVER)) as observation:
        os.kill(observation.until(Process).pid, signal.SIGKILL)
        end = observation.finish()
    assert (end.state, end.exit_code) == ("failed", -signal.SIGKILL)
    assert end.error
    assert end.error["detail"] == "It ended with signal 9, SIGKILL"


def test_a_workload_that_fails_says_why(any_python: str) -> None:
    with observing(program(any_python, "raise RuntimeError('no luck')", workload=True)) as observation:
        end = observation.finish()
    assert end.state == "failed"
    assert end.error
    assert "exit status 1" in end.error["detail"]
    assert "no luck" in end.error["remedy"]


def test_a_program_that_becomes_another_is_followed(python: str) -> None:
    second = "import threading, time; time.sleep(0.6)"
    code = (
        f"import os, sys, time; time.sleep(0.3); os.execv(sys.executable, [sys.executable, '-c', {second!r}])"
    )
    with observing(program(python, code)) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)
    assert [e.kind for e in observation.of(Event)].count("exec") == 1
    named = [row for names in observation.of(Names) for row in names.threads]
    assert len(named) == 2, "the main thread before, and the main thread after"


def test_a_program_that_becomes_no_python_goes_on_to_its_end(any_python: str) -> None:
    code = "import os, time; time.sleep(0.3); os.execv('/bin/sleep', ['sleep', '0.5'])"
    with observing(program(any_python, code)) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)


def test_what_is_no_python_is_refused_with_the_reason(any_python: str) -> None:
    with observing(Start(["/bin/sleep", "30"], {})) as observation:
        observation.send(Stop("stopped"))
        assert observation.finish().state == "stopped"
    sleeper = subprocess.Popen(["/bin/sleep", "30"])
    try:
        with observing(pid=sleeper.pid) as observation:
            end = observation.finish()
        assert end.state == "failed"
        assert end.error
        assert end.error["code"] == "not-readable"
        assert sleeper.poll() is None, "an attached process lives on"
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_pid_that_is_not_there() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with observing(pid=ended.pid) as observation:
        end = observation.finish()
    assert end.error
    assert end.error["code"] == "no-such-process"


def test_an_attached_process_lives_on(python: str) -> None:
    with standing_by(python, "READY\nimport sys; sys.stdin.read()") as child:
        with observing(pid=child.pid) as observation:
            observation.until(Frame)
            observation.send(Stop("finished"))
            assert observation.finish().state == "finished"
        assert child.poll() is None


def test_an_attached_process_that_ends_finishes_the_run(any_python: str) -> None:
    reader = standing_by(any_python, "READY\nimport sys; sys.stdin.read()")
    with reader as child, observing(pid=child.pid) as observation:
        observation.until(Frame)
        assert child.stdin
        child.stdin.close()
        assert child.wait() == 0
        end = observation.finish()
    assert (end.state, end.error) == ("finished", None)


@pytest.mark.builds
def test_forked_children_are_observed(python: str) -> None:
    code = """
import os, time
child = os.fork()
deadline = time.monotonic() + 1
while time.monotonic() < deadline: pass
if child: os.waitpid(child, 0)
"""
    with observing(program(python, code)) as observation:
        observation.finish()
    pids = {p.pid: p.parent for p in observation.of(Process) if p.python}
    assert len(pids) == 2
    [(child, parent)] = [(pid, parent) for pid, parent in pids.items() if parent in pids]
    rows = {row["pid"]: row for row in observation.summary()["threads"]}
    shares = rows[child]["shares"]
    # On a busy machine the observer does not always come to look, and says so.
    assert shares["running"] > 0.9 * (1 - shares["unknown"]) > 0
    assert parent != child


def test_stopping_ends_the_whole_tree_even_one_that_will_not_hear(any_python: str) -> None:
    code = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["/bin/sleep", "60"], start_new_session=True)
print("stubborn", file=sys.stderr, flush=True)
while True: time.sleep(0.01)
"""
    with observing(program(any_python, code)) as observation:
        root = observation.until(Process).pid
        forked = observation.until(Event, kind="forked").pid
        observation.send(Stop("stopped"))
        end = observation.finish()
    assert (end.state, end.exit_code) == ("stopped", -signal.SIGKILL)
    gone(root)
    gone(forked)


def test_nothing_is_left_when_the_server_is_gone(any_python: str) -> None:
    start = workload(any_python, "cpu-bound", executor="processes", workers=2, seconds=60)
    with observing(start) as observation:
        root = observation.until(Process).pid
        observation.until(Frame)
        family = [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]
        assert len(family) >= 3
        assert observation.process.stdin
        observation.process.stdin.close()
        observation.process.wait(2)
        for pid in family:
            gone(pid)


def test_nothing_is_left_when_the_observer_is_killed(any_python: str) -> None:
    start = workload(any_python, "cpu-bound", executor="processes", workers=2, seconds=60)
    with observing(start) as observation:
        root = observation.until(Process).pid
        observation.until(Frame)
        family = [root, *(child.pid for child in psutil.Process(root).children(recursive=True))]
        observation.process.kill()
        observation.process.wait()
        for pid in family:
            gone(pid)


def test_lengths_add_up_and_lanes_do_not_overlap(python: str) -> None:
    with observing(workload(python, "cpu-bound", executor="threads", workers=3, seconds=1.5)) as observation:
        observation.finish()
    born = {row[0]: n.at_us for n in observation.of(Names) for row in n.threads}
    lost = {lane for n in observation.of(Names) for lane in n.gone}
    end_of_last = None
    for frame in observation.of(Frame):
        assert frame.start_us < frame.end_us
        assert end_of_last in (None, frame.start_us)
        end_of_last = frame.end_us
        for lane, pieces in frame.lanes:
            begins = max(frame.start_us, born[lane])
            total = sum(pieces[1::2])
            assert all(length > 0 for length in pieces[1::2])
            assert total == frame.end_us - begins or (lane in lost and total <= frame.end_us - begins)


def test_a_debian_style_static_interpreter_is_read() -> None:
    """The system's own python3 is linked without libpython, stripped, and loaded where it says."""
    system = Path("/usr/bin/python3").resolve()
    if "libpython" in subprocess.run(["ldd", system], capture_output=True, text=True).stdout:
        pytest.fail("this test is for an interpreter without a shared libpython, and there is none")
    with observing(program(str(system), "import time; time.sleep(0.5)")) as observation:
        assert observation.finish().state == "finished"
    assert any(p.python for p in observation.of(Process))
