"""A measurement that failed is made again: what disturbs a machine comes and goes, a fault stays.

Where the machine was disturbed meanwhile one run that passes is enough: the failure measured that.
Where nothing was seen to disturb it, two have to pass, one after the other. So it is with a test that failed
beside others and is run again alone. How often each was run stands at the end of the output.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.runner import runtestprotocol

ATTEMPTS = 4
RUNS, FAILED = "runs", "failed runs"  # the properties of a report
LIMIT = pytest.StashKey[object]()  # of a test's time, as pytest-timeout has it


def attempt(
    item: pytest.Item,
    nextitem: pytest.Item | None,
    watch: Callable[[], Callable[[], bool]],
    failed_before: bool = False,
) -> None:
    """Runs a test until it has passed often enough, or has failed twice undisturbed, or ATTEMPTS times.

    `watch` begins to watch the machine; what it gives tells whether anything has disturbed it since.
    `failed_before`: it has failed once, so that it has to pass twice in a row now.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    failures, failed = int(failed_before), []
    needed = 1 + failures
    runs = failed_runs = 0
    for left in reversed(range(ATTEMPTS)):
        runs += 1
        disturbed = watch()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if any(report.failed for report in reports):
            failed = reports
            failed_runs += 1
            failures += not disturbed()
            needed = 2 if failures else 1
            if failures == 2:
                break
        else:
            needed -= 1
            if not needed:
                failed = []
                break
        if left:
            # Nothing of it may be used again, be it a fixture of the whole module.
            item.session._setupstate.teardown_exact(None)
            item._initrequest()  # type: ignore[attr-defined]
            if LIMIT in item.stash:  # a failure has ended it
                item.ihook.pytest_timeout_set_timer(item=item, settings=item.stash[LIMIT])
    if failed_runs or failed_before:
        (failed or reports)[-1].user_properties += [(RUNS, runs), (FAILED, failed_runs)]
    for report in failed or reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: object) -> None:
    """Leaves it to pytest-timeout, and keeps the limit for the runs to come."""
    item.stash[LIMIT] = settings


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests were run again, and which."""
    reports = [
        report
        for some in terminalreporter.stats.values()
        for report in some
        if isinstance(report, pytest.TestReport) and RUNS in dict(report.user_properties)
    ]
    if reports:
        terminalreporter.section(f"run again: {len(reports)}")
    for report in reports:
        properties = dict(report.user_properties)
        terminalreporter.line(f"{properties[FAILED]} of {properties[RUNS]} runs failed: {report.nodeid}")
