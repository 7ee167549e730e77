"""The pytest plugin, in a pytest of its own: what is beyond a limit fails, what keeps to it passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.testing.limits import MARKS
from app.testing.pytest_gilscope import NAMES

TESTS = '''
import asyncio, re, threading, time
import pytest
import app  # their own, beside these tests


def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(500))


def together(*targets):
    threads = [threading.Thread(target=target, args=args) for target, *args in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def hold(seconds):
    """One call into C that does not let go of the GIL."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(20_000_000))


def test_their_own_package():
    assert app.OWN


@pytest.mark.limit_gil_wait("20%")
def test_wait_beyond():
    together(*[(spin, 1.0)] * 4)


@pytest.mark.limit_gil_wait("20%")
def test_wait_kept():
    spin(0.5)


@pytest.mark.limit_gil_hold("40 ms")
def test_hold_beyond():
    together((hold, 1.0), (spin, 1.0))


@pytest.mark.limit_gil_hold("2 s")
def test_hold_kept():
    together((spin, 0.5), (spin, 0.5))


KEPT = []


@pytest.mark.limit_rss_growth("10 MiB")
def test_growth_beyond():
    KEPT.append(b"x" * (64 << 20))


@pytest.mark.limit_rss_growth("10 MiB")
def test_growth_kept():
    assert len(b"x" * (64 << 20))


async def serve(step):
    ticking = asyncio.create_task(tick())
    for _ in range(20):
        await asyncio.sleep(0.01)
    step()
    ticking.cancel()


async def tick():
    while True:
        await asyncio.sleep(0.005)


def blocks():
    time.sleep(0.4)


@pytest.mark.limit_blocked_loop("200 ms")
def test_loop_beyond():
    asyncio.run(serve(blocks))


@pytest.mark.limit_blocked_loop("5 s")
def test_loop_kept():
    asyncio.run(serve(lambda: None))


@pytest.mark.limit_blocked_loop("200 ms")
def test_no_loop():
    time.sleep(0.3)
'''


def run(
    folder: Path, *words: str, tests: str = TESTS, alone: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs pytest; `alone` with no other plugins than are named, which takes a third of the time."""
    (folder / "app.py").write_text("OWN = True\n")
    (folder / "test_theirs.py").write_text(tests)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "gilscope", "-v", *words],
        cwd=folder,
        env=os.environ | ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if alone else {}),
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    done = run(tmp_path_factory.mktemp("theirs"), "--gilscope", alone=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["wait", "hold", "growth", "loop"])
def test_what_is_beyond_a_limit_fails_and_what_keeps_to_it_passes(told: str, what: str) -> None:
    assert f"test_{what}_beyond FAILED" in told
    assert f"test_{what}_kept PASSED" in told


def test_their_own_package_is_theirs(told: str) -> None:
    assert "test_their_own_package PASSED" in told


def test_a_failure_says_how_much_it_was_and_who_was_at_fault(told: str) -> None:
    assert re.search(
        r"Threads waited for the GIL for \d+ % of the time .*; limit_gil_wait allows 20 %\.", told
    )
    assert re.search(r"Thread-\d+ \(spin\) waited .* while Thread-\d+ \(spin\) held it\.", told)
    assert re.search(
        r"One thread held the GIL for \S+ m?s at a stretch .*; limit_gil_hold allows 40 ms", told
    )
    assert re.search(r"The process has 6\d(\.\d+)? MiB more memory .*; limit_rss_growth allows 10 MiB", told)
    assert re.search(
        r"An event loop did not come round .* for \S+ m?s; limit_blocked_loop allows 200 ms", told
    )
    assert re.search(r"The longest step took \S+ m?s, in blocks \(.*test_theirs\.py:\d+\)\.", told)


def test_of_what_was_not_seen_it_is_said(told: str) -> None:
    assert "test_no_loop PASSED" in told
    assert "limit_blocked_loop not judged: no event loop was seen in it" in told


def test_the_worst_tests_are_told(told: str) -> None:
    report = told.partition("= gilscope =")[2]
    worst = re.search(r"limit_gil_wait: .*\n +(\d+) %  test_theirs\.py::test_wait_beyond", report)
    assert worst
    assert int(worst[1]) > 50
    assert re.search(r"\d+ tests were observed, of which \d+% of the time was seen", report)


def test_workers_of_xdist_are_observed_and_their_report_is_one(tmp_path: Path) -> None:
    done = run(tmp_path, "--gilscope", "-p", "xdist", "-n", "2", "-k", "wait or growth")
    assert done.returncode == 1, done.stdout + done.stderr
    assert {"wait", "growth"} == set(re.findall(r"FAILED test_theirs\.py::test_(\w+)_beyond - ", done.stdout))
    report = done.stdout.partition("= gilscope =")[2]
    assert "test_wait_beyond" in report
    assert "test_growth_beyond" in report


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ('limit_gil_wait("much")', "cannot read 'much'. Write one amount, such as"),
        ('limit_gil_hold("20%")', "cannot read '20%'"),
        ("limit_rss_growth(10)", "takes one amount in quotes"),
        ("limit_blocked_loop()", "takes one amount in quotes"),
    ],
)
def test_a_mark_that_cannot_be_read_is_told_before_any_test_runs(
    tmp_path: Path, mark: str, said: str
) -> None:
    done = run(tmp_path, tests=f"import pytest\n@pytest.mark.{mark}\ndef test_it(): pass\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr + done.stdout


def test_a_worker_of_xdist_fails_the_test_whose_mark_cannot_be_read(tmp_path: Path) -> None:
    tests = (
        'import pytest\n@pytest.mark.limit_gil_wait("much")\ndef test_it(): pass\ndef test_other(): pass\n'
    )
    done = run(tmp_path, "-p", "xdist", "-n", "2", tests=tests)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "cannot read 'much'. Write one amount" in done.stdout
    assert "1 passed, 1 error" in done.stdout
    assert "crashed" not in done.stdout


KILLS = """
import psutil
import pytest

def test_kills_what_it_finds():
    for child in psutil.Process().children(recursive=True):
        child.kill()
    assert False, "its own reason"

@pytest.mark.limit_gil_wait("20%")
def test_cannot_be_judged(): pass

def test_after(): pass
"""


def test_a_test_that_kills_the_observer_takes_nothing_else_with_it(tmp_path: Path) -> None:
    done = run(tmp_path, "--gilscope", "--junitxml", "told.xml", tests=KILLS)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "its own reason" in done.stdout
    assert "Its limits cannot be judged. GILScope's analysis of the tests has ended" in done.stdout
    assert "Not all tests could be observed" in done.stdout
    assert re.search(r"1 failed, 1 passed, 1 error|2 failed, 1 passed", done.stdout)
    assert (tmp_path / "told.xml").is_file()
    assert "Traceback" not in done.stderr


PATCHED = """
import builtins, os, subprocess, time
import pytest

@pytest.fixture
def patched(monkeypatch):
    def no(*args, **named): raise OSError("patched")
    for owner, name in ((builtins, "open"), (os, "open"), (subprocess, "Popen"), (time, "monotonic_ns")):
        monkeypatch.setattr(owner, name, no)

@pytest.mark.limit_gil_wait("20%")
def test_it(patched):
    end = time.monotonic() + 0.3
    while time.monotonic() < end: pass
"""


def test_what_a_fixture_patches_is_not_what_the_plugin_uses(tmp_path: Path) -> None:
    done = run(tmp_path, tests=PATCHED)
    assert done.returncode == 0, done.stdout
    assert "NotJudged" not in done.stdout


def test_the_plugin_knows_every_mark() -> None:
    assert tuple(MARKS) == NAMES


def test_without_a_mark_or_the_option_nothing_is_observed(tmp_path: Path) -> None:
    tests = "import psutil\ndef test_it(): assert psutil.Process().children() == []\n"
    assert run(tmp_path, tests=tests).returncode == 0
