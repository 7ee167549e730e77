"""Says which interpreters are observed, and makes a measurement again that was disturbed.

A test that needs an interpreter which is not there is not collected. In CI all have to be there: such a test
has failed, and so has one that was skipped.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator

import pytest
from support.again import attempt, pytest_terminal_summary, pytest_timeout_set_timer
from support.interpreters import FOUND, KINDS, Kind, version
from support.machine import Disturbance, Ticks

from app.model import versions

__all__ = ["pytest_terminal_summary", "pytest_timeout_set_timer"]  # hooks
pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--failed-before",
        action="store_true",
        help="each test here failed beside others: alone it has to pass twice in a row",
    )


def pytest_configure(config: pytest.Config) -> None:
    """What tests record goes into a folder of their own, not among the user's runs.

    Bytecode is kept even where a container says otherwise: each of the thousands of processes that the tests
    start would compile its sources anew, and pytest would rewrite every assertion.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"  # trio's makes it warn, and a warning is an error here
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gilscope-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


# Of all CPU time, given to other machines by the hypervisor: above it, shares are not the target's own.
STOLEN = 0.02
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_report_header() -> list[str]:
    have = {version(found) for found in FOUND}
    names = [f"{major}.{minor}{'t' * free}" for major, minor, free in versions.SUPPORTED]
    lines = [
        f"interpreters: {', '.join(found.label for found in FOUND)}; "
        f"none of {', '.join(name for name in names if name not in have)}"
    ]
    lacking = [kind.what for kind in KINDS if not kind.found]
    if lacking:
        lines.append(f"{'failing' if IN_CI else 'left out'}: tests that need {'; '.join(lacking)}")
    return lines


def _lacking(node: pytest.Item | pytest.Collector) -> list[Kind]:
    """What it needs and is not there."""
    return [kind for marker in node.iter_markers("needs") for kind in marker.args if not kind.found]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for kind in _lacking(item):
        pytest.fail(f"In CI nothing may be left out, and there is none: {kind.what}", pytrace=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    failed_before = item.config.getoption("--failed-before")
    if item.get_closest_marker("serial") is None and not failed_before:
        return None
    attempt(item, nextitem, _watch, failed_before)
    return True


def _watch() -> Callable[[], bool]:
    begun = Ticks.now()
    return lambda: Disturbance.since(begun).steal > STOLEN


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    if not IN_CI:
        report.result = [node for node in report.result if not _lacking(node)]
    return report
