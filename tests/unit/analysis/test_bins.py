"""Shares of time per bin: the same however the time is cut into slices, and at every resolution."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analysis import bins
from app.analysis.bins import BLOCK, CONTENDED, FINEST, GIL, LANE, WHOLE, Bins
from app.model.frames import Frame, Names
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, STATES

LANES = 2
SPAN_US = 40 << FINEST
MOMENTS = st.tuples(
    st.sampled_from([HOLDER_UNKNOWN, HOLDER_NONE, *range(LANES)]),
    st.integers(0, LANES - 1),
    *[st.sampled_from(range(len(STATES)))] * LANES,
)
# Of any instants few lie on the edges of bins.
INSTANTS = st.integers(1, SPAN_US - 1) | st.integers(1, 39).map(lambda edge: edge << FINEST)
HISTORIES = st.dictionaries(INSTANTS, MOMENTS, max_size=12).flatmap(
    lambda later: MOMENTS.map(lambda first: {0: first, **later})
)


def at(history, us):
    return history[max(begun for begun in history if begun <= us)]


def frames_of(history, borders):
    """The history in slices that end at the borders."""
    for start_us, end_us in pairwise([0, *sorted(borders), SPAN_US]):
        marks = [start_us, *sorted(us for us in history if start_us < us < end_us), end_us]
        spans = list(pairwise(marks))
        gil = [n for from_us, to_us in spans for n in (*at(history, from_us)[:2], to_us - from_us)]
        lanes = [
            [lane, [n for from_us, to_us in spans for n in (at(history, from_us)[2 + lane], to_us - from_us)]]
            for lane in range(LANES)
        ]
        yield Frame(start_us, end_us, 1, 0, 0, [[0, 0, gil]], lanes)


def binned(history, borders, close=True):
    """The bins of a history: by level and number of the bin, then by key; and the Bins."""
    found = {}

    def take(level, number, rows):
        for key, values in rows.items():
            for place, value in enumerate(values):
                if value:
                    found.setdefault((level, number * BLOCK + place), {})[key] = value

    made = Bins(take)
    made.feed(Names(0, [[lane, 1, lane, "", 0] for lane in range(LANES)], [[0, 1, 0]]))
    for frame in frames_of(history, borders):
        made.feed(frame)
    if close:
        made.close()
    return found, made, take


@given(HISTORIES, st.sets(INSTANTS, max_size=8), st.integers(FINEST, FINEST + 7))
def test_each_bin_has_the_shares_of_its_time(history, borders, level):
    found, *_ = binned(history, borders)
    marks = [*sorted(history), SPAN_US]
    for number in range(-(-SPAN_US // (1 << level))):
        begin_us, end_us = number << level, (number + 1) << level
        expected = {}
        for from_us, to_us in pairwise(marks):
            length_us = min(to_us, end_us) - max(from_us, begin_us)
            if length_us <= 0:
                continue
            holder, waiters, *states = history[from_us]
            keys = [(LANE, lane, state) for lane, state in enumerate(states)]
            keys += [(GIL, 0, holder)] if holder != HOLDER_NONE else []
            keys += [(CONTENDED, 0, 0)] if holder >= 0 and waiters else []
            for key in keys:
                expected[key] = expected.get(key, 0) + length_us
        shares = {key: max(1, us * WHOLE >> level) for key, us in expected.items()}
        assert found.get((level, number), {}) == shares


@given(HISTORIES, st.sets(INSTANTS, max_size=8), st.integers(FINEST, FINEST + 7))
def test_what_is_not_over_yet_is_told_as_if_it_were(history, borders, level):
    whole, *_ = binned(history, borders)
    stored, made, take = binned(history, borders, close=False)
    for number, rows in made.open(level).items():
        take(level, number, rows)
    assert {key: rows for key, rows in stored.items() if key[0] == level} == {
        key: rows for key, rows in whole.items() if key[0] == level
    }


def test_blocks_are_given_away_when_they_are_full():
    given_away = []
    made = Bins(lambda level, number, rows: given_away.append((level, number)))
    made.feed(Names(0, [[0, 1, 1, "", 0]]))
    step_us = 1 << FINEST
    for number in range(2 * BLOCK + 1):
        made.feed(Frame(number * step_us, (number + 1) * step_us, 1, 0, 0, [], [[0, [0, step_us]]]))
    assert given_away == [(FINEST, 0), (FINEST, 1)]
    made.feed(Frame((2 * BLOCK + 1) * step_us, (2 * BLOCK + 2) * step_us, 1, 0, 0, [], []))
    assert sum(len(rows) for rows in made.open(FINEST).values()) == 1
    made.close()
    assert (FINEST, 2) in given_away
    assert len(given_away) == len(set(given_away))


def test_a_slice_that_would_fill_the_memory_is_refused():
    made = Bins(lambda *_: None)
    made.feed(Names(0, [[0, 1, 1, "", 0]]))
    length_us = (bins.LONGEST + 2) << FINEST
    with pytest.raises(ValueError, match="a slice of"):
        made.feed(Frame(0, length_us, 1, 0, 0, [], [[0, [0, length_us]]]))
