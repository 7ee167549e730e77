"""The sampler over this process's own threads, and a GIL that lies in a buffer of the test's."""

from __future__ import annotations

import ctypes
import itertools
import os
import struct
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.model.states import HOLDER_UNKNOWN, SLEEP, UNKNOWN, WAITING
from app.probe.cpython.layouts import PERMANENT, known
from app.probe.cpython.survey import GilState, Survey, ThreadState
from app.probe.kernel.memory import ProcessMemory
from app.probe.sampling import roster
from app.probe.sampling.judges import AttachJudge
from app.probe.sampling.sampler import Sampler

MAIN, SECOND = 0x100, 0x200  # addresses of thread states


class Subject:
    """What a survey finds in it, and the words of its GIL."""

    def __init__(self, second_tid: int) -> None:
        self.words = ctypes.create_string_buffer(256)
        self.address = ctypes.addressof(self.words)
        self.second_tid = second_tid
        self.gils = [GilState(self.address, 0)]
        self.now_us = 0  # when a sample has been read

    def survey(self, *_: Any) -> Survey:
        tids = {SECOND: self.second_tid, MAIN: os.getpid()}
        threads = [ThreadState(at, tid, 0, self.address) for at, tid in tids.items()]
        return Survey([], self.gils, threads, {})


@pytest.fixture
def subject(monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """This process, with a second thread."""
    started, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (started.set(), over.wait()))
    thread.start()
    started.wait()
    assert thread.native_id
    subject = Subject(thread.native_id)
    monkeypatch.setattr(roster, "survey", subject.survey)
    yield subject
    over.set()
    thread.join()


@pytest.fixture
def sampling(subject: Subject) -> Iterator[Callable[..., Sampler]]:
    """Makes a sampler of the subject as that version would be."""
    made: list[Sampler] = []

    def make(version: tuple[int, int], free_threaded: bool = False) -> Sampler:
        layout = known()[(*version, free_threaded)]
        runtime: Any = SimpleNamespace(memory=ProcessMemory(os.getpid()), address=0, layout=layout)
        numbers = itertools.count().__next__
        made.append(Sampler(os.getpid(), runtime, numbers, numbers, 0, lambda: subject.now_us))
        return made[-1]

    yield make
    for sampler in made:
        sampler.close()


def test_a_thread_that_was_seen_to_wait_for_a_lock_that_has_ended_since_waits_for_nobody(
    subject: Subject, sampling: Callable[..., Sampler], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a thread that was found waiting when it was its turn
    struct.pack_into("=QQi4xQ", subject.words, 0, 5_000, MAIN, 0, 7)
    sampler = sampling((3, 12))
    lane = sampler.roster.lanes[subject.second_tid]
    lane.become(WAITING, 0)
    lane.waits_for = sampler.roster.gils[0].index

    # WHEN the interpreter ends before its next turn, and its GIL with it
    subject.gils = []
    sampler.roster.try_refresh(500)
    monkeypatch.setattr(sampler.turns, "of_active", lambda active: [])
    sampler.sample(1_000)

    # THEN the sample is taken, and nobody tells of that lock
    assert sampler.take_failed() == 0
    assert [row[0] for row in sampler.flush(2_000)[0]] == [lane.waits_for], "once more, as it has gone"
    sampler.sample(3_000)
    assert sampler.flush(4_000)[0] == []


def test_a_lock_that_has_ended_is_held_by_nobody_from_then_on(
    subject: Subject, sampling: Callable[..., Sampler], monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a lock that the main thread holds
    struct.pack_into("=QQi4xQ", subject.words, 0, 5_000, MAIN, 1, 7)
    sampler = sampling((3, 12))
    monkeypatch.setattr(sampler.roster, "follow", sampler.roster.try_refresh)
    holder, gil = sampler.roster.lanes[os.getpid()], sampler.roster.gils[0]
    subject.now_us = 1_000
    sampler.sample(1_000)

    # WHEN a sample finds its interpreter gone, and the thread at work without it, long before the slice ends
    subject.gils = []
    sampler.samples = 0  # so that this one asks who is there
    subject.now_us = 6_000
    sampler.sample(6_000)

    # THEN the lock's track ends there
    ((index, _, track),) = sampler.flush(50_000)[0]
    assert index == gil.index
    assert track == [HOLDER_UNKNOWN, 0, 1_000, holder.number, 0, 5_000]


def test_a_gil_that_any_walk_finds_switched_on_is_judged_as_one(
    subject: Subject, sampling: Callable[..., Sampler]
) -> None:
    # GIVEN a free-threaded process
    sampler = sampling((3, 13), True)
    assert isinstance(sampler._judge, AttachJudge)

    # WHEN its GIL is switched on, which a walk for new threads is the first to see
    struct.pack_into("=i", subject.words, 0, PERMANENT)
    sampler.roster.try_refresh(500)
    sampler.sample(1_000)

    # THEN its threads are judged by who holds it
    assert not isinstance(sampler._judge, AttachJudge)


def test_what_was_seen_of_a_thread_that_has_ended_is_told_once(
    subject: Subject, sampling: Callable[..., Sampler]
) -> None:
    sampler = sampling((3, 12))
    lane = sampler.roster.lanes[subject.second_tid]
    lane.become(SLEEP, 5_000)
    sampler.roster.drop(lane, 20_000)
    assert [lane.number, [UNKNOWN, 5_000, SLEEP, 15_000]] in sampler.flush(30_000)[1]
    assert lane.number not in [number for number, _ in sampler.flush(60_000)[1]]


def test_a_thread_that_is_found_to_have_ended_between_two_samples_is_told_of_up_to_the_first(
    subject: Subject, sampling: Callable[..., Sampler]
) -> None:
    # GIVEN a sample, after which a slice ends
    sampler = sampling((3, 12))
    subject.now_us = 30_000
    sampler.sample(30_000)
    lane = sampler.roster.lanes[subject.second_tid]

    # WHEN before it is told of, somebody finds that a thread has gone
    sampler.roster.drop(lane, 270_000)

    # THEN what is told of it is no longer than the slice
    lanes = dict(sampler.flush(30_000)[1])
    assert sum(lanes[lane.number][1::2]) == 30_000


def test_what_is_read_after_the_observer_stood_within_a_beat_is_told_of_that_time(
    subject: Subject, sampling: Callable[..., Sampler]
) -> None:
    # GIVEN a thread that is seen to wait, with the lock in other hands
    struct.pack_into("=QQi4xQ", subject.words, 0, 5_000, MAIN, 0, 7)
    sampler = sampling((3, 12))
    subject.now_us = 1_000
    sampler.sample(1_000)
    lane = sampler.roster.lanes[subject.second_tid]
    lane.become(WAITING, 1_000)
    lane.waits_for = sampler.roster.gils[0].index

    # WHEN the next sample is read long after its beat, and the lock changed hands meanwhile
    struct.pack_into("=QQi4xQ", subject.words, 0, 5_000, MAIN, 0, 20)
    subject.now_us = 302_000

    # THEN it is of that time, and nobody knows what was before
    assert sampler.sample(2_000) == 302_000
    assert lane.take()[-4:] == [WAITING, 1_000, UNKNOWN, 300_000]
    sampler.gap(3_000)  # as the loop says of the next beat to all: this one was read since
    subject.now_us = 303_000
    assert sampler.sample(303_000) == 303_000
    assert UNKNOWN not in lane.flush(304_000)[::2]


def test_a_process_that_is_read_late_in_each_beat_is_told_as_of_the_beat(
    subject: Subject, sampling: Callable[..., Sampler]
) -> None:
    sampler = sampling((3, 12))
    for beat_us in (1_000, 21_000, 41_000):
        subject.now_us = beat_us + 15_000  # others are read first
        assert sampler.sample(beat_us) == beat_us
