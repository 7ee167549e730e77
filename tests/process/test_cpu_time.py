"""What a program cost, though its processes end between two readings of the kernel's counters."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support.observing import observing, program
from support.targets import standing_by

from app.model.commands import Stop
from app.model.frames import Counters

# Four children, one after the other, compute for some time and are waited for.
FAMILY = """
import json, os, resource, sys, time

def compute(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: sum(range(1000))

for _ in range(4):
    child = os.fork()
    if child == 0:
        compute(0.2)
        os._exit(0)
    os.waitpid(child, 0)
compute(0.1)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
with open(sys.argv[1], "w") as file:
    json.dump(sum(use.ru_utime + use.ru_stime for use in used), file)
"""


def test_the_cpu_time_of_a_program_has_that_of_all_its_processes_in_it(python: str, tmp_path: Path) -> None:
    own = tmp_path / "own"
    with observing(program(python, FAMILY, str(own))) as observation:
        end = observation.finish()
    used_s = json.loads(own.read_text())
    assert used_s > 0.9
    assert end.cpu_us is not None
    # What the interpreter takes to end comes on top.
    assert used_s <= observation.summary()["run"]["cpu_s"] == pytest.approx(used_s, abs=0.15)


def test_of_a_process_that_lives_on_it_is_not_known() -> None:
    with (
        standing_by(sys.executable, "import sys\nREADY\nsys.stdin.readline()") as target,
        observing(pid=target.pid) as observation,
    ):
        observation.until(Counters)
        observation.send(Stop())
        assert observation.finish().cpu_us is None
    assert observation.summary()["run"]["cpu_s"] is None
