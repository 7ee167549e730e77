"""Which blocked threads are looked at, and how many are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.model.frames import LONG_BLOCK_US
from app.model.states import IO, LOCK, NATIVE, RUNNING, SLEEP, UNKNOWN, WAITING
from app.probe.cpython.survey import ThreadState
from app.probe.sampling.blocked import BlockedLooker, Budget
from app.probe.sampling.tracks import Lane

MS = 1000
LOOK_US = 10 * MS


class Threads:
    """Lanes of this thread, which are in whatever state they are said to be in."""

    def __init__(self) -> None:
        self.active: list[Lane] = []
        self.parked: list[Lane] = []
        self.lane_by_number: dict[int, Lane] = {}

    def lane(self, state: int, since_us: int, parked: bool = False) -> Lane:
        """One more, in that state since then."""
        lane = Lane(len(self.lane_by_number), os.getpid(), os.getpid(), os.getpid(), 0)
        lane.states = [ThreadState(0x1000, os.getpid(), 0, 0x2000)]
        lane.become(state, since_us)
        lane.parked = parked
        (self.parked if parked else self.active).append(lane)
        self.lane_by_number[lane.number] = lane
        return lane


class Stacks:
    """All have the same."""

    def copy(self, state: int) -> list[Any]:
        return [(1, 2, 0, 3)]

    def number(self, frames: list[Any], at_lock: bool = False) -> int:
        return 7


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    """None yet."""
    monkeypatch.setattr(BlockedLooker, "_text", lambda looker, lane: lane.raw)
    threads = Threads()
    yield threads
    for lane in threads.lane_by_number.values():
        lane.close()


def looker_of(threads: Threads) -> BlockedLooker:
    sampler: Any = SimpleNamespace(roster=threads)
    stacks: Any = Stacks()
    return BlockedLooker(sampler, stacks, lambda lane: None)


def looked(threads: Threads, looker: BlockedLooker, from_us: int, until_us: int) -> dict[int, int]:
    """{lane: when it was looked at first} of looks a hundred times a second."""
    budget, first = Budget(), {}
    for now in range(from_us, until_us, LOOK_US):
        budget.refill(now)
        for at_us, lane, *_ in looker.look(now, budget):
            first.setdefault(lane, at_us)
    return first


@pytest.mark.parametrize("parked", [False, True])
def test_a_new_deadlock_is_looked_at_before_hundreds_that_were_idle(threads: Threads, parked: bool) -> None:
    for number in range(500):
        threads.lane(IO, number, parked)
    both = {threads.lane(LOCK, 1_000 * MS).number, threads.lane(LOCK, 1_001 * MS).number}
    first = looked(threads, looker_of(threads), 1_000 * MS, 10_000 * MS)
    assert max(first[lane] for lane in both) < 1_150 * MS
    assert len(first) == 502, "the others have their turn"


def test_one_that_went_into_another_wait_of_the_same_state_is_looked_at_anew(threads: Threads) -> None:
    lane = threads.lane(LOCK, 0)
    looker, budget = looker_of(threads), Budget()
    lane.raw = b"202 0x1"  # the wait for an event, in which it was looked at when that was short
    assert looker.look_at(lane, 10 * MS)
    lane.raw = b"202 0x2"  # and the one for a lock, into which it went between two samples
    rows = [row for now in range(20 * MS, 400 * MS, LOOK_US) for row in looker.look(now, budget)]
    assert [row[0] < 100 * MS for row in rows] == [True], "once, when it had become long"


def test_a_deadlock_is_looked_at_though_others_are_always_newer(threads: Threads) -> None:
    stuck = threads.lane(LOCK, 0)
    sleepers = [threads.lane(SLEEP, 0) for _ in range(150)]
    looker, budget = looker_of(threads), Budget()
    for now in range(LONG_BLOCK_US, 2_000 * MS, LOOK_US):
        for lane in sleepers[now // LOOK_US % 6 :: 6]:  # each sleeps for 60 ms
            lane.become(RUNNING, now)
            lane.become(SLEEP, now + 1)
        budget.refill(now)
        looker.look(now, budget)
    assert stuck.looked_at == stuck.entered


def test_one_sample_does_not_wait_for_more_than_a_few_looks(threads: Threads) -> None:
    for _ in range(200):
        threads.lane(SLEEP, 0)
    budget = Budget()
    budget.refill(10_000 * MS)
    assert len(looker_of(threads).look(10_000 * MS, budget)) == 10


@pytest.mark.parametrize("state", [LOCK, IO, SLEEP, NATIVE])
def test_a_long_block_that_nobody_looked_at_is_counted_when_it_ends(threads: Threads, state: int) -> None:
    lane = threads.lane(state, 100)
    lane.become(WAITING, 100 + LONG_BLOCK_US)
    assert lane.missed == 1


def test_it_is_counted_while_it_lasts_too_until_somebody_looks(threads: Threads) -> None:
    lane = threads.lane(SLEEP, 100)
    assert not lane.is_missed(99 + LONG_BLOCK_US)
    assert lane.is_missed(100 + LONG_BLOCK_US)
    lane.looked_at = lane.entered
    assert not lane.is_missed(100 + LONG_BLOCK_US)
    lane.become(RUNNING, 200 * MS)
    assert lane.missed == 0


@pytest.mark.parametrize(
    ("state", "length_us"),
    [
        (SLEEP, LONG_BLOCK_US - 1),
        (RUNNING, LONG_BLOCK_US),
        (WAITING, LONG_BLOCK_US),
        (UNKNOWN, LONG_BLOCK_US),
    ],
)
def test_what_is_not_looked_at_anyway_is_not_counted(threads: Threads, state: int, length_us: int) -> None:
    lane = threads.lane(state, 100)
    lane.become(LOCK, 100 + length_us)
    assert lane.missed == 0


def test_a_thread_without_python_is_not_counted(threads: Threads) -> None:
    lane = threads.lane(SLEEP, 100)
    lane.states = []
    lane.become(RUNNING, 200 * MS)
    assert lane.missed == 0


def test_a_look_tells_what_the_thread_is_at_and_is_trusted_from_then_on(threads: Threads) -> None:
    lane = threads.lane(SLEEP, 100)
    rows = looker_of(threads).look_at(lane, 70 * MS)
    assert rows == [[70 * MS, lane.number, SLEEP, 100, 7, None]]
    assert lane.looked_us == 70 * MS


def test_one_that_had_moved_is_looked_at_again_at_the_next_instant(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = threads.lane(SLEEP, 0)
    looker, budget = looker_of(threads), Budget()
    budget.refill(60 * MS)
    with monkeypatch.context() as patch:
        patch.setattr(BlockedLooker, "_text", lambda looker, lane: b"another")
        assert looker.look(60 * MS, budget) == []
    assert [row[1] for row in looker.look(70 * MS, budget)] == [lane.number]
    assert looker.look(80 * MS, budget) == []
