"""One CPython while it can be read: its locks and threads, their names and stacks, collectors and heaps."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from app.model.frames import Message
from app.probe.cpython import capabilities
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.runtime import Runtime
from app.probe.cpython.vocabulary import Vocabulary
from app.probe.kernel import procfs
from app.probe.kernel.run_clock import RunClock

from .blocked import BlockedLooker
from .collectors import CollectorReads
from .event_loops import EventLoops
from .gil_switch import GilSwitch
from .heaps import HeapReads
from .looks import Looker
from .names import Naming
from .sampler import Sampler
from .slow import SlowReads
from .thread_pools import ThreadPools
from .tracks import GilTrack, Lane
from .turns import BLOCKED, Turn

_COUNTED = 96  # threads whose totals are read at a time,
_COUNTED_A_STEP = 12  # and between two samples: some 25 us each

Numbers = Callable[[], int]


@dataclass(frozen=True)
class ReaderRun:
    """What all readers of a run share."""

    lane_numbers: Numbers
    gil_numbers: Numbers
    vocabulary: Vocabulary
    clock: RunClock
    slow: SlowReads
    emit: Callable[[Message], None]


class Reader:
    """What the observer keeps of a CPython that it reads; it comes and goes with the address space."""

    def __init__(
        self,
        pid: int,
        runtime: Runtime,
        run: ReaderRun,
        heap_looked_at: bool,
        now_us: int,
    ) -> None:
        """Inconsistent, Unmapped or AddressSpaceGone where it cannot be read now."""
        self.sampler = Sampler(pid, runtime, run.lane_numbers, run.gil_numbers, now_us, run.clock.now_us)
        self.roster = self.sampler.roster
        self._counted = Turn()
        self.naming = Naming(self.roster)
        self.stacks = NumberedStacks(runtime, run.vocabulary)
        self.looker = Looker(self.sampler, self.stacks)
        self.loops = EventLoops(self.roster, self.stacks, run.clock.origin_ns)
        self.pools = ThreadPools(self.roster, self.stacks, run.clock.now_us)
        self.blocked = BlockedLooker(self.sampler, self.stacks, self.loops.task)
        self.gil_switch = GilSwitch(self.sampler, self.stacks)
        self.collectors = CollectorReads(self.roster, run.clock.origin_ns)
        self.heaps = HeapReads(runtime, run.slow, run.emit, heap_looked_at)
        self.census_of = capabilities.ALL  # as far as is known

    def close(self) -> None:
        """Gives the descriptors back."""
        self.sampler.close()
        self.collectors.close()

    def sample(self, now_us: int) -> int:
        """Looks once; the time of which the sample is, which may be later than `now_us`. AddressSpaceGone."""
        self.gil_switch.sample(now_us)
        sampled_us = self.sampler.sample(now_us)
        if sampled_us != now_us:
            self.collectors.gap(now_us)
        self.collectors.sample(sampled_us)
        self.loops.sample(sampled_us)
        self.pools.sample(sampled_us)
        return sampled_us

    def gap(self, from_us: int) -> None:
        """Nobody looked since `from_us`."""
        self.sampler.gap(from_us)
        self.collectors.gap(from_us)

    def thread_counters(self, now_us: int, every: bool) -> Generator[None, None, list[Any]]:
        """The kernel's totals of the threads whose turn it is, as a counters message lists them; in steps."""
        rows: list[Any] = []
        lanes = list(self.roster.lanes.values())
        for number, lane in enumerate(lanes if every else self._counted.take(lanes, _COUNTED), 1):
            if number % _COUNTED_A_STEP == 0:
                yield
            if self.roster.lanes.get(lane.tid) is not lane:
                continue  # it has ended in a step before
            if not lane.lives():
                self.roster.drop(lane, now_us)  # and its id may be another's by now
                continue
            scheduled = procfs.schedstat(self.sampler.pid, lane.tid)
            if scheduled is None:
                continue  # it has just ended
            *run_delay, times = scheduled
            # A parked thread was blocked: while it is given no CPU, it cannot give one up either.
            unchanged = lane.parked and times == lane.scheduled
            switches = lane.switches if unchanged else procfs.switches(self.sampler.pid, lane.tid)
            if switches is None:
                continue
            rows.append([lane.number, *run_delay, *switches])
            self.roster.park(lane, idle=switches == lane.switches and lane.state in BLOCKED)
            lane.scheduled, lane.switches = times, switches
        return rows

    def take_names(self, now_us: int, in_full: bool) -> tuple[list[Any], list[Any]]:
        """Rows of threads and GILs, as a names message lists them, that are new or have come to Python."""
        roster = self.roster
        tracks: list[Lane | GilTrack] = [*roster.new, *roster.new_gils]
        for track in tracks:
            track.begin(now_us)  # a busy machine may have kept it waiting for its name
        told = self.naming.name(roster.new, roster.entered, now_us, in_full)
        self.loops.meet(roster.new, now_us)
        self.pools.meet(roster.new, now_us)
        gils = [[gil.index, self.sampler.pid, gil.interpreter] for gil in roster.new_gils]
        roster.new, roster.new_gils, roster.entered = [], [], []
        return [self._row(lane) for lane in told], gils

    @property
    def unnamed(self) -> bool:
        """Whether there is something for `take_names` to tell."""
        return bool(self.roster.new or self.roster.entered or self.roster.new_gils)

    def renamed(self, now_us: int) -> list[Any]:
        """Rows of threads whose names are found to be others than they were; AddressSpaceGone."""
        return [self._row(lane) for lane in self.naming.renamed(now_us)]

    def facts(self, stacks: bool) -> dict[str, Any]:
        """What a process message tells of the interpreter; `stacks`: they are looked at."""
        layout, roster = self.sampler.runtime.layout, self.roster
        interpreters = len({state.interpreter for lane in roster.lanes.values() for state in lane.states})
        levels, why = capabilities.of(
            layout, roster.gil_enabled, interpreters, stacks, self.heaps.present, self.census_of
        )
        return {
            "python": self.sampler.runtime.version,
            "free_threaded": layout.free_threaded,
            "gil_enabled": roster.gil_enabled,
            "switch_interval_us": self.sampler.switch_interval_us,
            "capabilities": levels,
            "why": why,
        }

    def _row(self, lane: Lane) -> list[Any]:
        return [lane.number, self.sampler.pid, lane.tid, lane.name, lane.interpreter]
