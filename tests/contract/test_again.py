"""A measurement is made again only where something disturbed it."""

from __future__ import annotations

import pytest

CONFTEST = """
import pytest
from support.again import attempt

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    attempt(item, nextitem, lambda: lambda: {disturbed})
    return True
"""
# Each passes the third time that it is run, with a fixture of its own and of its module made anew.
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
    assert made.count("target") == made.count("machine") == made.count("end") + 1 == 3
"""


@pytest.mark.parametrize(("disturbed", "passed"), [(True, 1), (False, 0)])
def test_it_is_made_again_where_it_was_disturbed(
    pytester: pytest.Pytester, disturbed: bool, passed: int
) -> None:
    pytester.makeconftest(CONFTEST.format(disturbed=disturbed))
    pytester.makepyfile(MEASUREMENT)
    pytester.runpytest_inprocess().assert_outcomes(passed=passed, failed=1 - passed)


def test_one_that_never_passes_fails_once(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.format(disturbed=True))
    pytester.makepyfile("tries = []\ndef test_it():\n    tries.append(1)\n    assert len(tries) > 3")
    pytester.runpytest_inprocess().assert_outcomes(failed=1)
