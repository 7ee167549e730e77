"""Run-length coding: what goes in as instants comes out as lengths that add up."""

from __future__ import annotations

import os

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, NATIVE, RUNNING, UNKNOWN, WAITING
from app.probe.sampling.tracks import GilTrack, Lane


def test_a_lane_codes_runs_and_carries_its_state_over_a_flush() -> None:
    lane = Lane(7, os.getpid(), os.getpid(), os.getpid(), 100)
    try:
        lane.become(RUNNING, 100)
        lane.become(RUNNING, 150)
        lane.become(WAITING, 200)
        assert lane.flush(250) == [RUNNING, 100, WAITING, 50]
        lane.become(NATIVE, 260)
        assert lane.flush(300) == [WAITING, 10, NATIVE, 40]
        assert lane.flush(300) == []
        assert lane.state != UNKNOWN
    finally:
        lane.close()


def test_what_nobody_looked_at_is_unknown_from_then_on() -> None:
    lane = Lane(7, os.getpid(), os.getpid(), os.getpid(), 100)
    try:
        lane.become(RUNNING, 100)
        lane.lose(130)
        lane.become(RUNNING, 150)
        assert lane.flush(200) == [RUNNING, 30, UNKNOWN, 20, RUNNING, 50]
        lane.lose(180)  # what a frame has told is told
        assert lane.flush(250) == [UNKNOWN, 50]
    finally:
        lane.close()


def test_what_a_frame_has_told_of_a_gil_is_told_though_nobody_had_looked_for_longer() -> None:
    gil = GilTrack(0, 0x2000, 0, 100)
    gil.become(7, 1, 110)
    assert gil.flush(200) == [HOLDER_UNKNOWN, 0, 10, 7, 1, 90]
    gil.lose(180)  # the observer has not run since then, which is found after the frame
    assert gil.flush(250) == [HOLDER_UNKNOWN, 0, 50]
    gil.lose(300)
    gil.become(7, 0, 320)
    assert gil.flush(330) == [HOLDER_UNKNOWN, 0, 70, 7, 0, 10]


def test_a_track_is_told_of_from_when_it_was_named() -> None:
    lane = Lane(7, os.getpid(), os.getpid(), os.getpid(), 100)
    gil = GilTrack(0, 0x2000, 0, 100)
    try:
        lane.become(RUNNING, 100)
        lane.become(WAITING, 120)
        gil.become(7, 1, 110)
        lane.begin(130)
        gil.begin(130)
        assert lane.flush(200) == [WAITING, 70]
        assert lane.entered == 130
        assert gil.flush(200) == [7, 1, 70]
    finally:
        lane.close()


def test_a_gil_codes_holder_and_waiters_and_marks_a_hold_that_was_broken_unseen() -> None:
    gil = GilTrack(0, 0x2000, 0, 0)
    gil.become(3, 1, 10)
    gil.become(3, 2, 20)
    gil.break_hold(30)
    assert gil.held_since == 30
    assert gil.flush(40) == [HOLDER_UNKNOWN, 0, 10, 3, 1, 10, 3, 2, 10, HOLDER_NONE, 2, 0, 3, 2, 10]


def test_switches_are_told_as_differences_from_the_first_reading() -> None:
    gil = GilTrack(0, 0x2000, 0, 0)
    assert gil.flush_switches() == 0
    gil.switches = 1_000
    assert gil.flush_switches() == 0
    gil.switches = 1_012
    assert gil.flush_switches() == 12
