"""Reading a recording back: a span of time, or what a viewer is sent of it."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from app.model import frames
from app.runs.packet import Packet
from app.runs.recording import Member, read
from app.runs.timeline import NAMING, Timeline

VIEW_MEMBERS = 8  # of a mebibyte of messages each: what a page takes in within a second
_AT_A_TIME = 256  # messages read in one go of a thread
_AT_ONCE = 16  # messages of a packet

T = TypeVar("T")

# What a header tells is not told again by the messages that follow it; of counters it has the series alone.
IN_HEADER: tuple[type[frames.Message], ...] = (
    frames.Event,
    *(kind for kind in frames.STANDING if kind is not frames.Counters),
)
_IN_HEADER = tuple(f'{{"type":"{kind.type}"' for kind in IN_HEADER)
# What the timeline and the answers about windows of it tell.
_IN_WINDOWS = tuple(
    f'{{"type":"{kind.type}"' for kind in (frames.Frame, frames.Stacks, frames.Blocked, frames.Counters)
)
_NAMING = tuple(f'{{"type":"{kind.type}"' for kind in NAMING)


class Recorded:
    """A recording as far as it has come. It reads files, so in threads.

    `timeline` is what was made of it, or makes it.
    """

    def __init__(self, path: str, members: Sequence[Member], timeline: Callable[[], Timeline]) -> None:
        self._path = path
        self._members = members
        self.timeline = timeline

    def span(self, from_us: int = 0, to_us: int | None = None) -> Iterator[str]:
        """The messages that tell of a span of time, and before them all that name from the start on."""
        members = self._members
        first = max(0, self._after(from_us) - 1)
        # What tells of a time may stand a little after it: a frame is told at its end, looks after it.
        last = len(members) if to_us is None else self._after(to_us) + 1
        until = members[last].number if last < len(members) else None
        whole = from_us <= 0 and to_us is None
        for number, line in self._from(first):
            if until is not None and number >= until:
                return
            if whole or line.startswith(_NAMING) or _touches(json.loads(line), from_us, to_us):
                yield line

    def numbered(self, first: int, after: int | None = None) -> Iterator[str]:
        """The messages from one number up to another."""
        at = max(0, bisect_right(self._members, first, key=lambda member: member.number) - 1)
        offset, begin, _ = self._members[at] if self._members else Member(0, 0, 0)
        for number, line in enumerate(read(self._path, offset), begin):
            if after is not None and number >= after:
                return
            if number >= first:
                yield line

    def tail(self, before: int | None = None) -> Iterator[str]:
        """What a viewer is sent beside the header, up to the message numbered `before`.

        Of a run of more than VIEW_MEMBERS mebibytes that is the last of them: what was before is drawn from
        the timeline, and from the messages of what is on view. So is all of it once the run has ended, where
        `before` is None.
        """
        whole = len(self._members) <= VIEW_MEMBERS
        told = _IN_HEADER if whole or before is not None else _IN_HEADER + _IN_WINDOWS
        for number, line in self._from(0 if whole else len(self._members) - 1):
            if before is not None and number >= before:
                return
            if not line.startswith(told):
                yield line

    def _after(self, at_us: int) -> int:
        return bisect_right(self._members, at_us, key=lambda member: member.at_us)

    def _from(self, first: int) -> Iterator[tuple[int, str]]:
        """The lines from a member on, with their numbers; before them what named earlier."""
        offset, begin, _ = self._members[first] if self._members else Member(0, 0, 0)
        lines = enumerate(read(self._path, offset), begin)
        if not first:
            yield from lines
            return
        yield from self.timeline().names(begin)
        yield from lines


def is_in_header(line: str) -> bool:
    """Whether a header tells what a message tells."""
    return line.startswith(_IN_HEADER)


async def in_thread(items: Iterator[T], at_a_time: int = _AT_A_TIME) -> AsyncIterator[T]:
    """What an iterator gives, made in threads: it reads files."""
    while batch := await asyncio.to_thread(lambda: list(islice(items, at_a_time))):
        for item in batch:
            yield item


async def packed(texts: Iterator[str]) -> AsyncIterator[Packet]:
    """The same of messages for a viewer, those together that were read in one go."""
    packets = (Packet.of(*some) for some in iter(lambda: list(islice(texts, _AT_ONCE)), []))
    async for packet in in_thread(packets, _AT_A_TIME // _AT_ONCE):
        yield packet


def _touches(message: dict[str, Any], from_us: int, to_us: int | None) -> bool:
    """Whether a message tells of a time in the span; a hello tells of none, looks of that of their first."""
    looks = message.get("looks") or (message["rows"] if message["type"] == frames.Blocked.type else None)
    start_us = looks[0][0] if looks else message.get("start_us", message.get("at_us"))
    if start_us is None:
        return True
    return bool(message.get("end_us", start_us) >= from_us and (to_us is None or start_us <= to_us))
