"""How much slower a suite is for being observed: pairs of pytest runs, with `--gilscope` and without.

Each test does a fixed amount of work, in one thread or in four. What is compared is the time from the first
test's beginning to the last one's end: pytest, the plugin and the observer start before.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROUNDS = 1_000  # of work in a test: a few tenths of a second
_TESTS = """
import threading, time
import pytest

@pytest.fixture(scope="session", autouse=True)
def spent(request):
    yield
    print(f"spent {{time.monotonic() - BEGAN[0]}}")

BEGAN = []

def work(rounds):
    for _ in range(rounds): sum(range(20_000))

def test_first():
    time.sleep(0.3)  # the observer is there by then, and has seen some of it
    BEGAN.append(time.monotonic())

@pytest.mark.parametrize("number", range({tests}))
def test_alone(number):
    work({rounds})

@pytest.mark.parametrize("number", range({tests}))
def test_together(number):
    threads = [threading.Thread(target=work, args=({rounds} // 4,)) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def pair(tests: int, rounds: int, dice: random.Random) -> float:
    """Time of so many tests of each kind, of so many rounds of work, observed over unobserved."""
    spent = {observed: _spent(tests, rounds, observed) for observed in dice.sample([True, False], 2)}
    return spent[True] / spent[False]


def _spent(tests: int, rounds: int, observed: bool) -> float:
    with TemporaryDirectory() as folder:
        Path(folder, "test_work.py").write_text(_TESTS.format(tests=tests, rounds=rounds))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "gilscope"),
                *(["--gilscope"] if observed else []),
            ],
            cwd=folder,
            env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
        )
    line = next((line for line in done.stdout.splitlines() if "spent " in line), None)
    if done.returncode or line is None:
        raise RuntimeError(f"The tests that are measured failed: {done.stdout}{done.stderr}")
    return float(line.rpartition("spent ")[2])
