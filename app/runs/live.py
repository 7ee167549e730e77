"""A run that goes on, or has just ended: an observer under supervision, and what it says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.analysis.ledger import Ledger
from app.analysis.metrics import metrics_of
from app.analysis.summary import run_info, summarise
from app.model import frames
from app.model.errors import BadRequest, Conflict, GilscopeError, from_json
from app.model.metrics import RunMetrics
from app.model.summary import Summary
from app.runs.again import request_of
from app.runs.feed import Feed, Listener, dump
from app.runs.hub import Hub, Write
from app.runs.lifecycle import ENDED, Ended, Lifecycle, State
from app.runs.notes import Notes
from app.runs.packet import Packet
from app.runs.plan import Plan
from app.runs.playback import Recorded, in_thread, packed
from app.runs.recording import Recording
from app.runs.run_json import run_json
from app.runs.supervision import InCommon, Patience, Supervision
from app.runs.timeline import TimelineWriter, beside, level_for
from app.runs.window import figures_of

_LAST = f'{{"type":"{frames.End.type}"'

Json = dict[str, Any]


class LiveRun:
    """A RunRecord, from its start until it is in the archive. One event loop's."""

    def __init__(self, run_id: str, plan: Plan, patience: Patience, shared: InCommon | None = None) -> None:
        self.id = run_id
        self.plan = plan
        self.recording: Recording | None = None  # that of the archive
        self.unrecorded: GilscopeError | None = None  # why the archive does not have it, or not all of it
        self.notes: Notes = []
        self._created_at = time.time()
        self._feed = Feed(self.to_json)
        self._lifecycle = Lifecycle()
        self._supervision = Supervision(run_id, plan, patience, self, shared or InCommon())
        self._end: frames.End | None = None
        self._begun = asyncio.Event()
        self._admitted = asyncio.Event()
        self._over = asyncio.Event()
        self._unseen = True  # no process of the target has been seen
        self._lookers = 0  # viewers who look at the heap
        self._final: Summary | None = None
        self._closed = False

    # ---- what a RunRecord is asked

    @property
    def ended(self) -> bool:
        return self._lifecycle.ended

    def to_json(self) -> Json:
        """As RunRecord says."""
        unrecorded = self.unrecorded.to_json() if self.unrecorded else None
        kept = {"tags": [], "notes": self.notes, "pinned": False, "unrecorded": unrecorded}
        return {**self.described(), **kept}

    def summary(self) -> Summary:
        """As RunRecord says."""
        return self._final or summarise(self.ledger, self.described())

    async def request(self) -> Json:
        """As RunRecord says."""
        return request_of(self.plan.to_json(self.id))

    def script(self) -> str | None:
        """As RunRecord says."""
        return self.plan.asked.script

    async def timeline(self, from_us: int, to_us: int | None, bins: int) -> Json:
        """As RunRecord says."""
        to_us = max(self.ledger.at_us, from_us + 1) if to_us is None else to_us
        level = level_for(from_us, to_us, bins)
        writer = self._feed.timeline
        if writer is None:
            raise Conflict("The run has not begun", "Ask again in a moment.")
        return await asyncio.to_thread(writer.view([level]).window, level, from_us, to_us)

    async def figures(self, from_us: int, to_us: int) -> Summary:
        """As RunRecord says."""
        recorded = self.recorded()
        return await asyncio.to_thread(figures_of, recorded, self.described(), from_us, to_us)

    async def messages(self, from_us: int = 0, to_us: int | None = None) -> AsyncIterator[str]:
        """As RunRecord says; Conflict where it is not recorded."""
        async for line in in_thread(self.recorded().span(from_us, to_us)):
            yield line

    def metrics(self) -> RunMetrics:
        """What a scraper is told of it, see app/analysis/metrics.py."""
        return metrics_of(self.ledger, run_info(self.ledger, self.described()))

    def recorded(self) -> Recorded:
        """As RunRecord says; Conflict where it is not recorded."""
        recording, writer = self.recording, self._feed.timeline
        if recording is None or writer is None:
            raise Conflict("This run is not recorded", self.unrecorded.remedy if self.unrecorded else "")
        if not self._closed:
            recording.flush()
        timeline = writer.view()
        return Recorded(recording.path, list(recording.members), lambda: timeline)

    async def view(self, write: Write | None = None) -> AsyncIterator[Packet]:
        """As RunRecord says: what was before this viewer came, then what comes.

        With `write`, what comes is written by it while that can be done at once: see Hub.follow.
        """
        await self._begun.wait()
        if self.ledger.hello is None:
            follower = self.hub.follow(write=write)
        else:
            header, at = self._feed.opening(self.hub.first)
            follower = self.hub.follow(at, write)
            first = self.hub.first_number
            yield header
            async for packet in self._earlier(first):
                yield packet
        async for missed, packet in follower:
            if missed:
                # Names may be among what was missed, so this viewer begins again, as on a new connection.
                header, at = self._feed.opening(follower.at)
                follower.rejoin(at)
                yield Packet.of(dump({"type": "missed", "count": missed}))
                yield header
            else:
                yield packet

    # ---- its course

    @property
    def state(self) -> State:
        return self._lifecycle.state

    @property
    def ledger(self) -> Ledger:
        return self._feed.ledger

    @property
    def hub(self) -> Hub:
        return self._feed.hub

    def described(self) -> Json:
        """The run itself, see run_json.py, without how it is kept."""
        error = self._end.error if self._end else None
        run = run_json(self.plan.to_json(self.id), self.ledger, self.state, error)
        return {**run, "started_at": run["started_at"] or self._created_at}

    @property
    def error(self) -> Json | None:
        """Why it failed: {"code", "title", "detail", "remedy"}."""
        return self._end.error if self._end else None

    @property
    def exit_code(self) -> int | None:
        """The target's own; a signal's number is negative."""
        return self._end.exit_code if self._end else None

    def header(self) -> Json | None:
        """As RunRecord says."""
        return self._feed.header() if self.ledger.hello is not None else None

    def noted(self, notes: Notes) -> None:
        """Its notes are these now: viewers are told."""
        self.notes = notes
        if not self._over.is_set():
            self._feed.say({"type": "run", "run": self.to_json()})

    def record(self, recording: Recording) -> None:
        """Write the messages there too; before the start."""
        self._feed.recordings.append(recording)

    def listen(self, listener: Listener) -> None:
        """Tell it the messages as they come; before the start."""
        self._feed.listeners.append(listener)

    def keep(self, recording: Recording | None) -> None:
        """Write them, and the timeline, into the archive; None: it cannot be used. Before the start."""
        self.recording = recording
        if recording is not None:
            self.record(recording)
        self._feed.timeline = TimelineWriter(beside(recording.path) if recording else None)

    def close(self) -> None:
        """Give back what is open, once it has ended: the recording is then the archive's, and whole."""
        if self.recording is not None and not self._closed:
            self.recording.flush()
        self._closed = True
        if self._feed.timeline is not None:
            self._feed.timeline.close()

    async def start(self, command: Sequence[str]) -> None:
        """Start the observer; GilscopeError where that cannot be."""
        await self._supervision.start(command)
        if self._lookers and self._supervision.observer is not None:
            self._supervision.observer.look_at_heap(True)

    async def admitted(self) -> GilscopeError | None:
        """Wait for the observer to see its target; the reason where it refused, and so ended the run."""
        await self._admitted.wait()
        return from_json(self.error) if self._unseen and self.error is not None else None

    async def wait(self) -> None:
        """Until the run has ended."""
        await self._over.wait()

    async def stop(self) -> None:
        """End the target and its tree, then the run; returns when it has ended. Only the first call acts."""
        self._supervision.ask("stopped")
        await self.wait()

    async def hurry(self) -> None:
        """The same, as the server ends: in less time, whatever the observer does."""
        self._supervision.hurry()
        await self.wait()

    def signal(self, number: int, from_terminal: bool = False) -> None:
        """Send a signal to the program that was started; without effect on one that has ended.

        `from_terminal`: this process's group has it, and with it the program, unless it has left the group.
        """
        self._supervision.signal(number, from_terminal)

    def act(self, name: str) -> None:
        """Have the workload do one of its actions.

        BadRequest where it has none of that name, Conflict where it does not run now.
        """
        there = [action.name for action in self.plan.actions]
        if name not in there:
            raise BadRequest(
                f"{self.plan.name} has no action {name!r}",
                f"It has: {', '.join(there)}." if there else "Only some workloads have any.",
                field="name",
            )
        if self.state != "running" or self._supervision.observer is None:
            raise Conflict(f"The run is {self.state.replace('_', ' ')}", "Only a running one takes actions.")
        self._supervision.observer.act(name)

    @contextmanager
    def looked_at_heap(self) -> Iterator[None]:
        """While a viewer looks at the heap's map: the observer reads it only if somebody does."""
        self._lookers += 1
        self._tell_lookers(1)
        try:
            yield
        finally:
            self._lookers -= 1
            self._tell_lookers(0)

    # ---- what the supervision tells

    def hear(self, lines: Sequence[str]) -> None:
        """As Supervised says; its last word is recorded when it is taken, since the reason may be added."""
        self._feed.hear([line for line in lines if not line.startswith(_LAST)])

    def take(self, line: str) -> frames.Message:
        """As Supervised says."""
        message = frames.decode(line)
        if isinstance(message, frames.End):
            message = self._supervision.last_word(message)
            self._feed.take(message)
            return message
        self._feed.take(message, line)
        match message:
            case frames.Hello():
                self._begun.set()
            case frames.Process():
                self._saw(message)
            case frames.Event(kind="forked"):  # what it is comes later, if it is anything that can be read
                self._supervision.saw(message.pid)
        return message

    def chores(self) -> Iterator[None]:
        """As Supervised says."""
        return self._feed.chores()

    def end(self, end: frames.End, said: bool) -> None:
        """As Supervised says."""
        if not said and self.ledger.hello is not None and self.ledger.end is None:
            end = replace(end, at_us=self.ledger.at_us)
            self._feed.take(end)
        self._feed.forget_rest()
        self._end = end
        self._lifecycle.move(_ended_state(end))
        try:
            self._final = summarise(self.ledger, self.described())
            self._feed.close(
                [{"type": "run", "run": self.to_json()}, {"type": "summary", "summary": self._final}]
            )
        finally:
            self._begun.set()
            self._admitted.set()
            self._over.set()

    def _saw(self, process: frames.Process) -> None:
        if not process.gone:
            self._supervision.saw(process.pid)
        if self.state == "starting":
            self._lifecycle.move("running")
            self._unseen = False
            self._admitted.set()
            self._supervision.admitted()
            self._feed.say({"type": "run", "run": self.to_json()})
            self._feed.go_ahead()

    async def _earlier(self, before: int | None) -> AsyncIterator[Packet]:
        """What was recorded before the oldest message that viewers still have in common."""
        recording = self.recording
        if recording is not None and recording.failure is None and before:
            async for packet in packed(self.recorded().tail(before)):
                yield packet

    def _tell_lookers(self, turn: int) -> None:
        """Tell the observer if their number has just turned to the first, or to none."""
        if self._lookers == turn and self._supervision.observer is not None:
            self._supervision.observer.look_at_heap(turn > 0)


def _ended_state(end: frames.End) -> Ended:
    for state in ENDED:
        if end.state == state:
            return state
    raise ValueError(f"{end.state!r} is not how a run can end")
