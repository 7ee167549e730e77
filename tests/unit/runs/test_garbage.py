"""When the collector looks; in a process of its own, which stays as it was set."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from app.runs import garbage

class Cycle:
    def __init__(self):
        self.me = self

def collections():
    seen = []
    gc.callbacks.append(lambda phase, info: seen.append(info["generation"]) if phase == "start" else None)
    made = [[] for _ in range(200_000)]
    gc.callbacks.clear()
    return seen

def left(collect):
    cycle = weakref.ref(Cycle())
    collect()
    return cycle() is not None

before = collections(), left(garbage.collect_now)
garbage.collect_seldom()
after = collections(), left(garbage.collect_now)
print(len(before[0]) > 3 * len(after[0]), 2 in after[0], before[1], after[1], gc.get_freeze_count() > 1000)
"""


def test_a_server_collects_seldom_while_runs_are_there_and_at_once_when_one_has_gone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "True", "False", "True"]
