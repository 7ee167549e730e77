"""When the observer looks: as often as it is asked to, at instants that no program's rhythm meets."""

from __future__ import annotations

from app.probe.sampling.looks import Moments

BEAT_US = 1_000


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
