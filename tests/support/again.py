"""A measurement that failed while the machine was disturbed is made again: it measured the disturbance."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from _pytest.runner import runtestprotocol

ATTEMPTS = 3


def attempt(item: pytest.Item, nextitem: pytest.Item | None, watch: Callable[[], Callable[[], bool]]) -> None:
    """Runs a test until it passes, fails undisturbed, or has failed ATTEMPTS times; only the last run counts.

    `watch` begins to watch the machine; what it gives tells whether anything has disturbed it since.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(ATTEMPTS)):
        disturbed = watch()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if not left or not any(report.failed for report in reports) or not disturbed():
            break
        # Nothing of it may be used again, be it a fixture of the whole module.
        item.session._setupstate.teardown_exact(None)
        item._initrequest()  # type: ignore[attr-defined]
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
