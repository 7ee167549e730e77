"""The pytest plugin of GILScope: `pytest --gilscope` tells of the worst tests, marks hold tests to limits.

    @pytest.mark.limit_gil_wait("20%")
    @pytest.mark.limit_gil_hold("50 ms")
    @pytest.mark.limit_rss_growth("10 MiB")
    @pytest.mark.limit_blocked_loop("100 ms")

An observer looks at the process that runs the tests from outside, one beside each worker of xdist, and what
it has seen is worked out in a process beside it (`python -m app.testing`). It is started where a test has a
mark or the option is given, and not else. What is measured is the test itself, without its fixtures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Generator
from typing import Any

import pytest

NAMES = ("limit_gil_wait", "limit_gil_hold", "limit_rss_growth", "limit_blocked_loop")
_LEAST_NS = 250_000_000  # a shorter test is told of only if it is marked: that would take longer than it took
_WORST = 5  # tests told of each figure
_KEY = "gilscope"
_PR_SET_PTRACER = 0x59616D61

Json = dict[str, Any]


class NotJudged(UserWarning):
    """A test broke no limit and kept to none: what the limit bounds was not seen."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --gilscope."""
    parser.getgroup("gilscope").addoption(
        "--gilscope",
        action="store_true",
        help="observe tests of a quarter of a second or more, and tell which waited most for the GIL, kept "
        "others from it longest, grew most in memory, and blocked an event loop longest",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tells pytest of the marks."""
    for name in NAMES:
        config.addinivalue_line(
            "markers", f"{name}(amount): fails a test beyond it; gilscope's docs/pytest.md"
        )
    config.pluginmanager.register(_Session(config), "gilscope-session")


class _Analysis:
    """The process that observes this one, if it is asked to, and works out what was seen."""

    def __init__(self) -> None:
        import ctypes  # takes time, which a run without marks need not take

        self._process = subprocess.Popen(
            # Isolated: `app` is GILScope's own, whatever lies in the folder of the tests.
            [sys.executable, "-I", "-m", "app.testing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for pytest, which ends it
        )
        # Where Yama lets only parents read a process, others have to be let.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, self._process.pid, 0, 0, 0)

    def ask(self, **asked: object) -> Json:
        """The answer to a line, see app/testing/__main__.py."""
        self.say(**asked)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"GILScope's analysis of the tests ended with status {self._process.wait()}")
        return dict(json.loads(line))

    def close(self) -> None:
        """Ends it, and the observer with it."""
        with self._process:
            self.say(end=True)  # children of a test may hold its input open

    def say(self, **asked: object) -> None:
        """Says what is not answered."""
        assert self._process.stdin is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)


class _Session:
    """What this process observes while it runs tests, and what others told."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._all = bool(config.getoption("--gilscope"))
        self._analysis: _Analysis | None = None
        self._limits: dict[str, list[tuple[str, str]]] = {}  # by a test's id: marks, and what they say
        self._measured: list[Json] = []
        self._refused: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reads the marks, so that a wrong one is told before any test runs."""
        found = [
            (item.nodeid, mark) for item in items for mark in map(item.get_closest_marker, NAMES) if mark
        ]
        if not found:
            return
        checked = [
            (test, mark.name, [_plain(said) for said in (*mark.args, *mark.kwargs.values())])
            for test, mark in found
        ]
        analysis = _Analysis()
        wrong = analysis.ask(check=checked)["wrong"]
        analysis.close()
        if wrong:
            raise pytest.UsageError(*wrong)
        for test, name, said in checked:
            self._limits.setdefault(test, []).append((name, str(said[0])))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Observes a test, and fails one that passed but went beyond a limit."""
        limits = self._limits.get(item.nodeid, [])
        if not (limits or self._all):
            return (yield)
        if self._analysis is None:
            self._analysis = _Analysis()
            self._refused = self._analysis.ask(observe=os.getpid())["refused"]
        if self._refused is not None:
            if limits:
                pytest.fail(f"Its limits cannot be judged. {self._refused}", pytrace=False)
            return (yield)
        self._analysis.say(begin=True)
        answer: Json = {}
        rss, from_ns = _rss(), time.monotonic_ns()
        try:
            result = yield
        finally:
            to_ns, grown = time.monotonic_ns(), _rss() - rss
            span: Json = {"test": item.nodeid, "from_ns": from_ns, "to_ns": to_ns, "rss_growth": grown}
            if limits:
                answer = self._analysis.ask(**span, limits=limits)
            elif to_ns - from_ns >= _LEAST_NS:
                self._analysis.say(**span, limits=[])
        if answer.get("unknown"):
            warnings.warn(f"{item.nodeid}: {answer['unknown']}", NotJudged, stacklevel=1)
        if answer.get("broken"):
            pytest.fail("\n".join(answer["broken"]), pytrace=False)
        return result

    def pytest_sessionfinish(self) -> None:
        """Ends the observer; a worker of xdist hands on what it has measured."""
        if self._analysis is not None:
            if self._refused is None:
                self._measured = self._analysis.ask(measured=True)["measured"]
            self._analysis.close()
            self._analysis = None
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_KEY] = {"measured": self._measured, "refused": self._refused}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes what a worker of xdist has measured."""
        told = getattr(node, "workeroutput", {}).get(_KEY)
        if told is not None:
            self._measured += told["measured"]
            self._refused = self._refused or told["refused"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tells of the worst tests, where that was asked for."""
        if not self._all:
            return
        terminalreporter.section("gilscope")
        if self._refused is not None:
            terminalreporter.write_line(f"The tests could not be observed. {self._refused}")
            return
        analysis = _Analysis()
        for line in analysis.ask(report=self._measured, most=_WORST)["lines"]:
            terminalreporter.write_line(line)
        analysis.close()


def _plain(said: object) -> object:
    """What JSON has, of what somebody wrote into a mark."""
    return said if isinstance(said, str | int | float) else repr(said)


def _rss() -> int:
    """The bytes that this process has in memory, as the kernel counts them."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
