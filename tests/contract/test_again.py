"""A measurement that failed is made again, once or twice, by whether something disturbed it."""

from __future__ import annotations

import pytest

CONFTEST = """
import pytest
from support.again import attempt, pytest_terminal_summary, pytest_timeout_set_timer

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    attempt(item, nextitem, lambda: lambda: {disturbed}, {before})
    return True
"""
# It passes the times of its runs that are listed, with a fixture of its own and of its module made anew.
MEASUREMENT = """
import pytest

made = []

@pytest.fixture(scope="module")
def machine():
    made.append("machine")
    yield len(made)
    made.append("end")

@pytest.fixture
def target():
    made.append("target")

def test_it(machine, target):
    print(made)
    runs = made.count("target")
    assert made.count("machine") == made.count("end") + 1 == runs
    assert runs in {passing}
"""


@pytest.mark.parametrize(
    ("disturbed", "passing", "passed"),
    [
        (True, [2], 1),
        (True, [4], 1),
        (True, [], 0),
        (False, [1], 1),
        (False, [2, 3], 1),
        (False, [3, 4], 0),
        (False, [2, 4], 0),
    ],
)
def test_it_is_made_again_and_has_to_pass_twice_where_nothing_disturbed_it(
    pytester: pytest.Pytester, disturbed: bool, passing: list[int], passed: int
) -> None:
    outcome(pytester, passing, disturbed=disturbed, before=False).assert_outcomes(
        passed=passed, failed=1 - passed
    )


@pytest.mark.parametrize(
    ("disturbed", "passing", "passed"),
    [(False, [1, 2], 1), (False, [1], 0), (False, [2, 3], 0), (True, [2, 3], 1), (True, [2, 4], 0)],
)
def test_what_failed_beside_others_has_to_pass_twice_in_a_row_alone(
    pytester: pytest.Pytester, disturbed: bool, passing: list[int], passed: int
) -> None:
    outcome(pytester, passing, disturbed=disturbed, before=True).assert_outcomes(
        passed=passed, failed=1 - passed
    )


def outcome(
    pytester: pytest.Pytester, passing: list[int], *, disturbed: bool, before: bool
) -> pytest.RunResult:
    """Of a test that passes those of its runs."""
    pytester.makeconftest(CONFTEST.format(disturbed=disturbed, before=before))
    pytester.makepyfile(MEASUREMENT.replace("{passing}", str(passing)))
    return pytester.runpytest_inprocess()


def test_how_often_a_test_was_run_is_told(pytester: pytest.Pytester) -> None:
    ended = outcome(pytester, [2], disturbed=True, before=False)
    ended.stdout.fnmatch_lines(["*run again: 1*", "1 of 2 runs failed: *::test_it", "*1 passed*"])


def test_a_test_that_passes_at_once_is_not_told_of(pytester: pytest.Pytester) -> None:
    assert "run again" not in outcome(pytester, [1], disturbed=False, before=False).stdout.str()


def test_a_hang_fails_in_each_run_and_tells_where(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.format(disturbed=False, before=False))
    pytester.makepyfile("import threading\n\ndef test_it():\n    threading.Event().wait()\n")
    ended = pytester.runpytest_inprocess("--timeout=0.5")
    ended.assert_outcomes(failed=1)
    ended.stdout.fnmatch_lines(["*threading.Event().wait()*", "*2 of 2 runs failed: *::test_it"])
