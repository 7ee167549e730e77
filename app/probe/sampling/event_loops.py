"""The event loops of one process: found among its threads, sampled, and told of.

A stack is walked to find a loop, and once while a step is long; else a sample costs one or two reads for each
loop that is not idle, and nothing for other threads.
"""

from __future__ import annotations

from typing import Any

from app.model.states import IO
from app.probe.cpython.frame_words import Lost
from app.probe.cpython.layouts import TSTATE_INTERP
from app.probe.cpython.loops import clocks, unrolled_run
from app.probe.cpython.loops.instant import IDLE, LoopReader
from app.probe.cpython.loops.run_once import RunOnce
from app.probe.cpython.loops.tasks import Tasks
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.stacks import MAX_DEPTH, StackFrame
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import Unmapped

from .loop_steps import LoopStep, LoopTrack
from .roster import Roster
from .tracks import Lane
from .walks import AT_A_TIME, PERIOD_US, Walks

_FIRST_US = 20_000  # from when a thread is first seen until its stack is walked
# A thread in which no loop was found is walked so often at last, one that is idle so often. Loops in C show
# only while they wait for events.
_LAST_US, _LAST_IDLE_US = 200_000, 2_000_000
_EPOLL = (b"232 ", b"281 ", b"441 ")  # epoll_wait, epoll_pwait, epoll_pwait2

Row = list[Any]


class EventLoops:
    """The loops of one process. `origin_ns` is the run's origin."""

    def __init__(self, roster: Roster, stacks: NumberedStacks, origin_ns: int) -> None:
        self._roster, self._stacks = roster, stacks
        self._memory, self._layout = roster.runtime.memory, roster.runtime.layout
        self._origin_us = origin_ns // 1000
        self._tasks = Tasks(roster.runtime)
        self._tracks: list[LoopTrack] = []
        self._left: tuple[list[Row], list[Row], list[Row]] = ([], [], [])  # of loops that have ended
        self._walks = Walks(roster)
        self._walked: dict[int, bytes] = {}  # the wait in which a thread was last walked, by lane
        self._search_us = 0  # when threads are searched next

    def meet(self, lanes: list[Lane], now_us: int) -> None:
        """Takes in new threads: any may run a loop."""
        for lane in lanes:
            self._walks.add(lane, _FIRST_US, now_us + _FIRST_US)

    def sample(self, now_us: int) -> None:
        """Looks at each loop once; AddressSpaceGone."""
        for track in self._tracks:
            lane = track.lane
            if lane.state == IO and lane.raw == track.idle_syscall:
                instant = IDLE
            else:
                try:
                    instant = track.reader.read(lane.raw)
                except Lost:
                    if track.missed():
                        self._lose(track, now_us)
                    continue
                if instant is IDLE and lane.state == IO:
                    track.idle_syscall = lane.raw
            track.see(instant, now_us, self._origin_us)
            step = track.to_look_at(now_us)
            if step is not None:
                self._look(track, step, now_us)
        if now_us >= self._search_us:
            first, self._search_us = not self._search_us, now_us + PERIOD_US
            if first:
                self._search_us = now_us + PERIOD_US // 2  # not when a slice ends, which takes its time too
            else:
                self._search(now_us)

    def take(self, now_us: int) -> tuple[list[Row], list[Row], list[Row]]:
        """(loops, lags, steps) of a loops message, since the last call.

        Each says which loops there are: who asks for a span of the run has only the messages of that span.
        """
        for track in [t for t in self._tracks if self._roster.lanes.get(t.lane.tid) is not t.lane]:
            self._lose(track, now_us)
        there = {lane.number for lane in self._roster.active}
        self._walked = {number: raw for number, raw in self._walked.items() if number in there}
        left, self._left = self._left, ([], [], [])
        for track in self._tracks:
            self._take(track, now_us, left)
        return left

    def _take(self, track: LoopTrack, now_us: int, into: tuple[list[Row], list[Row], list[Row]]) -> None:
        lag, steps = track.take(now_us)
        tasks_exact = self._tasks.exact and not track.reader.task_name
        into[0].append([track.lane.number, track.reader.kind, track.reader.exact, tasks_exact])
        into[1].append(lag)
        into[2].extend(steps)

    def task(self, lane: Lane) -> str | None:
        """The name of the task that a thread's loop runs; None where it has none, or that cannot be told."""
        track = self._track_of(lane)
        return self._task(track) if track else None

    def _task(self, track: LoopTrack) -> str | None:
        if track.reader.task_name:
            return track.reader.task_name()
        return self._tasks.name(track.state, track.interp, track.reader.loop)

    # ---- long steps

    def _look(self, track: LoopTrack, step: LoopStep, now_us: int) -> None:
        """Reads the stack of a step that takes long; tried again at the next sample where that fails."""
        try:
            frames = self._stacks.reader.copy(track.state)
        except (Inconsistent, Unmapped):
            return
        if len(frames) < MAX_DEPTH and not track.reader.holds(frames):
            self._lose(track, now_us)
            return
        self._stacks.refresh(now_us)
        if step.task is None:
            step.task = self._task(track)
        step.looked(self._stacks.number(frames), track.lane, now_us)
        track.proved()

    def _lose(self, track: LoopTrack, now_us: int) -> None:
        """Its loop does not run any more; the thread may run another one later."""
        track.lose(now_us)
        self._tracks = [other for other in self._tracks if other is not track]
        self._take(track, now_us, self._left)
        self._walked.pop(track.lane.number, None)
        self.meet([track.lane], now_us)

    # ---- finding them

    def _search(self, now_us: int) -> None:
        """Walks the stacks of some threads whose turn it is."""
        self._stacks.refresh(now_us)
        walked = self._search_waiting(now_us)
        due = self._walks.due(now_us)
        while walked < AT_A_TIME and (walk := next(due, None)):
            lane, delay = walk
            if self._track_of(lane) is not None:
                continue  # it was found
            if not lane.parked or lane.raw.startswith(_EPOLL):
                walked += 1
                found = self._found(lane, now_us)
                if found:
                    continue
                if found is None:  # so it is with hardly a thread but those of busy loops
                    self._walks.add(lane, delay, now_us + _FIRST_US)
                    continue
            delay = min(delay * 2, _LAST_IDLE_US if lane.parked else _LAST_US)
            self._walks.add(lane, delay, now_us + delay)

    def _search_waiting(self, now_us: int) -> int:
        """Walks threads that wait for events just now, each once for each such wait; how many."""
        walked = 0
        for lane in self._roster.active:
            if lane.raw.startswith(_EPOLL) and self._walked.get(lane.number) != lane.raw:
                if walked == AT_A_TIME:
                    break
                if self._track_of(lane) is None:
                    walked += 1
                    self._found(lane, now_us)
                self._walked[lane.number] = lane.raw
        return walked

    def _track_of(self, lane: Lane) -> LoopTrack | None:
        return next((track for track in self._tracks if track.lane is lane), None)

    def _found(self, lane: Lane, now_us: int) -> bool | None:
        """Whether it runs a loop; None where that cannot be told at this instant."""
        found: bool | None = False
        for state in lane.states:
            try:
                reader = self._reader(lane, self._stacks.reader.copy(state.address))
                interp = self._memory.u64(state.address + TSTATE_INTERP)
            except (Inconsistent, Unmapped):
                found = None
                continue
            except Lost:
                continue
            if reader is not None:
                self._tracks.append(LoopTrack(lane, reader, state.address, interp, now_us))
                return True
        return found

    def _reader(self, lane: Lane, frames: list[StackFrame]) -> LoopReader | None:
        """The loop that a stack shows, the innermost, or None; Inconsistent, Unmapped, Lost."""
        for frame in frames:
            name, file, _ = self._stacks.reader.code(frame[0]).function
            if name == "BaseEventLoop._run_once" and file.endswith("asyncio/base_events.py"):
                return RunOnce(self._memory, self._layout, self._stacks.reader, frame)
            if name == "BaseEventLoop.run_forever" and file.endswith("asyncio/base_events.py"):
                raise Inconsistent("the loop is between two iterations")
            if name == "Hub.run" and file.endswith("gevent/hub.py"):
                return clocks.libev(self._memory, self._layout, frame)
            if file.endswith(unrolled_run.FILE):
                found = unrolled_run.of_stack(self._memory, self._layout, self._stacks.reader, frame, name)
                if found:
                    return found
        if frames and lane.raw.startswith(_EPOLL):
            return clocks.libuv(self._memory, self._layout, frames[0])
        return None
