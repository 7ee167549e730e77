"""A span of a run as if it were the whole run: a ledger that is fed what tells of that time, and no more.

Running totals and collectors count from what was last told before the span; of a span in which they were not
read it is not known how far they moved. A slice on either border is cut
there, with that share of its samples; its switches, known only of the whole, count where it ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from app.analysis.ledger import Ledger, instant_of
from app.analysis.summary import summarise
from app.model.frames import (
    About,
    Blocked,
    Counters,
    End,
    Event,
    Frame,
    Hello,
    Loops,
    Message,
    Names,
    Pools,
    Process,
    Report,
    Stacks,
    decode,
    glance,
    standing,
)
from app.model.summary import Summary
from app.model.tracks import GIL_STEP, LANE_STEP, Cast, blocked_looks, clip, gils_of, looks, pool_looks

Json = dict[str, Any]


class Excerpt:
    """Feed it the messages from some time before the span on, and before them all that name."""

    def __init__(self, from_us: int, to_us: int) -> None:
        self._ledger = Ledger(rolling=False)
        self._cast = Cast()
        self._from_us, self._to_us = from_us, to_us
        self._before: dict[About, Message | str] = {}  # the last of each before the span, in order
        self._begun = False

    def feed(self, message: Message) -> None:
        """Take the next message."""
        ledger = self._ledger
        match message:
            case Names():
                self._cast.names(message)
                ledger.feed(message)
            case Hello():
                ledger.feed(message)
            case Process() if message.at_us < self._to_us:
                if message.gone and message.at_us < self._from_us:
                    self._gone(message.pid)
                ledger.feed(message)
            case Frame() if message.end_us > self._from_us and message.start_us < self._to_us:
                self._begin()
                ledger.feed(self._within(message))
            case Stacks():
                seen = [look for look in looks(message) if self._has(look.at_us)]
                if seen:
                    self._take(replace(message, looks=seen))
            case Blocked():
                rows = [look for look in blocked_looks(message) if self._has(look.at_us)]
                if rows:
                    self._take(replace(message, rows=rows))
            case Pools():
                its = [look for look in pool_looks(message) if self._has(look.at_us)]
                if its:
                    self._take(replace(message, looks=its))
            case Loops() | Event() if self._has(message.at_us):
                self._take(message)
            case Process() | Frame() | Loops() | Event() | Report() | End():
                pass  # of another time, or of the whole run
            case _:
                self._told(message)

    def feed_line(self, line: str) -> None:
        """Take the next message as a line, which is read no further than that it tells of another time."""
        seen = glance(line)
        if seen is None:
            self.feed(decode(line))
            return
        kind, start_us, end_us = seen
        if start_us >= self._to_us:
            return
        if end_us > self._from_us or (kind is Counters and end_us == self._from_us):
            self.feed(decode(line))
        elif kind is Counters:
            self._stands((kind,), line)

    def absorb(self, state: Json, named: Iterable[Message]) -> None:
        """Take a piece of the run that lies within the span (pieces.py), and the messages of it that name."""
        self._begin()
        went: list[Message] = []
        for message in named:
            if isinstance(message, Names):
                self._cast.names(message)
                went.append(Names(message.at_us, gone=message.gone))
                self._ledger.feed(replace(message, gone=[]))
            elif isinstance(message, Process) and message.gone:
                went.append(message)
            else:
                self._ledger.feed(message)
        self._ledger.absorb(state)
        for message in went:
            self._ledger.feed(message)

    def summary(self, run: dict[str, Any]) -> Summary:
        """The summary of the span; `run` is that of the whole, but for its length."""
        ledger = self._ledger
        ledger.feed(End(self._to_us, run["state"], run.get("error"), run.get("exit_code")))
        ledger.settle()
        summary = summarise(ledger, {**run, "duration_s": ledger.measured_us / 1e6})
        self._count_operations(summary)
        for thread in summary["threads"]:
            if not thread["counted_s"]:  # read before the span alone
                thread["cpu_s"] = thread["run_delay_s"] = None
                thread["voluntary_switches"] = thread["involuntary_switches"] = None
        summary["threads"] = [thread for thread in summary["threads"] if thread["observed_s"]]
        return summary

    def _count_operations(self, summary: Summary) -> None:
        """A workload counts its operations from its own beginning; these are of the span."""
        reported, before = summary["workload"], self._before.get((Counters,))
        before = decode(before) if isinstance(before, str) else before
        ops, at_us = self._ledger.counters.ops, self._ledger.counters.at_us
        if reported is None or ops is None or not isinstance(before, Counters):
            return
        if at_us <= before.at_us:
            reported["ops"] = reported["ops_per_s"] = None
            return
        done = ops - (before.ops or 0)
        reported["ops"], reported["ops_per_s"] = done, done * 1e6 / (at_us - before.at_us)

    def _told(self, message: Message) -> None:
        at_us = instant_of(message)
        if self._has(at_us):
            self._take(message)
        elif at_us < self._from_us:
            for about, told in standing(message):
                self._stands(about, told)

    def _stands(self, about: About, told: Message | str) -> None:
        self._before.pop(about, None)
        self._before[about] = told

    def _gone(self, pid: int) -> None:
        """What was told of a process that had ended before the span tells nothing of it."""
        for about in [about for about in self._before if about[1:2] == (pid,)]:
            del self._before[about]

    def _take(self, message: Message) -> None:
        self._begin()
        self._ledger.feed(message)

    def _begin(self) -> None:
        """Tell what was told last before the span; all totals count from there."""
        if not self._begun:
            self._begun = True
            for told in self._before.values():
                self._ledger.feed(decode(told) if isinstance(told, str) else told)

    def _has(self, at_us: int) -> bool:
        return self._from_us <= at_us < self._to_us

    def _within(self, frame: Frame) -> Frame:
        """What of a slice lies in the span."""
        from_us, to_us = max(frame.start_us, self._from_us), min(frame.end_us, self._to_us)
        if (from_us, to_us) == (frame.start_us, frame.end_us):
            return frame
        share = (to_us - from_us) / max(1, frame.end_us - frame.start_us)
        switches = {gil: moved for gil, moved, _ in gils_of(frame)}
        return replace(
            frame,
            start_us=from_us,
            end_us=to_us,
            samples=round(frame.samples * share),
            gils=[
                [gil, switches[gil] if to_us == frame.end_us else 0, self._clip(track, GIL_STEP, start_us)]
                for gil, start_us, track in self._cast.gil_tracks(frame)
            ],
            lanes=[
                [lane, self._clip(track, LANE_STEP, start_us)]
                for lane, start_us, track in self._cast.lane_tracks(frame)
            ],
        )

    def _clip(self, track: list[int], step: int, start_us: int) -> list[int]:
        return clip(track, step, self._from_us - start_us, self._to_us - start_us)
