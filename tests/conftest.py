"""Says which interpreters are observed; and in CI a test that was skipped was not run, so it has failed."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from support.interpreters import FOUND

from app.model import versions

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_report_header() -> str:
    have = {(*found.version_info[:2], found.free_threaded) for found in FOUND}
    lack = [
        f"{major}.{minor}{'t' * free}"
        for major, minor, free in versions.SUPPORTED
        if (major, minor, free) not in have
    ]
    return f"interpreters: {', '.join(found.label for found in FOUND)}; none of {', '.join(lack)}"


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
