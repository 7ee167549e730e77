"""How much was seen of a run, of its locks and of its threads, and what is said where that is little."""

from __future__ import annotations

import pytest

from app.analysis.figures import figures_of
from app.analysis.findings import findings
from app.analysis.header import header_of
from app.analysis.summary import summarise
from app.model.frames import Counters, Frame, Names
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, IO, RUNNING, UNKNOWN, WAITING

MS = 1000
PID = 100


def frame(start_ms, end_ms, gil, lanes, late=0, switches=0):
    gils = [[0, switches, [n * MS if at % 3 == 2 else n for at, n in enumerate(gil)]]]
    tracks = [[lane, [n * MS if at % 2 else n for at, n in enumerate(track)]] for lane, track in lanes]
    return Frame(start_ms * MS, end_ms * MS, 50, 0, late, gils, tracks)


def seen(summary):
    """The coverage of the run, of its lock, and of its threads."""
    threads = [row["coverage"] for row in summary["threads"]]
    return summary["sampling"]["coverage"], summary["gils"][0]["coverage"], threads


def codes(summary):
    return [finding["code"] for finding in summary["findings"]]


def thin_for(begin, seen_ms):
    """A second in which two threads wait and take turns of 10 ms, and of which so much was seen."""
    ledger = begin(2)
    unseen_ms, turns = 1000 - seen_ms, seen_ms // 10
    gil = [part for turn in range(turns) for part in (turn % 2, 1, 10)] + [HOLDER_UNKNOWN, 0, unseen_ms]
    lanes = [
        (lane, [part for turn in range(turns) for part in (RUNNING if turn % 2 == lane else WAITING, 10)])
        for lane in (0, 1)
    ]
    ledger.feed(
        frame(
            0,
            1000,
            gil,
            [(lane, [*track, UNKNOWN, unseen_ms]) for lane, track in lanes],
            late=40,
            switches=turns,
        )
    )
    return summarise(ledger)


def test_coverage_is_the_share_of_the_time_in_which_a_state_or_a_holder_was_known(begin):
    ledger = begin(2)
    gil = [0, 0, 30, HOLDER_NONE, 0, 10, HOLDER_UNKNOWN, 0, 10]
    ledger.feed(frame(0, 50, gil, [(0, [RUNNING, 40, UNKNOWN, 10]), (1, [IO, 30, UNKNOWN, 20])]))
    assert seen(summarise(ledger)) == (0.7, 0.8, [0.8, 0.6])
    figures = figures_of(ledger)
    assert figures["observer"]["coverage"] == 0.7
    assert figures["gils"][0]["coverage"] == 0.8
    assert [row["coverage"] for row in figures["threads"]] == [0.8, 0.6]


def test_a_slice_that_is_missing_was_not_seen(begin):
    ledger = begin(1)
    ledger.feed(frame(0, 50, [0, 0, 50], [(0, [RUNNING, 50])]))
    ledger.feed(frame(100, 150, [0, 0, 50], [(0, [RUNNING, 50])]))
    summary = summarise(ledger)
    assert seen(summary) == (pytest.approx(2 / 3), pytest.approx(2 / 3), [pytest.approx(2 / 3)])
    assert summary["threads"][0]["shares"]["unknown"] == pytest.approx(1 / 3)
    assert summary["gils"][0]["held_share"] == 1.0  # of what was seen


def test_a_thread_is_there_from_when_it_was_named_until_it_went(begin):
    ledger = begin(1)
    ledger.feed(frame(0, 50, [0, 0, 50], [(0, [RUNNING, 50])]))
    ledger.feed(Names(60 * MS, [[7, PID, 107, "short", 0]]))
    ledger.feed(frame(50, 100, [0, 0, 50], [(0, [RUNNING, 50]), (7, [RUNNING, 10, UNKNOWN, 10])]))
    ledger.feed(Names(100 * MS, gone=[7]))
    ledger.feed(frame(100, 150, [0, 0, 50], [(0, [RUNNING, 50])]))
    assert seen(summarise(ledger))[2] == [1.0, 0.5]


def test_threads_that_are_forgotten_still_count(begin):
    ledger = begin(1)
    for at in range(3_000):
        lane = 10 + at
        ledger.feed(Names(at * 50 * MS, [[lane, PID, lane, "task", 0]]))
        ledger.feed(frame(at * 50, at * 50 + 50, [0, 0, 50], [(lane, [RUNNING, 25, UNKNOWN, 25])]))
        ledger.feed(Names(at * 50 * MS + 50 * MS, gone=[lane]))
    assert summarise(ledger)["threads_not_shown"] > 1_000
    assert summarise(ledger)["sampling"]["coverage"] == 0.5


def test_the_mean_number_of_threads_that_run_is_over_what_was_seen(begin):
    # GIVEN two threads that run all the time, unseen for half of it
    ledger = begin(2)
    ledger.feed(Counters(0))
    half = [RUNNING, 25, UNKNOWN, 25]
    ledger.feed(frame(0, 50, [0, 0, 25, HOLDER_UNKNOWN, 0, 25], [(0, half), (1, half)]))
    ledger.feed(Counters(50 * MS))
    row = dict(zip(header_of(ledger)["series"]["names"], figures_of(ledger)["row"], strict=True))
    assert (row["running"], row["coverage"]) == (2.0, 0.5)

    # AND not known at all in the next
    ledger.feed(frame(50, 100, [HOLDER_UNKNOWN, 0, 50], [(0, [UNKNOWN, 50]), (1, [UNKNOWN, 50])]))
    ledger.feed(Counters(100 * MS))
    row = dict(zip(header_of(ledger)["series"]["names"], figures_of(ledger)["row"], strict=True))
    assert (row["running"], row["held_share"], row["coverage"]) == (None, None, 0.0)


def test_a_run_that_was_seen_has_no_warning(begin):
    summary = thin_for(begin, 960)
    assert "gil-saturated" in codes(summary)
    assert "observation-thin" not in codes(summary)
    assert summary["capabilities"]["gil"] == "exact"


@pytest.mark.parametrize(
    ("seen_ms", "severity", "judged"),
    [(940, "notice", True), (810, "notice", True), (790, "warning", True), (490, "warning", False)],
)
def test_one_that_was_seen_in_part_says_so_first(begin, seen_ms, severity, judged):
    summary = thin_for(begin, seen_ms)
    (thin,) = [finding for finding in summary["findings"] if finding["code"] == "observation-thin"]
    assert thin["severity"] == severity
    assert thin["title"] == f"Only {seen_ms // 10} % of the time was seen"
    assert thin["evidence"]["coverage"] == seen_ms / 1000
    assert ("gil-saturated" in codes(summary)) is judged
    assert ("too little to judge" in thin["detail"]) is not judged
    assert summary["capabilities"]["gil"] == summary["capabilities"]["threads"] == "inferred"
    assert f"{seen_ms // 10} % of the time" in summary["capabilities"]["why"]["gil"]


def test_the_advice_follows_from_what_kept_the_observer_from_seeing(begin):
    summary = {**thin_for(begin, 600), "findings": []}
    sampling = summary["sampling"]
    for share, late, reason, advice in (
        (0.62, 40, "more threads than the observer can read", "lower rate"),
        (0.05, 40, "had no CPU when it was due", "taskset"),
        (0.05, 0, "could not be read", "doctor"),
    ):
        told = {**sampling, "observer_cpu_share": share, "late": late}
        (thin,) = [f for f in findings({**summary, "sampling": told}) if f["code"] == "observation-thin"]
        assert reason in thin["detail"]
        assert advice in thin["advice"]
    ended = [{"pid": 1, "worker": None, "threads_ended": {"count": 900, "lived_s": 0.1}}]
    told = {**summary, "sampling": {**sampling, "observer_cpu_share": 0.62}, "processes": ended}
    (thin,) = [f for f in findings(told) if f["code"] == "observation-thin"]
    assert "900 threads a second are started and end" in thin["detail"]
