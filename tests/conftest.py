"""Says which interpreters are observed, and makes a measurement again that was disturbed.

In CI a test that was skipped was not run, so it has failed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator

import pytest
from support.again import attempt
from support.interpreters import FOUND
from support.machine import Disturbance, Ticks

from app.model import versions

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    """What tests record goes into a folder of their own, not among the user's runs."""
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="gilscope-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["XDG_STATE_HOME"], ignore_errors=True)


# Of all CPU time, given to other machines by the hypervisor: above it, shares are not the target's own.
STOLEN = 0.02
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_report_header() -> str:
    have = {(*found.version_info[:2], found.free_threaded) for found in FOUND}
    lack = [
        f"{major}.{minor}{'t' * free}"
        for major, minor, free in versions.SUPPORTED
        if (major, minor, free) not in have
    ]
    return f"interpreters: {', '.join(found.label for found in FOUND)}; none of {', '.join(lack)}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if item.get_closest_marker("serial") is None:
        return None
    attempt(item, nextitem, _watch)
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
    return report
