"""Who is looked at in a sample."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.model.states import IO, LOCK, NATIVE, RUNNING, SLEEP, UNKNOWN, WAITING
from app.probe.sampling.turns import BLOCKED, PARKED_US, Turns


def lanes_in(states: list[int]) -> list[Any]:
    return [SimpleNamespace(state=state) for state in states]


def looks_at(turns: Turns, lanes: list[Any], samples: int) -> Counter[int]:
    """How often each lane, by its place, was looked at."""
    places = {id(lane): place for place, lane in enumerate(lanes)}
    return Counter(places[id(lane)] for _ in range(samples) for lane in turns.of_active(lanes))


def test_few_are_all_looked_at() -> None:
    lanes = lanes_in([IO] * 40 + [RUNNING] * 10)
    assert Turns().of_active(lanes) is lanes


def test_those_at_work_go_first_and_those_that_are_blocked_have_their_turn() -> None:
    lanes = lanes_in([RUNNING, WAITING, NATIVE, *[IO] * 497])
    found = looks_at(Turns(), lanes, 100)
    assert [found[place] for place in range(3)] == [100] * 3
    assert {found[place] for place in range(3, 500)} <= {9, 10}  # 47 of them in each sample
    assert sum(found.values()) == 5_000


def test_many_at_work_leave_half_of_the_looks_to_the_blocked() -> None:
    found = looks_at(Turns(), lanes_in([WAITING] * 200 + [SLEEP] * 200), 80)
    assert {found[place] for place in range(400)} == {10}


def test_with_one_look_for_each_sample_those_at_work_are_not_left_out() -> None:
    # As where a hundred processes share what a sample may look at.
    turns = Turns()
    turns.most = 1
    found = looks_at(turns, lanes_in([RUNNING, NATIVE, IO, SLEEP]), 10)
    assert found[0] == found[1] == 5


@given(
    st.lists(st.sampled_from([RUNNING, WAITING, UNKNOWN, LOCK, IO, SLEEP]), max_size=120),
    st.integers(1, 60),
)
def test_no_sample_looks_at_more_than_it_may_nor_at_anybody_twice(states: list[int], most: int) -> None:
    turns = Turns()
    turns.most = most
    lanes = lanes_in(states)
    found = looks_at(turns, lanes, 1)
    assert sum(found.values()) == min(most, len(lanes))
    assert not found or max(found.values()) == 1


@given(st.sets(st.sampled_from(range(300)), max_size=60))
def test_everybody_has_a_turn_while_others_begin_and_end_work(at_work: set[int]) -> None:
    turns = Turns()
    lanes = lanes_in([RUNNING if place in at_work else IO for place in range(300)])
    found = looks_at(turns, lanes, 20)
    assert len(found) == 300, sorted(set(range(300)) - set(found))
    assert all(lanes[place].state in BLOCKED or count >= 1 for place, count in found.items())


def test_parked_ones_are_spread_over_the_samples() -> None:
    turns = Turns()
    lanes = lanes_in([SLEEP] * 100)
    taken = [turns.of_parked(lanes, 1_000) for _ in range(PARKED_US // 1_000)]
    assert {len(some) for some in taken} == {5}
    assert Counter(id(lane) for some in taken for lane in some) == Counter(id(lane) for lane in lanes)
    assert len(turns.of_parked(lanes_in([SLEEP] * 5_000), 1_000)) == 13, "a quarter of 50"
    assert len(turns.of_parked(lanes, PARKED_US)) == 13
    assert Turns().of_parked([], 1_000) == []
