"""The way of a message: into the recordings as it comes; decoded once, into the ledger and to viewers.

Of many runs at once the decoding may be behind. What came is recorded all the same, so that whatever kills
this process takes the last second at the most.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.analysis.figures import figures_of
from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import judge
from app.model import frames
from app.runs.hub import Hub
from app.runs.playback import IN_HEADER
from app.runs.recording import Recording
from app.runs.timeline import TimelineWriter

JUDGE_S = 1.0  # from one judgement of a live run to the next, or longer:
JUDGE_SHARE = 0.002  # of the loop's time, what judging may take at the most

Json = dict[str, Any]


class Feed:
    """`ledger` has the figures, `hub` the viewers. `describe` gives the run's own JSON of the moment.

    Figures and findings are made while somebody looks: of many runs at once, most are only recorded.
    """

    def __init__(self, describe: Callable[[], Json]) -> None:
        self.ledger = Ledger()
        self.hub = Hub()
        self.recordings: list[Recording] = []
        self.timeline: TimelineWriter | None = None
        self.count = 0  # messages so far
        self._describe = describe
        self._judged: Json = {"findings": [], "findings_at_s": 0.0}  # as it was told last
        self._judge_at_s = 0.0

    def record(self, lines: Sequence[str]) -> None:
        """Messages as the observer wrote them, which are not decoded yet."""
        for recording in self.recordings:
            recording.write_all(lines)

    def take(self, message: frames.Message, line: str | None = None) -> None:
        """A message that was recorded, into the others; ValueError where it speaks of what none named.

        `line` is the message as the observer wrote it; without it, it is encoded and recorded here.
        """
        before_us = self.ledger.at_us
        self.ledger.feed(message)
        if line is None:
            line = frames.encode(message, self.count)
            self.forget_rest()
            self.record([line])
        for recording in self.recordings:
            recording.reached(self.count, before_us)
        self.hub.publish(line, lasting=not isinstance(message, IN_HEADER), number=self.count)
        if self.timeline is not None:
            self.timeline.feed(message, line, self.count)
        self.count += 1
        if isinstance(message, frames.Counters) and self.hub.watched:
            self.say(self._figures())

    def forget_rest(self) -> None:
        """What was recorded and could not be understood: it is no part of the run."""
        for recording in self.recordings:
            recording.keep(self.count)

    def say(self, message: Json) -> None:
        """To those who view it now: how things stand. No recording has it."""
        self.hub.publish(dump(message), lasting=False)

    def header(self) -> Json:
        """What a viewer needs to draw from the start, once the observation has begun.

        Taken together with `hub.follow()`, nothing is lost between the two.
        """
        told = header_of(self.ledger)
        if told["figures"] is not None:
            self._judge()
            told["figures"] |= self._judged
        return {**told, "type": "header", "run": self._describe()}

    def close(self, said: Sequence[Json]) -> None:
        """No message comes any more: the last words, and then the viewers are let go of."""
        try:
            for message in said:
                self.hub.publish(dump(message))
        finally:
            self.hub.close()

    def _figures(self) -> Json:
        """The figures of this moment; with the findings so far, where it is time to judge again."""
        told = figures_of(self.ledger)
        return told | self._judged if self._judge() else told

    def _judge(self) -> bool:
        """Judge the run so far, if it is time to."""
        begun_s = time.monotonic()
        if begun_s < self._judge_at_s:
            return False
        self._judged = {
            "findings": judge(self.ledger, self._describe()),
            "findings_at_s": self.ledger.measured_us / 1e6,
        }
        took_s = time.monotonic() - begun_s
        self._judge_at_s = begun_s + max(JUDGE_S, took_s / JUDGE_SHARE)
        return True


def dump(message: Json) -> str:
    """As it goes to a viewer."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
