"""What can be trusted of a run of several processes."""

from app.analysis.capabilities import worst
from app.model.frames import Process
from app.model.states import MEASURES


def process(pid, capabilities, why=None, python="3.12.1"):
    return Process(0, pid, None, [], python, capabilities=capabilities, why=why or {})


ALL_EXACT = dict.fromkeys(MEASURES, "exact")


def test_a_measure_is_worth_what_it_is_worth_in_the_worst_process():
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
        "gil": "unavailable",
        "gil_wait": "inferred",
        "why": {"gil": "no GIL; 3.12", "gil_wait": "futex"},
    }


def test_what_is_no_cpython_takes_nothing_away_from_those_that_are():
    assert worst([process(1, {}, python=None), process(2, ALL_EXACT)]) == {**ALL_EXACT, "why": {}}


def test_without_a_cpython_nothing_is_available_and_each_measure_says_why():
    for processes in ([], [process(1, {}, python=None)], [process(1, {})]):
        found = worst(processes)
        assert {measure: found[measure] for measure in MEASURES} == dict.fromkeys(MEASURES, "unavailable")
        assert set(found["why"]) == set(MEASURES)
        assert all(found["why"].values())
