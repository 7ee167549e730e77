"""The pytest plugin of GILScope: `pytest --gilscope` tells of the worst tests, marks hold tests to limits.

    @pytest.mark.limit_gil_wait("20%")
    @pytest.mark.limit_gil_hold("50 ms")
    @pytest.mark.limit_rss_growth("10 MiB")
    @pytest.mark.limit_blocked_loop("100 ms")

An observer looks at the process that runs the tests from outside, one beside each worker of xdist, and what
it has seen is worked out in a process beside it (`python -m app.testing`). It is started before a test that
has a mark, or before any where the option is given, and not else. What is measured is the test itself,
without its fixtures; these may patch what is used here, so that is taken before.
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
_PAGE = os.sysconf("SC_PAGE_SIZE")
_HOME = os.path.dirname(__file__)  # where `app` lies, too
_now_ns, _open, _read, _close = time.monotonic_ns, os.open, os.read, os.close
_Popen, _dumps, _loads = subprocess.Popen, json.dumps, json.loads
# Isolated: `app` is GILScope's own, whatever lies in the folder of the tests.
_PROGRAM = "import runpy, sys; sys.path.insert(0, {!r}); runpy.run_module('app.testing', run_name='__main__')"

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


class _Gone(Exception):
    """The analysis has ended, or cannot be started: a test may have ended it. The text says how."""


class _Analysis:
    """The process that observes this one, if it is asked to, and works out what was seen."""

    def __init__(self) -> None:
        import ctypes  # takes time, which a run without marks need not take

        self._number = 0
        try:
            self._process = _Popen(
                [sys.executable, "-I", "-c", _PROGRAM.format(_HOME), "gilscope-observer"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for pytest, which ends it
            )
        except OSError as error:
            raise _Gone(f"GILScope's analysis could not be started: {error}") from None
        # Where Yama lets only parents read a process, others have to be let.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, self._process.pid, 0, 0, 0)

    def ask(self, **asked: object) -> Json:
        """The answer to a line, see app/testing/__main__.py; _Gone. One that was not waited for is let go."""
        self.say(**asked)
        assert self._process.stdout is not None
        try:
            while line := self._process.stdout.readline():
                answer = dict(_loads(line))
                if answer.pop("number") == self._number:
                    return answer
        except ValueError:
            pass
        raise self._gone()

    def say(self, **asked: object) -> None:
        """Says what is not answered; _Gone."""
        assert self._process.stdin is not None
        self._number += 1
        try:
            self._process.stdin.write(_dumps({"number": self._number, **asked}) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._gone() from None

    def close(self) -> None:
        """Ends it, and the observer with it."""
        try:
            self.say(end=True)  # children of a test may hold its input open
        except _Gone:
            return
        self._process.wait()
        self._let_go()

    def _gone(self) -> _Gone:
        self._process.kill()
        status = self._process.wait()
        self._let_go()
        return _Gone(f"GILScope's analysis of the tests has ended, with status {status}")

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()  # type: ignore[union-attr]
            except OSError:
                continue  # what was to be flushed cannot be


class _Session:
    """What this process observes while it runs tests, and what others told."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._all = bool(config.getoption("--gilscope"))
        self._analysis: _Analysis | None = None
        self._limits: dict[str, list[tuple[str, str]]] = {}  # by a test's id: marks, and what they say
        self._wrong: dict[str, str] = {}  # by a test's id
        self._measured: list[Json] = []
        self._refused: list[str] = []  # why tests are not observed, or no more

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reads the marks, so that a wrong one is told before any test runs."""
        found = {item.nodeid: [*filter(None, map(item.get_closest_marker, NAMES))] for item in items}
        marks = [
            (test, mark.name, [_plain(said) for said in (*mark.args, *mark.kwargs.values())])
            for test, its in found.items()
            for mark in its
        ]
        if not marks:
            return
        try:
            analysis = _Analysis()
            self._wrong = analysis.ask(check=marks)["wrong"]
            analysis.close()
        except _Gone as reason:
            self._refused.append(str(reason))
        if self._wrong and not hasattr(self._config, "workerinput"):  # a worker fails the test itself
            raise pytest.UsageError(*self._wrong.values())
        for test, name, said in marks:
            if test not in self._wrong:
                self._limits.setdefault(test, []).append((name, str(said[0])))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Starts the observer before the first test that is observed."""
        if item.nodeid in self._wrong:
            pytest.fail(self._wrong[item.nodeid], pytrace=False)
        limits = self._limits.get(item.nodeid)
        if (limits or self._all) and self._analysis is None and not self._refused:
            try:
                analysis = _Analysis()
                refused = analysis.ask(observe=os.getpid())["refused"]
                if refused is None:
                    self._analysis = analysis
                else:
                    analysis.close()
                    self._refused.append(refused)
            except _Gone as reason:
                self._refused.append(str(reason))
        if limits and self._analysis is None:
            pytest.fail(f"Its limits cannot be judged. {self._refused[-1]}", pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Observes a test, and fails one that passed but went beyond a limit."""
        limits = self._limits.get(item.nodeid, [])
        if self._analysis is None or not (limits or self._all):
            return (yield)
        answer: Json = {}
        rss, from_ns = _rss(), _now_ns()
        self._tell(begin=from_ns)
        try:
            result = yield
        finally:
            to_ns, grown = _now_ns(), _rss() - rss
            if limits or to_ns - from_ns >= _LEAST_NS:
                span = {"test": item.nodeid, "from_ns": from_ns, "to_ns": to_ns, "rss_growth": grown}
                answer = self._tell(bool(limits), **span, limits=limits)
            else:
                self._tell(forget=from_ns)
        if answer.get("refused"):
            pytest.fail(f"Its limits cannot be judged. {answer['refused']}", pytrace=False)
        if answer.get("broken"):
            pytest.fail("\n".join(answer["broken"]), pytrace=False)
        if answer.get("unknown"):
            warnings.warn(f"{item.nodeid}: {answer['unknown']}", NotJudged, stacklevel=1)
        return result

    def _tell(self, answered: bool = False, **asked: object) -> Json:
        """Tells the analysis, while there is one; what it answers, or why it does not."""
        if self._analysis is None:
            return {"refused": self._refused[-1]}
        try:
            if answered:
                return self._analysis.ask(**asked)
            self._analysis.say(**asked)
        except _Gone as reason:
            self._analysis = None
            self._refused.append(str(reason))
            return {"refused": str(reason)}
        return {}

    def pytest_sessionfinish(self) -> None:
        """Ends the observer; a worker of xdist hands on what it has measured."""
        self._measured += self._tell(True, measured=True).get("measured", []) if self._analysis else []
        if self._analysis is not None:
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
            self._refused += told["refused"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tells of the worst tests, where that was asked for."""
        if not self._all:
            return
        terminalreporter.section("gilscope")
        for reason in dict.fromkeys(self._refused):
            terminalreporter.write_line(f"Not all tests could be observed. {reason}")
        try:
            analysis = _Analysis()
            lines = analysis.ask(report=self._measured, most=_WORST)["lines"]
            analysis.close()
        except _Gone as reason:
            lines = [str(reason)]
        for line in lines:
            terminalreporter.write_line(line)


def _plain(said: object) -> object:
    """What JSON has, of what somebody wrote into a mark."""
    return said if isinstance(said, str | int | float) else repr(said)


def _rss() -> int:
    """The bytes that this process has in memory, as the kernel counts them."""
    file = _open("/proc/self/statm", os.O_RDONLY)
    try:
        return int(_read(file, 256).split()[1]) * _PAGE
    finally:
        _close(file)
