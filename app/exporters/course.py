"""What happened, in stretches: the pieces of all slices, joined where they go on.

The measured time ends with a workload's result, else with the observation: what came after is left out.
A stretch is told when it is over, those of GILs before those of threads in the same slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from app.model.frames import STANDING, End, Event, Frame, Message, Names, Process, Report
from app.model.states import HOLDER_NONE
from app.model.tracks import GIL_STEP, LANE_STEP, Cast, cut, gil_pieces, gils_of, lane_pieces


class LaneSlice(NamedTuple):
    """A maximal stretch in which a thread was in one state."""

    lane: int
    state: int
    start_us: int
    end_us: int


class GilSlice(NamedTuple):
    """A maximal stretch in which a lock had one holder: a lane, or HOLDER_UNKNOWN."""

    gil: int
    holder: int
    start_us: int
    end_us: int


class Taken(NamedTuple):
    """A lock has another holder from then on: told when it begins, before the stretches of that time."""

    gil: int
    holder: int
    at_us: int


class Closed(NamedTuple):
    """All stretches have been told; the measured time ended then."""

    end_us: int


_ENDING: tuple[type[Any], ...] = (Event, *STANDING)  # none of them is told of the time after the end
_Open = dict[int, tuple[int, int, int]]  # by lane or GIL: its value, since when, up to when


def course(
    messages: Iterable[Message], cast: Cast
) -> Iterator[LaneSlice | GilSlice | Taken | Closed | Message]:
    """Stretches as they end, and each message before those that it ends.

    `cast` is filled as messages come: give an empty one. A Names among them may name a lane anew.
    """
    lanes: _Open = {}
    holds: _Open = {}
    end_us: int | None = None
    at_us = 0
    for message in messages:
        match message:
            case Names():
                cast.names(message)
            case Process():
                cast.process(message)
            case Report() if end_us is None and "result" in message.data:
                end_us = message.at_us
            case End() if end_us is None:
                end_us = message.at_us
            case Frame():
                if end_us is not None and end_us <= message.start_us:
                    continue
                if end_us is not None and end_us < message.end_us:
                    message = _cut(message, cast, end_us)
                at_us = message.end_us
                yield message
                yield from _hold_ends(message, cast, holds)
                yield from _slice_ends(message, cast, lanes)
                continue
        if end_us is not None and isinstance(message, _ENDING) and end_us <= message.at_us:
            continue
        yield message
    yield from (GilSlice(gil, *held) for gil, held in holds.items() if held[0] != HOLDER_NONE)
    yield from (LaneSlice(lane, *been) for lane, been in lanes.items())
    yield Closed(at_us if end_us is None else end_us)


def _slice_ends(frame: Frame, cast: Cast, open_: _Open) -> list[LaneSlice]:
    over: list[LaneSlice] = []
    for lane, at_us, track in cast.lane_tracks(frame):
        state, since_us, until_us = open_.get(lane, (-1, at_us, at_us))
        if until_us != at_us:
            over.append(LaneSlice(lane, state, since_us, until_us))
            state = -1
        for now, length_us in lane_pieces(track):
            if now != state:
                if state >= 0:
                    over.append(LaneSlice(lane, state, since_us, at_us))
                state, since_us = now, at_us
            at_us += length_us
        if state >= 0:
            open_[lane] = (state, since_us, at_us)
    return over


def _hold_ends(frame: Frame, cast: Cast, open_: _Open) -> Iterator[GilSlice | Taken]:
    for gil, at_us, track in cast.gil_tracks(frame):
        holder, since_us, until_us = open_.get(gil, (HOLDER_NONE, at_us, at_us))
        if until_us != at_us:
            if holder != HOLDER_NONE:
                yield GilSlice(gil, holder, since_us, until_us)
            holder = HOLDER_NONE
        for now, _, length_us in gil_pieces(track):
            if now != holder:
                if holder != HOLDER_NONE:
                    yield GilSlice(gil, holder, since_us, at_us)
                holder, since_us = now, at_us
                if holder != HOLDER_NONE:
                    yield Taken(gil, holder, at_us)
            at_us += length_us
        open_[gil] = (holder, since_us, at_us)


def _cut(frame: Frame, cast: Cast, end_us: int) -> Frame:
    """The slice as if it had ended then; its switches are known only of the whole."""
    switches = {gil: moved for gil, moved, _ in gils_of(frame)}
    return replace(
        frame,
        end_us=end_us,
        gils=[
            [gil, switches[gil], cut(track, GIL_STEP, end_us - start_us)]
            for gil, start_us, track in cast.gil_tracks(frame)
        ],
        lanes=[
            [lane, cut(track, LANE_STEP, end_us - start_us)]
            for lane, start_us, track in cast.lane_tracks(frame)
        ],
    )
