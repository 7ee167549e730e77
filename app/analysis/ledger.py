"""What is known of a run: messages in, state kept. figures.py, header.py and summary.py read it.

Live view, late viewer, replay, export and command line all read the same Ledger. It keeps no clock: time is
what the messages say.

Measured time runs from the first frame to the report that holds a workload's result, else to the end. All
figures are of it, rolling ones and series too, so that the end of the interpreter is not counted as the
workload's; a slice on the border is cut there, but for its switches, which are known only of the whole.
Running totals count from the counters that came before the first frame to those that came with the result.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

from app.analysis import stuck, who_waits
from app.analysis.capabilities import available
from app.analysis.census import Censuses, Containers
from app.analysis.cluster import ClusterUse
from app.analysis.collectors import Collectors
from app.analysis.gils import Gils, ends_of
from app.analysis.heaps import Heaps
from app.analysis.joined import JoinedTracks
from app.analysis.line import LineUse
from app.analysis.loops import LoopUses
from app.analysis.per_process import PerProcess
from app.analysis.pools import PoolUses
from app.analysis.processes import Processes
from app.analysis.readings import kept
from app.analysis.sampling import Looked, ObserverCpu, Sampled
from app.analysis.series import Series, Sizes
from app.analysis.stacks import StackLooks
from app.analysis.thread import LockLook
from app.analysis.threads import Threads
from app.analysis.trims import Trims
from app.analysis.where import HOLDING, Spot, of_all
from app.analysis.window import CounterWindow, FrameWindow
from app.model.frames import (
    Blocked,
    CLibrary,
    Counters,
    End,
    Event,
    FarLine,
    Frame,
    Hello,
    Loops,
    Memory,
    Message,
    Names,
    Pools,
    Process,
    Report,
    Rollup,
    Stacks,
)
from app.model.states import LOCK, WAITING
from app.model.summary import (
    HotRow,
    LoopRow,
    PoolRow,
    StretchRow,
    StuckRow,
    SwitchedOnRow,
    TimeOfAll,
    WhoWaitsRow,
)
from app.model.tracks import GIL_STEP, LANE_STEP, blocked_looks, cut, gils_of, lanes_of, looks

_SUMS = ("processes", "sampled", "looked", "observer_cpu", "counters", "pools", "line")
_STATES = (*_SUMS, "loops")

Json = dict[str, Any]

KEPT_EVENTS = 500
OUTPUT_TAIL = 64 * 1024  # characters


class Ledger:
    """Feed it the messages of one observation, in order; ask it at any moment."""

    per_process: tuple[PerProcess, ...]

    def __init__(self, before: Ledger | None = None, rolling: bool = True) -> None:
        """`before` makes it one of a piece of an observation, whatever came before that; see pieces.py.

        One that is not `rolling` has no series and no figures of the last second. It counts tracks of threads
        when it must (joined.py), so it has to `settle` before it is asked for a summary.
        """
        piece = before is not None
        self.hello: Hello | None = None
        self.end: End | None = None
        self.result: dict[str, Any] | None = None
        self.output: str | None = None  # the end of what a command or a script wrote
        self.at_us = 0
        self.begin_us = 0
        self.end_us: int | None = None
        self.processes = Processes()
        self.heaps = Heaps()
        self.collectors = Collectors(piece)
        self.censuses = Censuses()
        self.containers = Containers()
        self.readings = kept()
        self.cluster = ClusterUse()
        own = (self.heaps, self.collectors, self.censuses, self.containers, self.cluster)
        self.per_process = (*own, *self.readings.values())
        self.events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self.threads = Threads(piece)
        self.gils = Gils()
        self._joined = None if rolling else JoinedTracks(self.threads, self.gils)
        self._begun = False
        self._counted_from_us: int | None = None  # the last reading of the totals before the measured time
        self._seen_us = 0  # the end of the newest frame
        self.stacks: StackLooks = StackLooks(before.stacks.functions if before else None)
        self.loops = LoopUses()
        self.pools = PoolUses()
        self.line = LineUse()
        self.sampled = Sampled()
        self.observer_cpu = ObserverCpu()
        self.looked = Looked()
        self.frames = FrameWindow()
        self.counters = CounterWindow()
        self.series = Series()
        self.trims = Trims()
        if before is not None:
            self.processes.copy_names(before.processes)
            self.threads.share_names(before.threads)
            self.gils.copy_names(before.gils)
            self.loops.copy_names(before.loops, self.threads)
            self.looked.begin(before.looked.at_us)
            self.line.know(before.line)
            self._know(before.per_process)

    def _know(self, before: tuple[PerProcess, ...]) -> None:
        for each, known in zip(self.per_process, before, strict=True):
            each.begin(known)

    def state(self) -> Json:
        """What a piece has, to be stored as JSON: all but the names, the maps of heaps and the series."""
        self.settle()
        heads_us, tails_us = self.threads.open_ends(self.begin_us, self._seen_us)
        gils = self.gils.state(heads_us, tails_us)
        return {
            "span": [self.begin_us, self._seen_us, self.at_us],
            **{name: getattr(self, name).state() for name in _STATES},
            "gils": gils,
            "threads": self.threads.state(ends_of(gils)),
            "per_process": [each.state() for each in self.per_process],
            "stacks": self.stacks.state(heads_us, tails_us),
            "events": [event.__dict__ for event in self.events],
        }

    def absorb(self, state: Json) -> None:
        """Go on as if the messages of the piece had been fed, of which the names were."""
        self.settle()
        begin_us, self._seen_us, at_us = state["span"]
        if not self._begun:
            self._begun, self.begin_us = True, begin_us
            self.processes.rebase()
            self.threads.rebase()
        for name in _SUMS:
            getattr(self, name).absorb(state[name])
        self.stacks.absorb(state["stacks"])
        told = self.threads.know(state["threads"], ends_of(state["gils"]))
        self.gils.absorb(state["gils"], self.threads, told)
        self.threads.absorb(state["threads"], told)
        self.loops.absorb(state["loops"], self.threads)
        for each, its in zip(self.per_process, state["per_process"], strict=True):
            each.absorb(its, self.begin_us)
        self.events.extend(Event(**event) for event in state["events"])
        self._explain()  # while the looks at where the piece begins are there
        self.at_us = max(self.at_us, at_us)

    def feed(self, message: Message) -> None:
        """Take the next message. ValueError when it speaks of what no message before it named."""
        match message:
            case Frame():
                self._frame(message)
            case Counters():
                self._counters(message)
            case Names():
                self.settle()
                self.threads.names(message)
                self.gils.names(message)
                self.stacks.names(message)
            case Stacks():
                self._stacks(message)
            case Blocked():
                self._blocked(message)
            case Process():
                self._process(message)
            case Report():
                self._report(message)
            case Hello():
                self.hello = message
            case End():
                self.end = message
                self._close(message.at_us)
            case Loops():
                self.loops.feed(message, self.threads, self.stacks.functions, self.end_us)
            case Pools():
                self.pools.feed(message, self.end_us)
            case FarLine():
                self.line.feed(message)
            case Memory() if not self._is_over(message.at_us):
                self.processes.walked(message)
            case Rollup() if not self._is_over(message.at_us):
                self.processes.summed(message)
            case CLibrary() if not self._is_over(message.at_us):
                self.processes.library_read(message, self.heaps.now(message.pid))
                self.trims.library_read(message)
                used = self.processes.in_use(message.pid)
                if used is not None:
                    self.collectors.in_use(message.pid, message.at_us, used, message.free or 0)
            case Event():
                self.events.append(message)
                if message.kind == "stopping":
                    self.processes.stopping(message.at_us)
            case _ if not self._is_over(instant_of(message)):
                begin_us = self.begin_us if self._begun else None
                for each in self.per_process:
                    each.feed(message, begin_us)
        self.at_us = max(self.at_us, instant_of(message))

    def settle(self) -> None:
        """Count all that came; see joined.py."""
        if self._joined is not None:
            self._joined.settle()
            self._explain()

    @property
    def edge_us(self) -> int:
        """As far as the measured time has come."""
        return self.at_us if self.end_us is None else min(self.at_us, self.end_us)

    @property
    def measured_us(self) -> int:
        """The measured time so far."""
        return self.edge_us - self.begin_us

    @property
    def counted_us(self) -> int:
        """The time that the totals of the processes cover: from one reading to another."""
        begin_us = self.begin_us if self._counted_from_us is None else self._counted_from_us
        return max(0, self.counters.at_us - begin_us)

    def hot(self, limit: int) -> list[HotRow] | None:
        """The functions seen most with the lock held, see hot.py; None where no look could be made."""
        rows = self.stacks.hot(limit)
        return rows if rows or available("stacks", self.processes.messages()) else None

    def who_waits(self, limit: int) -> list[WhoWaitsRow]:
        """Who makes whom wait, the `limit` pairs with most waiting; see who_waits.py."""
        return who_waits.rows(self.threads.waits.who, limit, self.gils, self.threads)

    def longest_waits(self) -> list[StretchRow]:
        """The longest waits for a GIL; see longest.py."""
        return self.threads.waits.longest.rows(
            self.threads.waits.still(), self.stacks.log, self.stacks.functions
        )

    def longest_holds(self) -> list[StretchRow]:
        """The longest holds of a GIL; see longest.py."""
        still = self.gils.still_held(self.threads)
        return self.gils.longest_holds.rows(still, self.stacks.log, self.stacks.functions)

    def stuck(self) -> list[StuckRow]:
        """Threads that stand still at a lock; see stuck.py."""
        return stuck.rows(self.threads, self.stacks.functions)

    def gils_switched_on(self) -> list[SwitchedOnRow]:
        """When free-threaded processes switched their GIL on, and by what."""
        return [
            {"pid": event.pid, "at_s": event.at_us / 1e6, "by": event.detail or None}
            for event in self.events
            if event.kind == "gil-on"
        ]

    def loop_rows(self) -> list[LoopRow]:
        """The event loops, the latest first; see loops.py."""
        return self.loops.rows(self.stacks.functions)

    def pool_rows(self) -> list[PoolRow]:
        """The pools of threads, the fullest first; see pools.py."""
        return self.pools.rows()

    def where(self) -> TimeOfAll:
        """Where the time of all threads went, by state; see where.py."""
        return of_all(self.threads.shares(), self.stacks.functions)

    def _frame(self, frame: Frame) -> None:
        if not self._begun:
            self.begin_us = frame.start_us
        if self.end_us is not None and self.end_us < frame.end_us:
            if self.end_us <= frame.start_us:
                return
            frame = self._cut(frame, self.end_us)
        start_us, end_us = frame.start_us, frame.end_us
        self._begun, self._seen_us = True, end_us
        self.sampled.add(frame)
        joined = self._joined is not None and self._joined.goes_on(frame)
        if self._joined is not None and not joined:
            self._explain()
        for index, switches, track in gils_of(frame):
            gil = self.gils[index]
            gil.feed(switches, track, start_us, end_us, self.threads, self.gils.longest_holds, joined)
        if self._joined is not None:
            self._joined.feed(frame)
            return
        for lane, track in lanes_of(frame):
            thread = self.threads[lane]
            holders = self.gils.holders(thread, end_us) if WAITING in track[::LANE_STEP] else None
            thread.feed(track, start_us, end_us, holders, self.threads.waits.end)
        self.frames.add(frame)
        if frame.gils:
            root = self.processes.root()
            run_us = end_us - self.begin_us
            self.gils.choose_main(
                [index for index, _, _ in gils_of(frame)], root.pid if root else None, run_us
            )
        self.series.frame(frame, self.gils.main)

    def _cut(self, frame: Frame, end_us: int) -> Frame:
        """The slice as if it had ended then, with that share of its samples."""
        kept = (end_us - frame.start_us) / (frame.end_us - frame.start_us)
        gils = [
            [index, switches, cut(track, GIL_STEP, end_us - max(frame.start_us, self.gils[index].named_us))]
            for index, switches, track in gils_of(frame)
        ]
        lanes = [
            [lane, cut(track, LANE_STEP, end_us - max(frame.start_us, self.threads[lane].named_us))]
            for lane, track in lanes_of(frame)
        ]
        return replace(frame, end_us=end_us, samples=round(frame.samples * kept), gils=gils, lanes=lanes)

    def _stacks(self, message: Stacks) -> None:
        self.stacks.feed(message, self.end_us)
        if self._joined is None:
            self._explain()
        for look in looks(message):
            self._locate(look.holder, HOLDING, look.at_us, Spot(look.holder_stack))
            self._locate(look.waiter, (WAITING,), look.at_us, Spot(look.waiter_stack))

    def _blocked(self, message: Blocked) -> None:
        for at_us, lane, state, _, stack, task in blocked_looks(message):
            if stack is not None:
                self.stacks.functions.leaf(stack)
            self._locate(lane, (state,), at_us, Spot(stack, task))
            thread = self.threads.get(lane)
            if thread is not None and state == LOCK and not self._is_over(at_us):
                thread.at_lock = LockLook(at_us, stack)

    def _explain(self) -> None:
        """Find what was executed in the longest waits and holds, as far as looks tell."""
        self.threads.waits.longest.explain(self.stacks.log)
        self.gils.longest_holds.explain(self.stacks.log)

    def _locate(self, lane: int, states: tuple[int, ...], at_us: int, spot: Spot) -> None:
        """A look at a thread, which may have been forgotten since."""
        thread = self.threads.get(lane)
        if thread is not None and not self._is_over(at_us):
            if self._joined is not None:
                self._joined.look(lane, at_us)
            thread.where.look(states, at_us, spot)

    def _counters(self, message: Counters) -> None:
        if self._is_over(message.at_us):
            return
        if self._joined is not None:
            self._joined.tell_states()
        self.processes.read(message)
        self.threads.read(message)
        self.processes.count_threads(message.at_us, self.threads.alive())
        self.counters.add(message)
        if not self._begun:
            self.processes.rebase()
            self.threads.rebase()
            self._counted_from_us = message.at_us
        self.observer_cpu.read(message.at_us, message.observer.get("cpu_us"))
        self.looked.read(message.at_us, message.observer.get("looked"))
        if self._joined is None:
            self.series.counters(message, self._sizes(), self.collectors.paused_us)

    def _sizes(self) -> Sizes:
        """What all processes have at this moment."""
        there = [heap.newest for heap in self.heaps.live()]
        tracked = [each.tracked for each in self.collectors.live() if each.tracked is not None]
        return Sizes(
            self.counters.rss,
            self.processes.pss(),
            sum(heap.bytes_used for heap in there) if there else None,
            sum(heap.arena_bytes for heap in there) if there else None,
            sum(tracked) if tracked else None,
        )

    def _process(self, message: Process) -> None:
        self.settle()
        pids = self.processes.note(message)
        self.trims.forget(pids)
        forgotten = self.gils.forget(pids, self.threads)
        if forgotten:
            self.threads.waits.forget(forgotten)
            self.stacks.log.forget(forgotten)
        if message.gone:
            self.threads.process_gone(message.pid, message.at_us)
        for each in self.per_process:
            each.forget(pids)
            if message.gone:
                each.process_gone(message.pid, message.at_us)

    def _report(self, message: Report) -> None:
        if "result" in message.data:
            self.result = message.data["result"]
            self._close(message.at_us)
        elif "trimmed" in message.data:
            root = self.processes.root()
            if self.hello is not None and root is not None:
                self.trims.reported(message.data["trimmed"], self.hello.origin_ns, root.pid)
        elif "output" in message.data:
            self.output = ((self.output or "") + message.data["output"])[-OUTPUT_TAIL:]

    def _is_over(self, at_us: int) -> bool:
        """Whether the measured time had ended by then; what came with the result was told before it."""
        return self.end_us is not None and at_us >= self.end_us

    def _close(self, at_us: int) -> None:
        if self.end_us is None:
            self.end_us = at_us


def instant_of(message: Message) -> int:
    """The newest instant that a message tells of; looks lie within frames, which tell it for them."""
    match message:
        case Hello() | Stacks() | Blocked():
            return 0
        case Frame():
            return message.end_us
    return message.at_us
