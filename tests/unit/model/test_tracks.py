"""Tracks and rows of messages, decoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.frames import Frame, Names
from app.model.tracks import GIL_STEP, LANE_STEP, Cast, clip, gil_pieces, lane_pieces, length_of, pairs

TRACKS = st.lists(st.tuples(st.integers(0, 7), st.integers(1, 90)), max_size=12).map(
    lambda pieces: [number for piece in pieces for number in piece]
)


@given(TRACKS, st.integers(0, 400), st.integers(0, 400))
def test_what_is_clipped_and_what_lies_around_it_are_the_whole(track, one, other):
    first, last = sorted((one, other))
    parts = [clip(track, LANE_STEP, *span) for span in ((0, first), (first, last), (last, 10**6))]
    spelled = [state for state, length_us in lane_pieces(track) for _ in range(length_us)]
    assert [
        state for part in parts for state, length_us in lane_pieces(part) for _ in range(length_us)
    ] == spelled
    assert length_of(parts[1], LANE_STEP) == max(0, min(last, len(spelled)) - first)


def test_a_moment_without_a_holder_stays_in_what_is_clipped():
    track = [3, 1, 10, -1, 0, 0, 4, 0, 10]
    assert clip(track, GIL_STEP, 5, 15) == [3, 1, 5, -1, 0, 0, 4, 0, 5]
    assert list(gil_pieces(track)) == [(3, 1, 10), (-1, 0, 0), (4, 0, 10)]


def test_a_track_begins_with_its_frame_or_where_it_was_first_named():
    cast = Cast()
    cast.names(Names(0, [[0, 1, 1, "Main", 0]], [[0, 1, 0]]))
    cast.names(Names(70, [[1, 1, 2, "late", None]]))
    cast.names(Names(90, [[1, 1, 2, "named again", 0]], gone=[0]))
    frame = Frame(50, 100, 5, 0, 0, [[0, 3, [0, 0, 50]]], [[0, [0, 50]], [1, [2, 30]]])
    assert list(cast.lane_tracks(frame)) == [(0, 50, [0, 50]), (1, 70, [2, 30])]
    assert list(cast.gil_tracks(frame)) == [(0, 50, [0, 0, 50])]
    assert (cast.lanes[1].who.name, cast.lanes[0].gone) == ("named again", True)
    with pytest.raises(ValueError, match="lane 7 was never named"):
        list(cast.lane_tracks(Frame(0, 50, 5, 0, 0, [], [[7, []]])))


def test_of_numbers_in_pairs_none_is_left_over():
    assert list(pairs([4, 100, 5, 30])) == [(4, 100), (5, 30)]
    with pytest.raises(ValueError, match="left over"):
        pairs([4, 100, 5])
