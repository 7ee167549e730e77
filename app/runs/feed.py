"""The way of a message: into the recordings and to viewers as it comes; decoded once, into the ledger.

Of many runs at once, or with many viewers, the decoding may be behind: figures are then late. What came is
recorded and shown all the same, so that whatever kills this process takes the last second at the most.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import at_once, judging
from app.model import frames
from app.runs.hub import Hub
from app.runs.packet import Packet
from app.runs.playback import is_in_header
from app.runs.recording import Recording
from app.runs.timeline import TimelineWriter

JUDGE_S = 1.0  # from one judgement of a live run to the next, or longer:
FIGURES_SHARE = 0.2  # of the loop's time, what making figures for viewers may take at the most
FIGURES_CHEAP_S = 0.025  # of CPU: what takes less is made whenever it is due
HEADER_SHARE = 0.02  # of the loop's time, what making headers may take at the most
LINGER_S = 0.05  # what is no slice goes out with the next one, or after so long
JUDGE_SHARE = 0.002  # of the loop's time, what judging may take at the most

_SLICE = f'{{"type":"{frames.Frame.type}"'

T = TypeVar("T")
Json = dict[str, Any]
Listener = Callable[[Sequence[str]], None]  # is told messages as the observer wrote them


class _Opening(NamedTuple):
    """A header for those who come up to an instant."""

    packet: Packet
    at: int  # of which message of the hub on it does not tell
    until_s: float
    made_at: int  # which message the hub's next one was then: figures before it are no news to who has it


class Feed:
    """`ledger` has the figures, `hub` the viewers. `describe` gives the run's own JSON of the moment.

    Figures and findings are made while somebody looks: of many runs at once, most are only recorded.
    """

    def __init__(self, describe: Callable[[], Json]) -> None:
        self.ledger = Ledger()
        self.hub = Hub()
        self.recordings: list[Recording] = []
        self.listeners: list[Listener] = []
        self.timeline: TimelineWriter | None = None
        self.count = 0  # messages so far, of those that were taken
        self._unsaid: deque[str] = deque()  # heard, and not sent to viewers
        self._shown: deque[int] = deque()  # where in the hub those are that wait to be taken
        self._ahead = False  # viewers are sent messages before they are taken
        self._describe = describe
        self._judged: Json = {"findings": [], "findings_at_s": 0.0}  # as it was told last
        self._judged_anew = False  # and not told yet
        self._judge_at_s = 0.0
        self._due = False  # figures, after the last message
        self._figures_at_s = 0.0
        self._figures_said: deque[int] = deque()  # where in the hub those are that it still keeps
        self._opening: _Opening | None = None

    def hear(self, lines: Sequence[str]) -> None:
        """Messages as the observer wrote them, which are decoded when they are taken."""
        for recording in self.recordings:
            recording.write_all(lines)
        for listener in self.listeners:
            listener(lines)
        self._unsaid += lines
        if self._ahead:
            self.go_ahead()

    def go_ahead(self) -> None:
        """The run goes on as viewers expect: from now on they get what comes before it is taken."""
        self._ahead = True
        while self._unsaid:
            self._show()

    def take(self, message: frames.Message, line: str | None = None) -> None:
        """A message that was heard, into the ledger; ValueError where it speaks of what none named.

        `line` is the message as the observer wrote it; without it, it is encoded and heard here.
        """
        before_us = self.ledger.at_us
        self.ledger.feed(message)
        if line is None:
            line = frames.encode(message, self.count)
            self.forget_rest()
            self.hear([line])
        if not self._shown:
            self._show()
        self._shown.popleft()
        for recording in self.recordings:
            recording.reached(self.count, before_us)
        if self.timeline is not None:
            self.timeline.feed(message, line, self.count)
        self.count += 1
        self.hub.told = self._told_at
        self._due = isinstance(message, frames.Counters | frames.FarLine)

    def chores(self) -> Iterator[None]:
        """What is due after the message that was taken last, in steps: none is to be taken between them.

        Of 64 threads a judgement takes 30 ms of CPU, and figures 15; meanwhile viewers get what comes.
        """
        if self._due and self.hub.watched and time.monotonic() >= self._figures_at_s:
            yield from self._say_figures()
        self._due = False

    def forget_rest(self) -> None:
        """What was recorded and could not be understood: it is no part of the run."""
        self._unsaid.clear()
        self._shown.clear()
        for recording in self.recordings:
            recording.keep(self.count)

    def say(self, message: Json) -> None:
        """To those who view it now: how things stand. No recording has it."""
        self.hub.publish(dump(message), lasting=False, within_s=LINGER_S)

    def header(self) -> Json:
        """What a viewer needs to draw from the start, once the observation has begun."""
        told = header_of(self.ledger)
        if told["figures"] is not None:
            at_once(self._judge())
            told["figures"] |= self._judged
        return {**told, "type": "header", "run": self._describe()}

    def opening(self, since: int) -> tuple[Packet, int]:
        """The header for those who begin at `since` of the hub's messages, and how far it tells of them.

        Where many come, they share one: each of them is also told of what has come since.
        """
        begun_s = time.monotonic()
        shared = self._opening
        if shared is not None and shared.at >= since and begun_s < shared.until_s:
            return shared.packet, shared.at
        at = self._told_at
        packet = Packet.of(dump(self.header()), viewers=self.hub.viewers)
        made_s = time.monotonic()
        until_s = made_s + (made_s - begun_s) / HEADER_SHARE
        self._opening = _Opening(packet, at, until_s, self.hub.next)
        return packet, at

    def close(self, said: Sequence[Json]) -> None:
        """No message comes any more: the last words, and then the viewers are let go of."""
        try:
            for message in said:
                self.hub.publish(dump(message))
        finally:
            self.hub.close()

    @property
    def _told_at(self) -> int:
        """Of which message of the hub the ledger does not know yet."""
        return self._shown[0] if self._shown else self.hub.next

    def _show(self) -> None:
        """Send viewers the first message that they were not."""
        line = self._unsaid.popleft()
        self._shown.append(self.hub.next)
        number = self.count + len(self._shown) - 1
        within_s = 0.0 if line.startswith(_SLICE) else LINGER_S
        self.hub.publish(line, lasting=not is_in_header(line), number=number, within_s=within_s)

    def _say_figures(self) -> Iterator[None]:
        """Tell viewers the figures of this moment, and let those of hundreds of processes come less often."""
        begun_s = time.monotonic()
        yield from self._judge()
        took = _Took()
        with took:
            told = figures_of(self.ledger)
            if self._judged_anew:
                told |= self._judged
                self._judged_anew = False
        yield
        with took:
            text = dump(told)
        yield
        with took:
            self._let_go_of_figures()
            self._figures_said.append(self.hub.next)
            self.hub.publish(text, lasting=False, within_s=LINGER_S)
        if took.cpu_s > FIGURES_CHEAP_S:
            self._figures_at_s = begun_s + took.real_s / FIGURES_SHARE

    def _let_go_of_figures(self) -> None:
        """Those that each viewer has, and who comes now is told in a header, need not be kept.

        Of 64 threads they are 100 kB four times a second: in ten seconds more than all else.
        """
        wanted = self.hub.had_by_all
        if self._opening is not None and time.monotonic() < self._opening.until_s:
            wanted = min(wanted, self._opening.made_at)
        while self._figures_said and self._figures_said[0] < wanted:
            self.hub.let_go(self._figures_said.popleft())

    def _judge(self) -> Generator[None, None, None]:
        """Judge the run so far, if it is time to, in steps."""
        begun_s = time.monotonic()
        if begun_s < self._judge_at_s:
            return
        took = _Took()
        steps = judging(self.ledger, self._describe())
        found = yield from took.by(steps)
        self._judged = {"findings": found, "findings_at_s": self.ledger.measured_us / 1e6}
        self._judged_anew = True
        # What it had to wait for a CPU it took from nobody.
        self._judge_at_s = begun_s + max(JUDGE_S, took.cpu_s / JUDGE_SHARE)


class _Took:
    """What some steps have taken, of a CPU and of the time, without what was done between them."""

    def __init__(self) -> None:
        self.cpu_s = self.real_s = 0.0

    def __enter__(self) -> None:
        self.cpu_s -= time.thread_time()
        self.real_s -= time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.cpu_s += time.thread_time()
        self.real_s += time.monotonic()

    def by(self, steps: Generator[None, None, T]) -> Generator[None, None, T]:
        """The same steps, and what they return."""
        while True:
            try:
                with self:
                    next(steps)
            except StopIteration as end:
                return cast(T, end.value)
            yield


def dump(message: Json) -> str:
    """As it goes to a viewer."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
