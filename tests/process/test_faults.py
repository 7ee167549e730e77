"""Faults of targets and of the machine: docs/faults.md says what is done about each."""

from __future__ import annotations

import os
import signal
import sys
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from support.observing import observing, program

from app.model.commands import Stop
from app.model.frames import Event, Frame, Hello, Process, Report
from app.model.spec import Start

FOREVER = "import time\nwhile True: time.sleep(0.01)"
WILL_NOT_HEAR = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOREVER}"


def test_a_target_that_is_killed_before_it_is_python() -> None:
    with observing(Start(["sh", "-c", "kill -KILL $$"], {"PATH": os.environ["PATH"]})) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("failed", -signal.SIGKILL)
    assert end.error
    assert end.error["detail"] == "It ended with signal 9, SIGKILL"


def test_a_target_that_is_killed_while_it_is_asked_to_end(any_python: str) -> None:
    with observing(program(any_python, WILL_NOT_HEAR)) as observation:
        root = observation.until(Process).pid
        observation.until(Frame)
        observation.send(Stop("stopped"))
        observation.until(Event, kind="stopping")
        os.kill(root, signal.SIGKILL)
        end = observation.finish()
    assert (end.state, end.exit_code) == ("stopped", -signal.SIGKILL)


def test_a_target_that_is_stopped_is_seen_to_stand_still_and_goes_on(any_python: str, tmp_path: Path) -> None:
    ending = tmp_path / "end"
    code = f"import os, sys\nwhile not os.path.exists({str(ending)!r}): pass"
    with observing(program(any_python, code)) as observation:
        root = psutil.Process(observation.until(Process).pid)
        observation.until(Frame)
        root.suspend()
        while root.status() != psutil.STATUS_STOPPED:
            pass
        used = root.cpu_times()
        seen = [observation.until(Frame) for _ in range(10)]
        assert root.cpu_times() == used, "the target ran on"
        assert all(one.end_us == next.start_us for one, next in pairwise(seen))
        ending.touch()
        root.resume()
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)


def test_a_target_that_is_stopped_is_ended(any_python: str) -> None:
    with observing(program(any_python, FOREVER)) as observation:
        root = psutil.Process(observation.until(Process).pid)
        observation.until(Frame)
        root.suspend()
        observation.send(Stop("stopped"))
        assert observation.finish().state == "stopped"
    assert not root.is_running()


def test_a_flood_of_output_is_counted_to_the_byte_and_its_end_is_told(any_python: str) -> None:
    code = "import os\nfor _ in range(640): os.write(1, b'x' * 65536)\nos.write(1, b'last')"
    with observing(program(any_python, code)) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)
    told = [report.data for report in observation.of(Report) if "output" in report.data]
    assert told[-1]["output"].endswith("xlast")
    counted = sum(len(each["output"]) + each.get("dropped", 0) for each in told)
    assert counted == 640 * 65536 + len("last")


JUMPS = """
import itertools, runpy, sys, time
real, turns = time.time, itertools.count()
time.time = lambda: real() + (86400, -86400)[next(turns) % 2]
sys.argv = ["app.probe"]
runpy.run_module("app.probe", run_name="__main__")
"""


def test_a_wall_clock_that_jumps_moves_no_instant_of_a_run(
    any_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = [sys.executable, "-c", JUMPS]
    monkeypatch.setattr("support.observing.OBSERVER", jumps)
    with observing(program(any_python, "import time; time.sleep(0.3)")) as observation:
        end = observation.finish()
    assert end.state == "finished"
    [hello] = observation.of(Hello)
    frames = observation.of(Frame)
    assert all(one.end_us == next.start_us for one, next in pairwise(frames))
    assert 300_000 <= end.at_us < 60_000_000
    assert hello.origin_ns > 0
