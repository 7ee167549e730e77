"""Tracks of threads put together over slices, before they are counted: far fewer of them, to the same effect.

A wait in a convoy lasts over many slices, and to count each of them takes most of a ledger's time. So what
came of a thread is kept, and counted once somebody asks, or something else is told that depends on it. Looks
count by the slice that they fall into (where.py), so what they ask is brought up to date at each, with the
newest slice by itself: it is never put to those before it until the next one has come.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.analysis.gils import Gils
from app.analysis.thread import Thread
from app.analysis.threads import Threads
from app.model.frames import Frame
from app.model.states import WAITING
from app.model.tracks import LANE_STEP, gils_of, lanes_of, length_of

MOST_US = 2_000_000  # at once: it is counted beside everything else

Track = list[int]


class _Coming:
    """What came of a thread, without a gap, and is not counted yet."""

    __slots__ = ("located", "starts_us", "thread", "tracks")

    def __init__(self, thread: Thread, start_us: int, track: Track) -> None:
        self.thread = thread
        self.starts_us = [start_us]
        self.tracks = [track]
        self.located = 0  # how many of them looks know

    def locate(self, end_us: int) -> None:
        """Let looks know all slices, the newest of which ends then."""
        where, named_us, at = self.thread.where, self.thread.named_us, self.located
        newest = len(self.tracks) - 1
        if at < newest:
            where.feed(
                _joined(self.tracks[at:newest]), max(named_us, self.starts_us[at]), self.starts_us[newest]
            )
        if at <= newest:
            where.feed(self.tracks[newest], max(named_us, self.starts_us[newest]), end_us)
        self.located = newest + 1


class JoinedTracks:
    """The tracks of all threads. Tell it of each slice before the GILs' tracks are fed, and after that."""

    def __init__(self, threads: Threads, gils: Gils) -> None:
        self._threads = threads
        self._gils = gils
        self._coming: dict[int, _Coming] = {}
        self._looked_ahead: set[int] = set()  # lanes with a look whose slice has not come yet
        self._begin_us = self._end_us = -1
        self._who: tuple[list[int], list[int]] = ([], [])  # GILs and lanes in the newest slice

    def goes_on(self, frame: Frame) -> bool:
        """Whether a slice that comes tells of the same GILs and lanes as the one right before it."""
        who = [gil for gil, _, _ in gils_of(frame)], [lane for lane, _ in lanes_of(frame)]
        goes_on = (
            frame.start_us == self._end_us and who == self._who and self._end_us - self._begin_us < MOST_US
        )
        if not goes_on:
            self.settle()
            self._begin_us = frame.start_us
        self._who, self._end_us = who, frame.end_us
        return goes_on

    def feed(self, frame: Frame) -> None:
        """Take the slice's lanes; ValueError where one was never named."""
        start_us, end_us, coming = frame.start_us, frame.end_us, self._coming
        for lane, track in lanes_of(frame):
            known = coming.get(lane)
            thread = self._threads[lane] if known is None else known.thread
            length_us = track[1] if len(track) == LANE_STEP else length_of(track, LANE_STEP)
            named_us = thread.named_us
            if not track or (start_us if start_us > named_us else named_us) + length_us != end_us:
                self._count(lane, start_us)
                self._looked_ahead.discard(lane)
                self._tally(thread, track, start_us, end_us)
                from_us = max(start_us, named_us)
                thread.where.feed(track, from_us, from_us + length_us)
                continue
            if known is None:
                known = coming[lane] = _Coming(thread, start_us, track)
            else:
                known.starts_us.append(start_us)
                known.tracks.append(track)
            if lane in self._looked_ahead:
                self._looked_ahead.discard(lane)
                known.located = self._locate_before(known, start_us)
                known.locate(end_us)

    def look(self, lane: int, at_us: int) -> None:
        """A look at that thread follows."""
        coming = self._coming.get(lane)
        if coming is not None:
            coming.locate(self._end_us)
        if at_us >= self._end_us:
            self._looked_ahead.add(lane)

    def settle(self) -> None:
        """Count all that came."""
        for lane in [*self._coming]:
            self._count(lane, self._end_us)
        self._begin_us = self._end_us

    def tell_states(self) -> None:
        """Tell each thread in which state it was last seen, for what is told of it between slices."""
        for coming in self._coming.values():
            coming.thread.seen_in(coming.tracks)

    def _count(self, lane: int, end_us: int) -> None:
        """Count what came of that thread, up to then."""
        coming = self._coming.pop(lane, None)
        if coming is not None:
            coming.locate(end_us)
            self._tally(coming.thread, _joined(coming.tracks), coming.starts_us[0], end_us)

    @staticmethod
    def _locate_before(coming: _Coming, start_us: int) -> int:
        """Let looks know the slices before the newest, which begins then."""
        newest_us, newest = coming.starts_us.pop(), coming.tracks.pop()
        if coming.tracks:
            coming.locate(start_us)
        coming.starts_us.append(newest_us)
        coming.tracks.append(newest)
        return coming.located

    def _tally(self, thread: Thread, track: Track, start_us: int, end_us: int) -> None:
        waits = WAITING in track[::LANE_STEP]
        holders = self._gils.holders(thread, self._end_us) if waits else None
        thread.tally(track, start_us, end_us, holders, self._threads.waits.end)


def _joined(tracks: Sequence[Track]) -> Track:
    """One after another, as one: a stretch that goes on from one to the next is one piece of it."""
    joined = tracks[0][:]
    for track in tracks[1:]:
        if joined[-2] == track[0]:
            joined[-1] += track[1]
            if len(track) > LANE_STEP:
                joined += track[2:]
        else:
            joined += track
    return joined
