"""The timeline at resolutions: how the time of each lane and each GIL was shared, per bin, for powers of two.

A bin of level L is 2**L microseconds long and begins at a multiple of that. A share is a byte, of which WHOLE
is all of the bin; what is there at all is 1 at least. Bins of one level come in blocks of BLOCK, made while
messages come: of a bin that is over only its bytes are kept, and those go with their block.

    row of a block   (kind, index, value): BLOCK bytes
    LANE             index is a lane, value a state
    GIL              index is a GIL, value the lane of its holder, or HOLDER_UNKNOWN
    CONTENDED        index is a GIL, value 0: held while at least one other waited
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.model.frames import Frame, Message, Names
from app.model.states import HOLDER_NONE
from app.model.tracks import GIL_STEP, LANE_STEP, Cast, gil_pieces, lane_pieces, length_of

FINEST = 16  # 65.5 ms: of 16 seconds and more a page draws shares, of less the messages themselves
COARSEST = 26  # 67 s: a block is almost five hours
BLOCK = 256
WHOLE = 255
LONGEST = 1 << 16  # bins in one slice: more than an hour, in which nobody looked

LANE, GIL, CONTENDED = range(3)

Key = tuple[int, int, int]
Rows = dict[Key, bytearray]
Times = dict[Key, int]


class Bins:
    """Feed it the messages of a run; `on_block` gets (level, number, rows) of each block that is full."""

    def __init__(self, on_block: Callable[[int, int, Rows], None]) -> None:
        self._on_block = on_block
        self._cast = Cast()
        self._levels = [_Level(level) for level in range(FINEST, COARSEST + 1)]

    def feed(self, message: Message) -> None:
        """Take the next message; ValueError when it speaks of what no message before it named."""
        match message:
            case Names():
                self._cast.names(message)
            case Frame():
                self._frame(message)

    def open(self, level: int) -> dict[int, Rows]:
        """The blocks of a level that are not full, by number, as far as the messages have come."""
        blocks = self._levels[level - FINEST].filling()
        coming: dict[int, Times] = {}
        for finer in self._levels[: level - FINEST + 1]:
            for number, times in finer.open.items():
                _add(coming.setdefault(number >> (level - finer.level), {}), times)
        for number, times in coming.items():
            _put(blocks.setdefault(number // BLOCK, {}), times, number % BLOCK, level)
        return blocks

    def close(self) -> None:
        """No message comes any more: what is left is given to `on_block`."""
        for place, level in enumerate(self._levels):
            self._advance(place, None)
            self._end_block(level)

    def _frame(self, frame: Frame) -> None:
        times_of = self._levels[0].times
        for lane, start_us, track in self._cast.lane_tracks(frame):
            for number, part in _parts(track, LANE_STEP, start_us):
                times = times_of(number)
                for state, length_us in lane_pieces(part):
                    key = (LANE, lane, state)
                    times[key] = times.get(key, 0) + length_us
        for gil, start_us, track in self._cast.gil_tracks(frame):
            for number, part in _parts(track, GIL_STEP, start_us):
                times = times_of(number)
                for holder, waiters, length_us in gil_pieces(part):
                    if holder == HOLDER_NONE or not length_us:
                        continue
                    key = (GIL, gil, holder)
                    times[key] = times.get(key, 0) + length_us
                    if waiters and holder >= 0:
                        key = (CONTENDED, gil, 0)
                        times[key] = times.get(key, 0) + length_us
        self._advance(0, frame.end_us)

    def _advance(self, place: int, until_us: int | None) -> None:
        """Close the bins of a level that end by then, all without it, and add them to the level above."""
        level = self._levels[place]
        numbers = level.over(until_us)
        above = self._levels[place + 1] if place + 1 < len(self._levels) else None
        for number in numbers:
            times = level.open.pop(number)
            block = number // BLOCK
            if block != level.number:
                self._end_block(level)
                level.number = block
            _put(level.rows, times, number % BLOCK, level.level)
            if above is not None:
                _add(above.times(number // 2), times)
        if numbers and above is not None:
            self._advance(place + 1, until_us)

    def _end_block(self, level: _Level) -> None:
        if level.rows:
            self._on_block(level.level, level.number, level.rows)
            level.rows = {}


class _Level:
    """The bins of one length that go on, and the block that is being filled."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.number = 0
        self.rows: Rows = {}
        self.open: dict[int, Times] = {}

    def times(self, number: int) -> Times:
        """What has come into a bin."""
        times = self.open.get(number)
        if times is None:
            times = self.open[number] = {}
        return times

    def over(self, until_us: int | None) -> list[int]:
        """The bins that end by then, in order."""
        if until_us is None:
            return sorted(self.open)
        reached = until_us >> self.level
        return sorted(number for number in self.open if number < reached)

    def filling(self) -> dict[int, Rows]:
        """A copy of the block that is being filled, by its number."""
        if not self.rows:
            return {}
        return {self.number: {key: bytearray(values) for key, values in self.rows.items()}}


def _add(into: Times, times: Times) -> None:
    for key, us in times.items():
        into[key] = into.get(key, 0) + us


def _put(rows: Rows, times: Times, at: int, level: int) -> None:
    for key, us in times.items():
        row = rows.get(key)
        if row is None:
            row = rows[key] = bytearray(BLOCK)
        row[at] = min(WHOLE, max(1, (us * WHOLE) >> level))


def _parts(track: list[int], step: int, start_us: int) -> Iterator[tuple[int, list[int]]]:
    """A track by the finest bins into which it falls."""
    first = start_us >> FINEST
    last = max(first, (start_us + length_of(track, step) - 1) >> FINEST)
    if last - first > LONGEST:
        raise ValueError(f"a slice of {(last - first) << FINEST} us")
    if first == last:
        yield first, track
        return
    number, part = first, []
    at_us, edge_us = start_us, (first + 1) << FINEST
    for at in range(0, len(track), step):
        *what, length_us = track[at : at + step]
        while at_us + length_us > edge_us:
            if edge_us > at_us:
                part += [*what, edge_us - at_us]
            yield number, part
            length_us -= edge_us - at_us
            number, part = number + 1, []
            at_us, edge_us = edge_us, edge_us + (1 << FINEST)
        part += [*what, length_us]
        at_us += length_us
    yield number, part
