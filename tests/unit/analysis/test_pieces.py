"""The figures of a span, made of pieces of the run, are those of its messages."""

import pytest
from hypothesis import example, given, settings
from support.histories import (
    BORDERS,
    HISTORIES,
    INSTANTS,
    LOOKS,
    MISSING,
    READINGS,
    RUN,
    messages_of,
)

from app.analysis import pieces
from app.analysis.excerpt import Excerpt
from app.analysis.functions import Place
from app.analysis.looks import LookLog
from app.analysis.pieces import Pieces, cover, unpack
from app.model.frames import Names, Process, encode
from app.model.states import HOLDER_NONE, RUNNING

PIECE_US = 150_000


def by_messages(messages, from_us, to_us):
    made = Excerpt(from_us, to_us)
    for message in messages:
        made.feed(message)
    return made.summary(RUN)


def by_pieces(messages, from_us, to_us):
    """The same, put together; and of how many pieces."""
    extents, states = [], {}

    def take(level, extent, state):
        if level == len(extents):
            extents.append([])
        states[level, len(extents[level])] = unpack(state)
        extents[level].append(extent)

    divided = Pieces(take)
    for number, message in enumerate(messages):
        divided.feed(message, number)
    used = cover(extents, from_us, to_us)
    made, number = Excerpt(from_us, to_us), 0
    for level, place in used:
        extent = extents[level][place]
        for message in messages[number : extent.first]:
            made.feed_line(encode(message, 0))
        named = messages[extent.first : extent.after]
        made.absorb(states[level, place], [one for one in named if isinstance(one, Names | Process)])
        number = extent.after
    for message in messages[number:]:
        made.feed_line(encode(message, 0))
    return made.summary(RUN), used


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "LENGTH_US", PIECE_US)


# A pool is told of after the looks at it: the first may lie before the first frame of the piece.
LATE_LOOK = {0: (HOLDER_NONE, 0, RUNNING, RUNNING, RUNNING)}, {1, 2, *range(50_000, 900_000, 50_000)}, {0}, []


@settings(max_examples=150)
@given(HISTORIES, BORDERS, MISSING, LOOKS, READINGS, INSTANTS, INSTANTS)
@example(*LATE_LOOK, [(2, "p", 0)], 1, 200_001)
def test_a_span_put_together_of_pieces_is_what_its_messages_make(
    history, borders, missing, looks, readings, one, other
):
    from_us, to_us = sorted((one, other))
    to_us = max(to_us, from_us + 1)
    messages = messages_of(history, borders, missing, looks, readings)
    found, _ = by_pieces(messages, from_us, to_us)
    assert found == by_messages(messages, from_us, to_us)


def test_a_wait_that_ends_early_in_a_long_piece_is_explained_by_the_looks_into_it():
    # GIVEN a wait that begins before a piece of a hundred seconds, and looks at both ends of that
    place, begin, end = Place(7, 70), LookLog(), LookLog()
    begin.add(2_000_000, 0, (1, place), (2, place))
    end.add(100_000_000, 0, (1, place), (2, place))
    (places, early), (_, late) = begin.state(1 << 60, 0), end.state(1 << 60, 0)
    columns = [one + other for one, other in zip(early, late, strict=True)]
    # WHEN the piece is put to what came before
    log = LookLog()
    log.add(1_000_000, 0, (1, None), (3, None))
    log.absorb([places, columns])
    # THEN it is known where the thread stood, until another piece comes
    assert log.waited_at(0, 2, 500_000, 3_000_000) == place
    log.absorb([places, late])
    assert log.waited_at(0, 2, 500_000, 3_000_000) is None
    assert log.held_at(0, 1, 99_000_000, 101_000_000) == place
    # AND of pieces that make up a longer one all are there, for what begins or ends in the first of them
    whole = LookLog(piece=True)
    for _ in range(2):
        whole.absorb([places, columns])
    assert whole.waited_at(0, 2, 500_000, 3_000_000) == place
