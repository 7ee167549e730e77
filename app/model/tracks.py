"""The tracks and rows of messages, decoded: the one place that knows what stands where in them.

A track is a flat list of pieces: of a lane (state, length_us), of a GIL (holder, waiters, length_us). The
columns of other rows have names here. `Cast` remembers what was named, and so knows where a track begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.model.frames import Blocked, Collector, Counters, Frame, Names, Process, Row, Stacks

LANE_STEP = 2
GIL_STEP = 3


class ThreadName(NamedTuple):
    """Who a lane is; sent again where the name or the interpreter has changed."""

    lane: int
    pid: int
    tid: int
    name: str
    interpreter: int | None


class GilName(NamedTuple):
    """Whose a GIL is."""

    gil: int
    pid: int
    interpreter: int | None


class Look(NamedTuple):
    """What a GIL's holder and its longest waiter were executing."""

    at_us: int
    gil: int | None
    holder: int
    holder_stack: int | None
    waiter: int
    waiter_stack: int | None
    waiters: int


class BlockedLook(NamedTuple):
    """What a thread that is blocked, or runs C code, was executing."""

    at_us: int
    lane: int
    state: int
    since_us: int
    stack: int | None
    task: str | None


class ProcessUse(NamedTuple):
    """The running totals of a process."""

    pid: int
    cpu_us: int | None
    rss: int | None
    peak_rss: int | None
    minor_faults: int | None
    major_faults: int | None


class Pause(NamedTuple):
    """A collection."""

    pid: int
    interpreter: int
    start_us: int
    length_us: int
    generation: int | None
    collected: int | None


def lane_pieces(track: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(state, length_us) of each piece of a lane's track."""
    numbers = iter(track)
    return zip(numbers, numbers)


def gil_pieces(track: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(holder, waiters, length_us) of each piece of a GIL's track."""
    numbers = iter(track)
    return zip(numbers, numbers, numbers)


def thread_names(message: Names) -> Iterator[ThreadName]:
    """The lanes that a message names."""
    return map(ThreadName._make, message.threads)


def gil_names(message: Names) -> Iterator[GilName]:
    """The GILs that a message names."""
    return map(GilName._make, message.gils)


def looks(message: Stacks) -> Iterator[Look]:
    """The looks at holders and waiters."""
    return map(Look._make, message.looks)


def blocked_looks(message: Blocked) -> Iterator[BlockedLook]:
    """The looks at threads that do not run Python."""
    return map(BlockedLook._make, message.rows)


def process_uses(message: Counters) -> Iterator[ProcessUse]:
    """The processes that were read."""
    return map(ProcessUse._make, message.processes)


def pauses(message: Collector) -> Iterator[Pause]:
    """The collections that ended."""
    return map(Pause._make, message.pauses)


def length_of(track: Sequence[int], step: int) -> int:
    """The microseconds that a track covers."""
    return sum(track[step - 1 :: step])


def cut(track: Sequence[int], step: int, keep_us: int) -> list[int]:
    """The first `keep_us` of a track."""
    return clip(track, step, 0, keep_us)


def clip(track: Sequence[int], step: int, skip_us: int, keep_us: int) -> list[int]:
    """What of a track lies from `skip_us` after its beginning to `keep_us` after it.

    A piece without length stays where it lies within.
    """
    kept: list[int] = []
    at_us = 0
    for at in range(0, len(track), step):
        if at_us >= keep_us:
            break
        *what, length_us = track[at : at + step]
        begin_us, at_us = at_us, at_us + length_us
        left_us = min(at_us, keep_us) - max(begin_us, skip_us)
        if left_us > 0 or (not length_us and begin_us >= skip_us):
            kept += [*what, left_us]
    return kept


@dataclass
class Lane:
    """A lane as it is named now, and where its first track began."""

    who: ThreadName
    named_us: int
    gone: bool = False


@dataclass
class Lock:
    """A GIL, and where its first track began."""

    whose: GilName
    named_us: int


class Cast:
    """The processes, lanes and GILs named so far, from the messages that name them."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self.lanes: dict[int, Lane] = {}
        self.gils: dict[int, Lock] = {}

    def names(self, message: Names) -> None:
        """Take note of lanes and GILs that came, were named anew, or went."""
        for who in thread_names(message):
            known = self.lanes.get(who.lane)
            if known is None:
                self.lanes[who.lane] = Lane(who, message.at_us)
            else:
                known.who = who
        for whose in gil_names(message):
            self.gils.setdefault(whose.gil, Lock(whose, message.at_us))
        for lane in message.gone:
            self.lanes[lane].gone = True

    def process(self, message: Process) -> None:
        """Take note of what is known of a process now."""
        self.processes[message.pid] = message

    def lane_tracks(self, frame: Frame) -> Iterator[tuple[int, int, Row]]:
        """(lane, start_us, track) of each lane in a frame; ValueError where it was never named."""
        return _begun(frame.lanes, self.lanes, frame, "lane")

    def gil_tracks(self, frame: Frame) -> Iterator[tuple[int, int, Row]]:
        """(GIL, start_us, track) of each GIL in a frame; ValueError where it was never named."""
        rows = ((gil, track) for gil, _, track in frame.gils)
        return _begun(rows, self.gils, frame, "GIL")


def _begun(
    rows: Iterable[Sequence[Any]], named: Mapping[int, Lane | Lock], frame: Frame, kind: str
) -> Iterator[tuple[int, int, Row]]:
    for index, track in rows:
        one = named.get(index)
        if one is None:
            raise ValueError(f"{kind} {index} was never named")
        yield index, max(frame.start_us, one.named_us), track
