"""What can be trusted of a run of several processes."""

import pytest

from app.analysis.capabilities import available, worst
from app.model.frames import Process
from app.model.states import MEASURES


def process(pid, capabilities, why=None, python="3.12.1"):
    return Process(0, pid, None, [], python, capabilities=capabilities, why=why or {})


ALL_EXACT = dict.fromkeys(MEASURES, "exact")


def test_a_measure_is_worth_what_it_is_worth_in_the_worst_process_that_has_it():
    found = worst(
        [
            process(1, ALL_EXACT),
            process(
                2,
                {**ALL_EXACT, "gil": "unavailable", "gil_wait": "inferred"},
                {"gil": "no GIL", "gil_wait": "futex"},
            ),
            process(
                3,
                {**ALL_EXACT, "gil": "inferred", "gil_wait": "inferred"},
                {"gil": "3.12", "gil_wait": "futex"},
            ),
        ]
    )
    assert found == {
        **ALL_EXACT,
        "gil": "inferred",
        "gil_wait": "inferred",
        "why": {"gil": "3.12; unavailable in pid 2: no GIL", "gil_wait": "futex"},
    }


def test_a_measure_is_exact_where_it_is_and_says_which_process_lacks_it():
    free = [
        process(pid, {**ALL_EXACT, "gil": "unavailable"}, {"gil": "it runs without a GIL"}) for pid in (7, 8)
    ]
    found = worst([process(1, ALL_EXACT), *free])
    assert found["gil"] == "exact"
    assert found["why"] == {"gil": "unavailable in pid 7, 8: it runs without a GIL"}


def test_what_is_no_cpython_takes_nothing_away_from_those_that_are():
    assert worst([process(1, {}, python=None), process(2, ALL_EXACT)]) == {**ALL_EXACT, "why": {}}


@pytest.mark.parametrize(
    ("processes", "attached", "why"),
    [
        ([], False, "the target never started"),
        ([], True, "the process was never read"),
        ([process(1, {}, python=None)], False, "it runs no CPython that can be read"),
        ([process(1, {})], False, "the observer does not measure it"),
    ],
    ids=["no-process", "not-attached", "no-cpython", "unsaid"],
)
def test_where_nothing_is_measured_each_measure_says_why(processes, attached, why):
    assert worst(processes, attached) == {
        **dict.fromkeys(MEASURES, "unavailable"),
        "why": dict.fromkeys(MEASURES, why),
    }


def test_a_measure_is_available_where_any_process_has_it():
    assert available("stacks", [process(1, {"stacks": "unavailable"}), process(2, {"stacks": "inferred"})])
    assert not available("stacks", [process(1, {"stacks": "unavailable"}), process(2, {})])
