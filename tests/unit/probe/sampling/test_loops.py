"""A loop's track, fed with what samples find: which steps it tells, and how late the loop was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.model.states import IO, LOCK, RUNNING, SLEEP, WAITING
from app.probe.cpython.layouts import known
from app.probe.cpython.loops.instant import IDLE
from app.probe.sampling.event_loops import EventLoops
from app.probe.sampling.loop_steps import LoopTrack

ORIGIN_US = 7_000_000
MS = 1000


class Loop:
    """A loop that is sampled once in a millisecond."""

    def __init__(self) -> None:
        self.lane: Any = SimpleNamespace(number=3, state=IO, entered=0)
        self.track = LoopTrack(self.lane, SimpleNamespace(loop=0), 0, 0, 0)
        self.now_us = 0
        self.see(IDLE, IO, 1)

    def see(self, instant: Any, state: int, samples: int) -> None:
        if state != self.lane.state:
            self.lane.state, self.lane.entered = state, self.now_us
        for _ in range(samples):
            self.now_us += MS
            self.track.see(instant, self.now_us, ORIGIN_US)

    def runs(self, began_us: int, handle: int, state: int, samples: int) -> None:
        """It is in the step of a handle, in the iteration that began then."""
        began_s = (began_us + ORIGIN_US) / 1e6
        self.see((began_s, began_s, (1, handle)), state, samples)

    def told(self) -> tuple[Any, list[Any]]:
        return self.track.take(self.now_us)


@pytest.fixture
def loop() -> Loop:
    return Loop()


def test_a_long_step_is_told_once_it_is_over(loop: Loop) -> None:
    loop.runs(1_400, 0xA, SLEEP, 40)
    loop.see(IDLE, IO, 1)
    (_, _, longest_us, _), [step] = loop.told()
    assert step == [3, 1_400, 40_100, SLEEP, None, True, []]
    assert longest_us == 39_600
    assert loop.told()[1] == []


def test_a_loop_between_two_iterations_is_not_taken_to_have_ended(loop: Loop) -> None:
    for began_us in range(1_500, 60 * MS, 6 * MS):
        loop.runs(began_us, 0xA, RUNNING, 6)
        assert not loop.track.missed()
    assert [loop.track.missed() for _ in range(2)] == [False, True]


def test_short_steps_are_not_told_however_long_the_iteration(loop: Loop) -> None:
    for handle in range(50):
        loop.runs(1_500, handle, RUNNING, 3)
    loop.see(IDLE, IO, 1)
    (_, _, longest_us, lags), steps = loop.told()
    assert steps == []
    assert 148 * MS <= longest_us <= 151 * MS
    assert sum(lags[1::2]) == 150 * MS


def test_the_same_handle_in_the_next_iteration_is_another_step(loop: Loop) -> None:
    for began_us in range(1_500, 60 * MS, 6 * MS):
        loop.runs(began_us, 0xA, RUNNING, 6)
    assert loop.told()[1] == []


def test_its_state_is_the_one_of_most_of_the_time(loop: Loop) -> None:
    loop.runs(1_500, 0xA, RUNNING, 20)
    loop.runs(1_500, 0xA, LOCK, 30)
    loop.runs(1_500, 0xA, RUNNING, 5)
    loop.see(IDLE, IO, 1)
    assert loop.told()[1][0][3] == LOCK


def test_a_step_that_goes_on_is_told_with_its_length_so_far_once_a_stack_has_shown_it(loop: Loop) -> None:
    loop.runs(1_500, 0xA, SLEEP, 15)
    assert loop.told()[1] == []
    step = loop.track.to_look_at(loop.now_us)
    assert step is not None
    step.looked(7, loop.lane, loop.now_us)
    loop.runs(1_500, 0xA, SLEEP, 15)
    assert loop.told()[1] == [[3, 1_500, 29_500, SLEEP, None, False, [7, 29_500]]]


@pytest.mark.parametrize(("state", "least", "most"), [(SLEEP, 1, 1), (RUNNING, 5, 10)])
def test_a_blocked_thread_is_looked_at_once_and_one_that_runs_again_and_again(
    loop: Loop, state: int, least: int, most: int
) -> None:
    looks = 0
    for _ in range(100):
        loop.runs(1_500, 0xA, state, 1)
        step = loop.track.to_look_at(loop.now_us)
        if step is not None:
            looks += 1
            step.looked(1, loop.lane, loop.now_us)
    assert least <= looks <= most


def test_time_between_two_looks_is_ascribed_to_both(loop: Loop) -> None:
    loop.runs(1_000, 0xA, RUNNING, 19)
    loop.track.step.looked(1, loop.lane, loop.now_us)
    loop.runs(1_000, 0xA, RUNNING, 10)
    loop.track.step.looked(2, loop.lane, loop.now_us)
    loop.runs(1_000, 0xA, SLEEP, 1)
    loop.track.step.looked(2, loop.lane, loop.now_us)
    loop.runs(1_000, 0xA, SLEEP, 99)
    loop.track.step.looked(3, loop.lane, loop.now_us)
    loop.see(IDLE, IO, 1)
    stacks = loop.told()[1][0][6]
    assert dict(zip(stacks[::2], stacks[1::2], strict=True)) == {1: 24 * MS, 2: 105 * MS, 3: 500}


def test_a_step_that_goes_on_for_hours_is_counted_as_it_goes_and_not_kept_sample_by_sample(
    loop: Loop,
) -> None:
    loop.runs(1_000, 0xA, SLEEP, 50)
    loop.track.step.looked(7, loop.lane, loop.now_us)
    told = 0
    for _ in range(4):
        loop.runs(1_000, 0xA, SLEEP, 250)
        (_, _, _, lags), _ = loop.told()
        told += sum(lags[1::2])
    assert told == 1_050 * MS
    assert loop.track._ages == []


def test_a_step_counts_whole_where_its_loop_ends_right_after_it(loop: Loop) -> None:
    loop.runs(1_000, 0xA, SLEEP, 50)
    loop.track.step.looked(7, loop.lane, loop.now_us)
    loop.runs(1_000, 0xA, SLEEP, 200)
    loop.runs(1_000, 0xB, RUNNING, 1)  # the last of the loop, of which no stack is read any more
    loop.track.lose(loop.now_us)
    (_, _, longest_us, lags), [step] = loop.told()
    assert step[1:3] == [1_000, 250_500]
    assert sum(lags[1::2]) == 250 * MS
    assert longest_us == 250 * MS


def test_what_was_no_iteration_counts_for_nothing(loop: Loop) -> None:
    loop.runs(1_500, 0xA, SLEEP, 500)
    loop.track.lose(loop.now_us)
    row, steps = loop.told()
    assert steps == []
    assert row == [3, MS, 0, []]


def test_the_last_step_of_a_loop_is_over_when_the_loop_is(loop: Loop) -> None:
    loop.runs(1_500, 0xA, SLEEP, 15)
    loop.track.step.looked(7, loop.lane, loop.now_us)
    loop.runs(1_500, 0xA, SLEEP, 15)
    loop.now_us += MS
    loop.track.lose(loop.now_us)
    (_, _, longest_us, lags), [step] = loop.told()
    assert step == [3, 1_500, 30_000, SLEEP, None, True, [7, 30_000]]
    assert longest_us == 29_500
    assert sum(lags[1::2]) == 30 * MS


def test_lag_is_the_time_since_the_loop_last_looked(loop: Loop) -> None:
    loop.see(IDLE, IO, 99)
    loop.runs(100 * MS, 0xA, RUNNING, 100)
    loop.see(IDLE, IO, 1)
    (_, idle_us, _, lags), _ = loop.told()
    assert idle_us == 101 * MS
    by_lag = dict(zip(lags[::2], lags[1::2], strict=True))
    assert sum(by_lag.values()) == 100 * MS
    assert 49 * MS <= sum(lag * us for lag, us in by_lag.items()) / (100 * MS) <= 52 * MS


def test_an_idle_loop_that_cannot_get_the_gil_is_late(loop: Loop) -> None:
    loop.see(IDLE, WAITING, 20)
    (_, idle_us, longest_us, lags), _ = loop.told()
    assert idle_us == MS
    assert sum(lags[1::2]) == 20 * MS
    assert longest_us == 20 * MS


def test_a_torn_instant_is_bounded_by_what_was_seen_before(loop: Loop) -> None:
    for began_s in (float("nan"), float("inf"), -1e300, 0.0, 1e9):
        loop.see((began_s, began_s, (1, 2)), RUNNING, 1)
        loop.see(IDLE, IO, 5)
    assert loop.told()[0][2] <= 4 * MS


def test_a_loop_that_is_met_in_a_long_step_is_known_to_be_in_it_since_it_began() -> None:
    loop = Loop.__new__(Loop)
    loop.lane, loop.now_us = SimpleNamespace(number=3, state=SLEEP, entered=0), 100 * MS
    loop.track = LoopTrack(loop.lane, SimpleNamespace(loop=0), 0, 0, 100 * MS)
    loop.runs(40 * MS, 0xA, SLEEP, 10)
    loop.see(IDLE, IO, 1)
    assert loop.told()[1][0][1:3] == [40 * MS, 70_500]


def test_each_message_says_which_loops_it_tells_of() -> None:
    lane: Any = SimpleNamespace(number=3, tid=7, state=IO, entered=0, raw=b"")
    runtime = SimpleNamespace(memory=None, layout=known()[3, 12, False])
    roster: Any = SimpleNamespace(runtime=runtime, lanes={7: lane}, active=[lane])
    loops = EventLoops(roster, SimpleNamespace(), 0)  # type: ignore[arg-type]
    reader: Any = SimpleNamespace(kind="asyncio", exact=True, loop=0)
    loops._tracks.append(LoopTrack(lane, reader, 0, 0, 0))
    told = [3, "asyncio", True, False]
    assert [loops.take(now_us)[0] for now_us in (1_000, 2_000)] == [[told], [told]]

    roster.lanes.clear()  # its thread ends
    rows, lags, _ = loops.take(3_000)
    assert (rows, [lag[0] for lag in lags]) == ([told], [3])
    assert loops.take(4_000) == ([], [], [])
