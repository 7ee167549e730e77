"""The names of this process's own threads, and when each is asked for."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from app.probe.cpython.runtime import locate
from app.probe.sampling import names
from app.probe.sampling.names import Naming
from app.probe.sampling.roster import Roster
from app.probe.sampling.tracks import Lane

SECOND = 1_000_000


@contextmanager
def waiting(name: str) -> Iterator[threading.Thread]:
    """A thread that is in `threading._active`, until the block ends."""
    there, leave = threading.Event(), threading.Event()

    def wait() -> None:
        there.set()
        leave.wait()

    thread = threading.Thread(target=wait, name=name)
    thread.start()
    there.wait()
    try:
        yield thread
    finally:
        leave.set()
        thread.join()


@pytest.fixture
def roster() -> Iterator[Roster]:
    runtime = locate(os.getpid())
    roster = Roster(os.getpid(), runtime, count().__next__, count().__next__)
    yield roster
    roster.close()
    runtime.memory.close()


def lane_of(roster: Roster, thread: threading.Thread) -> Lane:
    roster.refresh(0)
    assert thread.native_id
    return roster.lanes[thread.native_id]


def test_a_thread_has_the_kernels_name_until_python_was_asked(roster: Roster) -> None:
    naming = Naming(roster)
    with waiting("worker") as thread:
        lane = lane_of(roster, thread)
        assert naming.name([lane], [lane], 0, in_full=False) == [lane]
        assert lane.name == f"thread {lane.tid}"
        assert naming.renamed(0) == [lane]
        assert lane.name == "worker"


def test_a_name_is_asked_for_again_once_a_second(roster: Roster) -> None:
    naming = Naming(roster)
    with waiting("worker") as thread:
        lane = lane_of(roster, thread)
        naming.name([lane], [lane], 0, in_full=True)
        thread.name = "renamed"
        assert naming.renamed(SECOND - 1) == []
        assert naming.renamed(SECOND) == [lane]
        assert lane.name == "renamed"
        assert naming.renamed(2 * SECOND) == []


def test_what_naming_in_full_finds_renamed_is_told_too(roster: Roster) -> None:
    naming = Naming(roster)
    with waiting("first") as first, waiting("second") as second:
        lanes = [lane_of(roster, thread) for thread in (first, second)]
        naming.name(lanes[:1], lanes[:1], 0, in_full=True)
        first.name = "renamed"
        assert naming.name(lanes[1:], lanes[1:], SECOND, in_full=True) == [lanes[1], lanes[0]]
        assert [lane.name for lane in lanes] == ["renamed", "second"]


def test_threads_that_have_ended_do_not_keep_others_waiting(roster: Roster) -> None:
    naming = Naming(roster)
    for number in range(40):
        with waiting(f"short {number}") as thread:
            naming.name([lane_of(roster, thread)], [lane_of(roster, thread)], 0, in_full=False)
    with waiting("worker") as thread:
        lane = lane_of(roster, thread)
        naming.name([lane], [lane], 0, in_full=False)
        assert naming.renamed(0) == [lane]


def test_a_thread_that_has_ended_is_no_longer_asked_for(roster: Roster) -> None:
    naming = Naming(roster)
    with waiting("worker") as thread:
        naming.name([lane_of(roster, thread)], [lane_of(roster, thread)], 0, in_full=False)
    roster.refresh(0)
    assert naming.renamed(SECOND) == []


def test_threads_without_a_name_do_not_wait_for_those_that_may_be_renamed(
    roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "_OLD_AT_A_TIME", 0)
    naming = Naming(roster)
    with waiting("old") as old, waiting("new") as new:
        first, second = lane_of(roster, old), lane_of(roster, new)
        naming.name([first], [first], 0, in_full=True)
        naming.name([second], [second], SECOND, in_full=False)
        assert naming.renamed(SECOND) == [second]
