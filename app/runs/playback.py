"""Reading a recording back: a span of time, or what a viewer is sent of it."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any

from app.model import frames
from app.runs.recording import Member, read

VIEW_MEMBERS = 32  # of a mebibyte of messages each: what a page can hold
_AT_A_TIME = 256  # messages read in one go of a thread

# What a header tells is not told again by the messages that follow it.
IN_HEADER: tuple[type[frames.Message], ...] = (frames.Event, frames.Heap, frames.Collector, frames.Memory)
_IN_HEADER = tuple(f'{{"type":"{kind.type}"' for kind in IN_HEADER)
_NAMES = f'{{"type":"{frames.Names.type}"'


def span(path: str, members: Sequence[Member], from_us: int, to_us: int | None) -> Iterator[str]:
    """The messages that tell of a span of time, and all names from the start on."""
    first = max(0, bisect_right(members, from_us, key=lambda member: member.at_us) - 1)
    whole = from_us <= 0 and to_us is None
    for line in _from(path, members, first):
        if whole or line.startswith(_NAMES) or _touches(json.loads(line), from_us, to_us):
            yield line


def tail(path: str, members: Sequence[Member], before: int | None = None) -> Iterator[str]:
    """What a viewer is sent beside the header, up to the message numbered `before`.

    Of a very long run that is its last VIEW_MEMBERS mebibytes.
    """
    first = max(0, len(members) - VIEW_MEMBERS)
    for line in _from(path, members, first):
        if before is not None and not line.startswith(_NAMES) and json.loads(line)["seq"] >= before:
            return
        if not line.startswith(_IN_HEADER):
            yield line


async def in_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """What an iterator gives, made in threads: it reads files."""
    while batch := await asyncio.to_thread(lambda: list(islice(lines, _AT_A_TIME))):
        for line in batch:
            yield line


def _from(path: str, members: Sequence[Member], first: int) -> Iterator[str]:
    """The lines of a member and all after it, and before them the names that came earlier."""
    if first:
        earlier = islice(read(path), members[first].number)
        yield from (line for line in earlier if line.startswith(_NAMES))
    yield from read(path, members[first].offset if members else 0)


def _touches(message: dict[str, Any], from_us: int, to_us: int | None) -> bool:
    """Whether a message tells of a time in the span; a hello tells of none, looks of that of their first."""
    looks = message.get("looks") or (message["rows"] if message["type"] == frames.Blocked.type else None)
    start_us = looks[0][0] if looks else message.get("start_us", message.get("at_us"))
    if start_us is None:
        return True
    return bool(message.get("end_us", start_us) >= from_us and (to_us is None or start_us <= to_us))
