"""What holds of any observation, however its time is cut into slices."""

from itertools import groupby, pairwise
from operator import itemgetter
from sys import setprofile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis.ledger import Ledger
from app.analysis.longest import KEPT
from app.analysis.summary import summarise
from app.analysis.tracks import gil_time
from app.model.frames import Frame, Hello, Names
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, RUNNING, STATES, UNKNOWN, WAITING
from app.model.tracks import GIL_STEP, LANE_STEP, cut

LANES = 3
MOST_CALLS = 1_700  # counted, since time depends on the machine
SPAN_US = 200_000

# What one instant looks like: the holder, the number of waiters, and a state for each lane.
MOMENTS = st.tuples(
    st.sampled_from([HOLDER_UNKNOWN, HOLDER_NONE, *range(LANES)]),
    st.integers(0, LANES - 1),
    *[st.sampled_from([*range(len(STATES)), *[WAITING] * 5])] * LANES,
)
INSTANTS = st.integers(1, SPAN_US - 1)
HISTORIES = st.dictionaries(INSTANTS, MOMENTS, max_size=30).flatmap(
    lambda later: MOMENTS.map(lambda first: {0: first, **later})
)


def pieces(history, start_us, end_us, what):
    """The pieces of a slice: `what` picks a track's part of a moment; equal neighbours are one piece."""
    begun = [at_us for at_us in history if at_us <= start_us]
    marks = [start_us, *sorted(at_us for at_us in history if start_us < at_us < end_us), end_us]
    track = []
    for from_us, to_us in pairwise(marks):
        part = what(history[max(begun) if from_us == start_us else from_us])
        if track and track[-1][:-1] == part:
            track[-1][-1] += to_us - from_us
        else:
            track.append([*part, to_us - from_us])
    return [number for piece in track for number in piece]


def observed(history, borders):
    """The ledger of a history, seen in slices with these borders."""
    ledger = Ledger()
    ledger.feed(Hello(0, 0.0, {}, {"gil_hz": 1000.0}))
    ledger.feed(Names(0, [[lane, 1, lane, "", 0] for lane in range(LANES)], [[0, 1, 0]]))
    for start_us, end_us in pairwise([0, *sorted(borders), SPAN_US]):
        lanes = [
            [lane, pieces(history, start_us, end_us, lambda moment, lane=lane: [moment[2 + lane]])]
            for lane in range(LANES)
        ]
        gil = pieces(history, start_us, end_us, lambda moment: list(moment[:2]))
        ledger.feed(Frame(start_us, end_us, end_us - start_us, 0, 0, [[0, 0, gil]], lanes))
    return ledger


@given(HISTORIES, st.sets(INSTANTS, max_size=10), st.sets(INSTANTS, max_size=10))
def test_the_summary_does_not_depend_on_where_the_slices_are_cut(history, some, others):
    assert summarise(observed(history, some)) == summarise(observed(history, others))


@given(HISTORIES, st.sets(INSTANTS, max_size=10))
def test_shares_add_up_and_time_is_conserved(history, borders):
    summary = summarise(observed(history, borders))
    for thread in summary["threads"]:
        assert thread["observed_s"] == SPAN_US / 1e6
        assert abs(sum(thread["shares"].values()) - 1) < 1e-9
        for runs in (thread["gil_wait"], thread["gil_hold"]):
            assert runs["count"] == 0 or runs["p50_s"] <= runs["p95_s"] <= runs["p99_s"] <= runs["max_s"]


@given(HISTORIES, st.sets(INSTANTS, max_size=10))
def test_a_lock_is_held_at_least_as_long_as_it_is_contended(history, borders):
    (gil,) = summarise(observed(history, borders))["gils"]
    if gil["held_share"] is not None:
        assert 0 <= gil["contended_share"] <= gil["held_share"] <= 1
        assert gil["contended_share"] <= gil["waiters"] or gil["contended_share"] == 0


@given(HISTORIES, st.sets(INSTANTS, max_size=10))
def test_the_longest_hold_and_wait_are_those_of_the_history(history, borders):
    summary = summarise(observed(history, borders))
    marks = [*sorted(history), SPAN_US]
    for lane in range(LANES):
        for name, at, holds, unread in (
            ("gil_hold", 0, lane, HOLDER_UNKNOWN),
            ("gil_wait", 2 + lane, WAITING, UNKNOWN),
        ):
            # Maximal runs of one value; those with the unread on either side are cut.
            instants = ((history[from_us][at], to_us - from_us) for from_us, to_us in pairwise(marks))
            runs = [
                (value, sum(length_us for _, length_us in group))
                for value, group in groupby(instants, key=itemgetter(0))
            ]
            values = [None, *(value for value, _ in runs), None]
            whole = [
                length_us
                for place, (value, length_us) in enumerate(runs)
                if value == holds and unread not in (values[place], values[place + 2])
            ]
            found = summary["threads"][lane][name]
            assert found["count"] == len(whole)
            assert found["count"] + found["cut"] == values.count(holds)
            assert (found["max_s"] or 0) == max(whole, default=0) / 1e6


@given(HISTORIES, st.sets(INSTANTS, max_size=10))
def test_all_waiting_is_put_down_to_somebody_and_the_longest_wait_is_that_of_the_threads(history, borders):
    summary = summarise(observed(history, borders))
    waited_s = sum(thread["shares"]["waiting"] * thread["observed_s"] for thread in summary["threads"])
    assert sum(row["wait_s"] for row in summary["who_waits"]) == pytest.approx(waited_s)
    for rows, runs in (("longest_waits", "gil_wait"), ("longest_holds", "gil_hold")):
        for at_least, of_runs in ((False, "max_s"), (True, "cut_longest_s")):
            lengths = [thread[runs][of_runs] or 0 for thread in summary["threads"]]
            told = [row["length_s"] for row in summary[rows] if row["at_least"] is at_least]
            # ten are told, whole and cut ones together: of one kind there may be none among them
            assert max(told, default=0) == max(lengths) or len(summary[rows]) == KEPT


@given(HISTORIES, st.sets(INSTANTS, max_size=10))
def test_no_thread_waits_for_itself(history, borders):
    summary = summarise(observed(history, borders))
    for row in summary["who_waits"]:
        assert row["holder"]["tid"] is None or row["holder"]["tid"] != row["waiter"]["tid"]
    for row in summary["longest_waits"]:
        assert row["blamed"] is None or row["blamed"]["tid"] != row["tid"]


@given(HISTORIES, st.integers(0, SPAN_US))
def test_a_cut_track_keeps_its_beginning_and_no_more(history, keep_us):
    gil = pieces(history, 0, SPAN_US, lambda moment: list(moment[:2]))
    lane = pieces(history, 0, SPAN_US, lambda moment: [moment[2]])
    assert sum(cut(gil, GIL_STEP, keep_us)[2::3]) == sum(cut(lane, LANE_STEP, keep_us)[1::2]) == keep_us
    if keep_us:
        assert cut(gil, GIL_STEP, keep_us) == pieces(history, 0, keep_us, lambda moment: list(moment[:2]))


@given(HISTORIES)
def test_read_time_is_all_but_the_unknown(history):
    gil = pieces(history, 0, SPAN_US, lambda moment: list(moment[:2]))
    unknown_us = sum(gil[at + 2] for at in range(0, len(gil), 3) if gil[at] == HOLDER_UNKNOWN)
    assert gil_time(gil).read_us == SPAN_US - unknown_us


def test_a_frame_costs_the_server_so_many_calls_and_no_more():
    # GIVEN frames of 10 lanes x 10 pieces
    ledger = Ledger()
    ledger.feed(Hello(0, 0.0, {}, {}))
    ledger.feed(Names(0, [[lane, 1, lane, "", 0] for lane in range(10)], [[0, 1, 0]]))
    lanes = [[n, [RUNNING, 5_000, WAITING, 5_000] * 5] for n in range(10)]
    gils = [[0, 9, [0, 1, 5_000, 1, 1, 5_000] * 5]]
    frames = [Frame(at_us, at_us + 50_000, 50, 0, 0, gils, lanes) for at_us in range(0, 10**7, 50_000)]

    # WHEN they are fed
    calls = 0

    def count(frame, event, argument) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    setprofile(count)
    try:
        for frame in frames:
            ledger.feed(frame)
    finally:
        setprofile(None)

    # THEN each takes fifteen calls a piece: some 0.2 ms, and a frame comes every 50
    assert calls / len(frames) < MOST_CALLS
    assert {row["observed_s"] for row in summarise(ledger)["threads"]} == {10.0}
