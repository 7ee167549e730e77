"""Whether a thread that was made to let go of the lock stood in the run queue since, or computed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.model.states import HOLDER_UNKNOWN, IO, NATIVE, RUNNING, WAITING
from app.probe.sampling import handing_on
from app.probe.sampling.tracks import GilTrack, Lane

OTHER, GIL, PERIOD_US = 7, 0, 1_000
COMPUTES_NS = 30_000_000


@pytest.fixture
def lane() -> Any:
    """This thread, which held the lock until now."""
    lane = Lane(3, os.getpid(), threading.get_native_id(), threading.get_native_id(), 0)
    lane.state, lane.gil, lane.made_to_let_go = RUNNING, GIL, True
    yield lane
    lane.close()


@pytest.fixture
def gil(lane: Lane) -> GilTrack:
    gil = GilTrack(GIL, 0x1000, 0, 0)
    gil.become(lane.number, 1, 1_000)
    return gil


def roster_of(lane: Lane, gil: GilTrack) -> Any:
    return SimpleNamespace(pid=os.getpid(), gil_by_index={GIL: gil}, active=[lane])


def lets_go(lane: Lane, gil: GilTrack, at_us: int) -> Any:
    roster = roster_of(lane, gil)
    handing_on.begin(lane, roster, at_us)
    lane.become(NATIVE, at_us)
    gil.become(OTHER, 0, at_us)
    return roster


def is_found(lane: Lane, roster: Any, state: int, at_us: int) -> None:
    handing_on.end(lane, state, roster, at_us, PERIOD_US)
    lane.become(state, at_us)


def compute() -> int:
    """For how long, in microseconds, on a CPU or in the run queue."""
    begun_ns, until_ns = time.monotonic_ns(), time.thread_time_ns() + COMPUTES_NS
    while time.thread_time_ns() < until_ns:
        pass
    return (time.monotonic_ns() - begun_ns) // 1000


@pytest.mark.parametrize("state", [WAITING, RUNNING])
def test_one_that_asks_for_the_lock_at_once_has_waited_for_it(lane: Lane, gil: GilTrack, state: int) -> None:
    roster = lets_go(lane, gil, 6_000)
    lane.waits_for = GIL
    is_found(lane, roster, state, 7_000)
    gil.become(OTHER, 1, 7_000)
    assert lane.flush(8_000)[2:4] == [WAITING, 1_000 if state == RUNNING else 2_000]
    assert gil.flush(8_000)[-3:] == [OTHER, 1, 2_000]
    assert lane.let_go is None


def test_one_that_had_a_cpu_meanwhile_computed(lane: Lane, gil: GilTrack) -> None:
    roster = lets_go(lane, gil, 6_000)
    lane.waits_for = GIL
    length_us = compute()
    is_found(lane, roster, WAITING, 6_000 + length_us)
    assert lane.take() == [RUNNING, 6_000, NATIVE, length_us]
    assert gil.flush(6_000 + length_us)[-3:] == [OTHER, 0, length_us]


def test_one_that_is_found_elsewhere_did_not_wait(lane: Lane, gil: GilTrack) -> None:
    roster = lets_go(lane, gil, 6_000)
    is_found(lane, roster, IO, 7_000)
    assert lane.take() == [RUNNING, 6_000, NATIVE, 1_000]


def test_one_that_was_seldom_looked_at_is_not_judged(lane: Lane, gil: GilTrack) -> None:
    roster = lets_go(lane, gil, 6_000)
    lane.waits_for = GIL
    handing_on.end(lane, WAITING, roster, 16_000, 10_000)
    assert lane.state == NATIVE


def test_one_that_did_not_have_that_lock_hands_on_nothing(lane: Lane, gil: GilTrack) -> None:
    gil.become(OTHER, 1, 5_000)
    handing_on.begin(lane, roster_of(lane, gil), 6_000)
    assert lane.let_go is None


def test_the_lock_had_one_more_who_waited_from_then_on_and_not_before(lane: Lane, gil: GilTrack) -> None:
    # GIVEN a lock that went on to another, and of which nobody knew for a moment
    gil.become(OTHER, 2, 4_000)
    gil.become(8, 0, 10_000)
    gil.become(HOLDER_UNKNOWN, 0, 12_000)
    gil.become(OTHER, 1, 13_000)

    # WHEN a thread turns out to have waited since
    lane.become(NATIVE, 6_000)
    handing_on._waited(lane, gil)

    # THEN what it waited for is told, and the time adds up
    assert gil.flush(15_000) == [
        *(HOLDER_UNKNOWN, 0, 1_000, lane.number, 1, 3_000),
        *(OTHER, 2, 2_000, OTHER, 3, 4_000, 8, 1, 2_000, HOLDER_UNKNOWN, 0, 1_000, OTHER, 2, 2_000),
    ]


def test_one_that_waited_for_less_than_the_newest_piece_divides_it(lane: Lane, gil: GilTrack) -> None:
    gil.become(OTHER, 0, 4_000)
    lane.become(NATIVE, 6_000)
    handing_on._waited(lane, gil)
    assert gil.flush(9_000)[-6:] == [OTHER, 0, 2_000, OTHER, 1, 3_000]


def test_one_that_has_had_no_cpu_by_the_end_of_a_slice_waited_up_to_that(lane: Lane, gil: GilTrack) -> None:
    # GIVEN a thread that has not run since it let go: as its times were read, so they still are
    roster = lets_go(lane, gil, 6_000)
    asleep = threading.Thread(target=(wakes := threading.Event()).wait)
    asleep.start()
    lane.tid = asleep.native_id or 0
    while "S" not in Path(f"/proc/self/task/{lane.tid}/stat").read_text():
        pass
    cpu_us, queued_us, _ = handing_on.procfs.schedstat(os.getpid(), lane.tid) or (0, 0, 0)
    lane.let_go = (6_000, cpu_us, queued_us)

    # WHEN a slice ends long after
    queued = handing_on.before_slice_ends(roster, 20_000)
    told = lane.flush(20_000), gil.flush(20_000)
    handing_on.after_slice(queued)
    wakes.set()
    asleep.join()

    # THEN it is told to have waited, and what comes is open
    assert told[0][-2:] == [WAITING, 14_000]
    assert told[1][-3:] == [OTHER, 1, 14_000]
    assert (lane.state, gil.waiters) == (NATIVE, 0)
    assert lane.let_go is not None


def test_one_that_computes_at_the_end_of_a_slice_does_not_wait(lane: Lane, gil: GilTrack) -> None:
    roster = lets_go(lane, gil, 6_000)
    length_us = compute()
    assert handing_on.before_slice_ends(roster, 6_000 + length_us) == []
    assert lane.flush(6_000 + length_us)[-2:] == [NATIVE, length_us]
