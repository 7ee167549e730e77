"""What is said of each measure, for each build."""

from __future__ import annotations

import pytest

from app.model.states import EXACT, INFERRED, MEASURES, UNAVAILABLE
from app.probe.cpython import capabilities, layouts

ALL = list(layouts.known().values())


@pytest.mark.parametrize("layout", ALL, ids=[layout.name for layout in ALL])
@pytest.mark.parametrize("gil_enabled", [True, False])
def test_every_measure_has_a_level_and_a_reason_unless_exact(layout, gil_enabled) -> None:
    levels, why = capabilities.of(layout, gil_enabled, interpreters=1, stacks=True)
    assert set(levels) == set(MEASURES)
    assert {name for name, level in levels.items() if level != EXACT} == set(why)


def test_a_wait_is_exact_only_where_the_thread_says_that_it_asks() -> None:
    known = layouts.known()
    assert capabilities.of(known[3, 14, False], True, 1, True)[0]["gil_wait"] == INFERRED
    assert capabilities.of(known[3, 15, False], True, 1, True)[0]["gil_wait"] == EXACT
    assert capabilities.of(known[3, 13, True], False, 1, True)[0]["gil_wait"] == UNAVAILABLE


def test_pauses_are_exact_only_where_cpython_publishes_them() -> None:
    known = layouts.known()
    assert capabilities.of(known[3, 15, False], True, 1, True)[0]["gc"] == EXACT
    levels, why = capabilities.of(known[3, 14, False], True, 1, True)
    assert levels["gc"] == INFERRED
    assert "the counts are exact" in why["gc"]


def test_a_build_that_was_never_run_is_never_called_exact() -> None:
    for version in ((3, 14, True), (3, 15, True)):
        levels, why = capabilities.of(layouts.known()[version], False, 1, True)
        assert EXACT not in levels.values()
        assert "no live one" in why["threads"]


def test_several_interpreters_of_3_12_are_told_apart_by_inference_only() -> None:
    levels, why = capabilities.of(layouts.known()[3, 12, False], True, 2, True)
    assert levels["gil"] == levels["threads"] == INFERRED
    assert "creator" in why["gil"]


def test_types_are_judged_by_a_sample_and_unknown_only_where_no_block_can_be_found() -> None:
    layout = layouts.known()[3, 14, False]
    levels, why = capabilities.of(layout, True, 1, True)
    assert levels["types"] == INFERRED
    assert "interval" in why["types"]
    levels, why = capabilities.of(layout, True, 1, True, census_of=capabilities.POOLS_ALONE)
    assert levels["types"] == INFERRED
    assert "512 bytes" in why["types"]
    levels, why = capabilities.of(layout, True, 1, True, has_heap=False, census_of=capabilities.NOTHING)
    assert levels["types"] == UNAVAILABLE
