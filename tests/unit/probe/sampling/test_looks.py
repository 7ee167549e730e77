"""When the observer looks, and of whom a stack tells where the lock changes hands while it is copied."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from app.probe.sampling.looks import Looker, Moments

BEAT_US = 1_000
A, B, C = 0x1000, 0x2000, 0x3000  # thread states


def looks(hz: float, beats: range, pace: float = 1.0) -> list[int]:
    moments = Moments(hz)
    return [now for now in beats if moments.due(now, pace)]


def test_there_is_one_look_a_period_on_the_mean() -> None:
    assert abs(len(looks(100, range(0, 10_000_000, BEAT_US))) - 1_000) <= 2


def test_looks_fall_anywhere_in_a_period_of_the_target() -> None:
    in_period = {now % 10_000 for now in looks(100, range(0, 10_000_000, BEAT_US))}
    assert in_period == set(range(0, 10_000, BEAT_US))


def test_an_observer_that_goes_slower_looks_less_often() -> None:
    assert abs(len(looks(100, range(0, 10_000_000, BEAT_US), pace=0.25)) - 250) <= 2


def test_looks_that_were_missed_are_not_made_up_for() -> None:
    moments = Moments(100)
    assert moments.due(0, 1)
    after_a_gap = [now for now in range(5_000_000, 5_100_000, BEAT_US) if moments.due(now, 1)]
    assert len(after_a_gap) <= 12


def test_at_a_rate_of_nothing_there_are_none() -> None:
    assert looks(0, range(0, 1_000_000, BEAT_US)) == []


def looked(*takers: int) -> Any:
    """The stack of a look at A, who holds the lock, if those take it while A's stack is copied."""
    lock = SimpleNamespace(last=A, switches=7)

    def copy(state: int) -> list[int]:
        for lock.last in takers:
            lock.switches += 1
        return [state]

    memory = SimpleNamespace(read=lambda address, size: struct.pack("=Qi4xQ", lock.last, 1, lock.switches))
    layout = SimpleNamespace(thread_state=None, gil=SimpleNamespace(last_holder=0))
    gil = SimpleNamespace(index=0, address=0, now=0, waiters=0)
    roster = SimpleNamespace(gil_enabled=True, gils=[gil], active=[], number_of={A: 0, B: 1, C: 2}.get)
    sampler: Any = SimpleNamespace(roster=roster, runtime=SimpleNamespace(memory=memory, layout=layout))
    stacks: Any = SimpleNamespace(copy=copy, number=lambda frames: frames or None)
    [row] = Looker(sampler, stacks).look(0)
    assert row[2] == 0, "the holder was A"
    return row[3]


@pytest.mark.parametrize("takers", [(), (B,), (B, C)])
def test_a_holder_that_has_lost_the_lock_since_stands_where_it_was(takers: tuple[int, ...]) -> None:
    assert looked(*takers) == [A]


@pytest.mark.parametrize("takers", [(B, A), (B, A, B), (B, C, A, B)])
def test_one_that_may_have_had_it_again_may_be_anywhere(takers: tuple[int, ...]) -> None:
    assert looked(*takers) is None
