"""An observation in pieces, so that the figures of any span of it are put together from a few of them.

A piece is what a Ledger makes of the messages from one frame up to another, whatever came before: its state,
as JSON, compressed. A ledger that absorbs it is where it would be had it been fed these messages, but for
what they name. Where a piece begins, waits, holds and stretches of states go on: the first of each is kept
aside, as its head, until it is known how long it was.

Pieces of level 0 are LENGTH_US long, or a little longer; each of a higher level is FAN of the level below,
one after another. A border lies before a frame of which no look was told yet.
"""

from __future__ import annotations

import functools
import json
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.ledger import Ledger, instant_of
from app.analysis.thread import StoredThread, Tracked
from app.model.frames import Blocked, End, Frame, Hello, Message, Pools, Report, Stacks
from app.model.tracks import blocked_looks, looks, pool_looks

LENGTH_US = 7 << 19
FAN = 4

_COMPRESSION = 6
_FORM = 6  # one more whenever a part of a state changes what it holds

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extent:
    """Which messages a piece has, by number, and from when to when they tell."""

    first: int
    after: int
    from_us: int
    to_us: int


Piece = tuple[Extent, bytes]


class Pieces:
    """Feed it the messages of a run; `on_piece` gets (level, extent, packed state) of each piece."""

    def __init__(self, on_piece: Callable[[int, Extent, bytes], None]) -> None:
        self._on_piece = on_piece
        self._ledger = Ledger(Ledger(), rolling=False)
        self._begun = False
        self._first = 0
        self._from_us = self._to_us = 0
        self._looked_us = -1
        self._whole: list[list[Piece]] = []  # by level: those that make up no higher one yet
        self._joining: Iterator[None] = iter(())

    def feed(self, message: Message, number: int) -> None:
        """Take the next message; ValueError when it speaks of what no message before it named."""
        next(self._joining, None)
        if isinstance(message, Hello | Report | End):
            return
        if isinstance(message, Frame) and self._is_border(message):
            self._end(number)
            self._ledger = Ledger(self._ledger, rolling=False)
            self._begun, self._first = True, number
            self._from_us, self._to_us = message.start_us, message.end_us
        self._ledger.feed(message)
        from_us, to_us = _told_of(message)
        self._from_us, self._to_us = min(self._from_us, from_us), max(self._to_us, to_us)
        if isinstance(message, Stacks | Blocked):
            self._looked_us = max(self._looked_us, to_us)

    def _is_border(self, frame: Frame) -> bool:
        long = not self._begun or frame.start_us - self._ledger.begin_us >= LENGTH_US
        return long and self._looked_us < frame.start_us

    def _end(self, number: int) -> None:
        if self._begun:
            for _ in self._joining:  # what is left of it, if anything
                pass
            self._keep(0, Extent(self._first, number, self._from_us, self._to_us), pack(self._ledger.state()))
            self._joining = self._join(0)

    def _keep(self, level: int, extent: Extent, packed: bytes) -> None:
        self._on_piece(level, extent, packed)
        if level == len(self._whole):
            self._whole.append([])
        self._whole[level].append((extent, packed))

    def _join(self, level: int) -> Iterator[None]:
        """Put pieces together to those of higher levels, in steps: it is done beside everything else."""
        while level < len(self._whole) and len(self._whole[level]) == FAN:
            pieces, self._whole[level] = self._whole[level], []
            ledger = Ledger(self._ledger, rolling=False)
            for _, packed in pieces:
                yield
                ledger.absorb(unpack(packed))
            yield
            level += 1
            self._keep(level, _around([extent for extent, _ in pieces]), pack(ledger.state()))


@functools.cache
def form() -> list[Any]:
    """What a state is made of: one that was stored in another form cannot be read."""
    ledger = Ledger(Ledger(), rolling=False)
    kept = [type(each).__name__ for each in ledger.per_process]
    return [_FORM, [*ledger.state()], kept, [*StoredThread._fields], [*Tracked._fields]]


def pack(state: Json) -> bytes:
    """A state, to be stored."""
    return zlib.compress(json.dumps(state, separators=(",", ":"), ensure_ascii=False).encode(), _COMPRESSION)


def unpack(packed: bytes) -> Json:
    """The same, read."""
    state: Json = json.loads(zlib.decompress(packed))
    return state


def cover(extents: Sequence[Sequence[Extent]], from_us: int, to_us: int) -> list[tuple[int, int]]:
    """The fewest pieces, by level and place, that hold all of the pieces of level 0 within a span of time."""
    if not extents:
        return []
    at = bisect_left(extents[0], from_us, key=lambda extent: extent.from_us)
    after = bisect_left(extents[0], to_us, key=lambda extent: extent.to_us)
    found = []
    while at < after:
        level = max(
            level
            for level, pieces in enumerate(extents)
            if not at % FAN**level and at // FAN**level < len(pieces) and at + FAN**level <= after
        )
        found.append((level, at // FAN**level))
        at += FAN**level
    return found


def _around(extents: Sequence[Extent]) -> Extent:
    return Extent(
        extents[0].first,
        extents[-1].after,
        min(extent.from_us for extent in extents),
        max(extent.to_us for extent in extents),
    )


def _told_of(message: Message) -> tuple[int, int]:
    """The first and the last instant that a message tells of."""
    match message:
        case Frame():
            return message.start_us, message.end_us
        case Stacks():
            times = [look.at_us for look in looks(message)]
        case Blocked():
            times = [look.at_us for look in blocked_looks(message)]
        case Pools():
            times = [message.at_us, *(look.at_us for look in pool_looks(message))]
        case _:
            times = [instant_of(message)]
    return min(times), max(times)
