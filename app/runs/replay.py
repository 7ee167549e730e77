"""A run that has ended, played again: what a live viewer would have been told at a moment of it.

The messages go through a Ledger of its own once more, up to the playhead; so every figure, table, finding and
map comes from where the live ones come from. Frames are not sent: a page that replays has the whole timeline.

A viewer is sent, whenever the playhead was put somewhere, and whenever more than one reading of the counters
was passed since:

    header    as a stream's, as of the playhead, with findings; its run is said to be running
    report    each of the last REPORTS lines that the workload had written by then
    where     {"flame", "where", "threads"} of a summary as of then; while it stands, not while it plays

and while it plays the messages of SENT, figures after each reading of the counters, and, each time, last:

    playhead  at_us, speed    where it is, and how fast it goes (0: it stands, at the end too)

Going back begins the reading again from the start of the recording.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.ledger import Ledger, instant_of
from app.analysis.summary import judge, summarise
from app.model import frames
from app.model.errors import NotReadable
from app.runs.feed import dump
from app.runs.record import RunRecord

SLOWEST, FASTEST = 0.1, 100.0
TICK_S = 0.1  # how often the playhead moves
JUDGE_S = 1.0  # from one judgement while it plays to the next
REPORTS = 1_000
# What a page takes in by itself; all else it has of the figures.
SENT: tuple[type[frames.Message], ...] = (frames.Event, frames.Heap, frames.Collector, frames.Report)
_AT_A_TIME = 256  # messages that are taken in one go of a thread: of the largest run a tenth of a second

Json = dict[str, Any]


class Replay:
    """One viewer's playhead, which `go` puts elsewhere at any time. One event loop's."""

    def __init__(self, run: RunRecord, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._wanted: tuple[int | None, float] | None = None
        self._news = asyncio.Event()
        self._player = _Player(run)
        self._speed = 0.0

    def go(self, at_us: int | None, speed: float) -> None:
        """Put the playhead there, or leave it, and play so many times as fast as it was; 0 stands."""
        if at_us is None and self._wanted is not None:
            at_us = self._wanted[0]
        self._wanted = at_us, speed
        self._news.set()

    async def view(self) -> AsyncIterator[str]:
        """What the viewer is sent, without an end; NotReadable where nothing was observed."""
        while True:
            if self._wanted is not None:
                async for text in self._turn(*self._take_order()):
                    yield text
            if self._speed and not self._player.over:
                async for text in self._play():
                    yield text
            elif self._wanted is None:
                await self._news.wait()

    def _take_order(self) -> tuple[int | None, float]:
        assert self._wanted is not None
        order, self._wanted = self._wanted, None
        self._news.clear()
        return order

    async def _turn(self, at_us: int | None, speed: float) -> AsyncIterator[str]:
        """Put the playhead where it is wanted, and tell all of that moment."""
        self._speed = speed
        if at_us is not None:
            if at_us < self._player.at_us:
                self._player = _Player(self._run)
            if not await self._player.to(at_us, self._is_wanted):
                return  # a hand moves it on already
        for text in await asyncio.to_thread(self._player.whole, not speed):
            yield text
        yield self._playhead()

    async def _play(self) -> AsyncIterator[str]:
        """Let it run, until something else is wanted or the run is over."""
        player, begun_us, begun_s = self._player, self._player.at_us, self._clock()
        judged_s = begun_s
        while self._wanted is None and not player.over:
            await self._tick()
            now_s = self._clock()
            until_us = begun_us + round((now_s - begun_s) * 1e6 * self._speed)
            counters = player.counters
            sent: list[str] = []
            await player.to(until_us, self._is_wanted, sent)
            if player.counters > counters + 1:
                texts = await asyncio.to_thread(player.whole, False)
            else:
                texts = sent
                if player.counters > counters:
                    judging = now_s - judged_s >= JUDGE_S
                    judged_s = now_s if judging else judged_s
                    texts.append(await asyncio.to_thread(player.figures, judging))
            for text in texts:
                yield text
            if player.over:
                self._speed = 0.0
                for text in await asyncio.to_thread(player.whole, True):
                    yield text
            yield self._playhead()

    async def _tick(self) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), TICK_S)
        except TimeoutError:
            return

    def _is_wanted(self) -> bool:
        return self._wanted is not None

    def _playhead(self) -> str:
        return dump({"type": "playhead", "at_us": self._player.at_us, "speed": self._speed})


class _Player:
    """A ledger on its way through a recording."""

    def __init__(self, run: RunRecord) -> None:
        self.at_us = 0
        self.counters = 0  # readings passed so far
        self._run = run
        self._ledger = Ledger()
        self._reports: deque[str] = deque(maxlen=REPORTS)
        self._lines = run.messages()
        self._ahead: deque[str] = deque()
        self._all_read = False

    async def to(self, at_us: int, is_over: Callable[[], bool], sent: list[str] | None = None) -> bool:
        """Take in all that tells of the time up to then; False where it was called off on the way.

        The messages of SENT among it are added to `sent`; of a jump nobody is sent them.
        """
        while True:
            if not self._ahead and not self._all_read:
                await self._read()
            if await asyncio.to_thread(self._feed, at_us, sent):
                break
            if is_over():
                return False
        self.at_us = min(at_us, self._ledger.edge_us) if self.over else at_us
        return True

    @property
    def over(self) -> bool:
        """Whether the measured time has been played to its end."""
        end_us = self._ledger.end_us
        return (self._all_read and not self._ahead) or (end_us is not None and self.at_us >= end_us)

    async def _read(self) -> None:
        async for line in self._lines:
            self._ahead.append(line)
            if len(self._ahead) == _AT_A_TIME:
                return
        self._all_read = True

    def _feed(self, at_us: int, sent: list[str] | None) -> bool:
        """Take in what was read; True once the rest is of later, or there is none."""
        while self._ahead:
            message = frames.decode(self._ahead[0])
            if instant_of(message) > at_us:
                return True
            line = self._ahead.popleft()
            self._ledger.feed(message)
            self.at_us = max(self.at_us, instant_of(message))
            self.counters += isinstance(message, frames.Counters)
            if isinstance(message, frames.Report):
                self._reports.append(line)
            if sent is not None and isinstance(message, SENT):
                sent.append(line)
        return self._all_read

    def whole(self, standing: bool) -> list[str]:
        """All of this moment; of one that is passed by, without what takes long."""
        if self._ledger.hello is None:
            raise NotReadable("Nothing was observed of this run", "There is nothing to play again.")
        run = self._described()
        header = header_of(self._ledger)
        if header["figures"] is not None:
            header["figures"] |= self._judged()
        texts = [dump({**header, "run": run}), *self._reports]
        if standing:
            summary = summarise(self._ledger, run)
            texts.append(
                dump({"type": "where", **{name: summary[name] for name in ("flame", "where", "threads")}})
            )
        return texts

    def figures(self, judging: bool) -> str:
        """The figures, with the findings so far where they are to be judged again."""
        figures = figures_of(self._ledger)
        if judging:
            figures |= self._judged()
        return dump(figures)

    def _judged(self) -> Json:
        return {
            "findings": judge(self._ledger, self._described()),
            "findings_at_s": self._ledger.measured_us / 1e6,
        }

    def _described(self) -> Json:
        """The run as it was then: it went on."""
        return {**self._run.to_json(), "state": "running", "error": None, "exit_code": None}
