"""Who is there: the GILs and threads of one process, kept current by walking its thread states."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from . import procfs
from .memory import Unmapped
from .runtime import Runtime
from .state import Inconsistent, Interpreter, Survey, ThreadState, survey
from .syscalls import Ranges
from .tracks import GilTrack, Lane

SURVEY_PERIOD_US = 5_000  # threads that come by the thousand are not worth a walk of the list each

Numbers = Callable[[], int]  # the next free number: lanes and GILs are numbered over the whole run


class Roster:
    """The tracks of one process, by what they are looked up with."""

    def __init__(self, pid: int, runtime: Runtime, lane_numbers: Numbers, gil_numbers: Numbers) -> None:
        self.pid = pid
        self.runtime = runtime
        self.failed = 0  # walks that found the lists changing under them
        self.gil_enabled = True
        self.interpreters: list[Interpreter] = []
        self.gils: list[GilTrack] = []
        self.gil_by_index: dict[int | None, GilTrack] = {}
        self.gil_ranges: Ranges = []
        self.lanes: dict[int, Lane] = {}  # by tid
        self.lane_by_state: dict[int, int] = {}  # number, by the address of a thread state
        self.active: list[Lane] = []
        self.parked: list[Lane] = []
        self.new_gils: list[GilTrack] = []  # since they were last told
        self.new: list[Lane] = []
        self.gone: list[Lane] = []
        self.gone_gils: list[GilTrack] = []
        self.surveyed_us = 0
        self._lane_numbers, self._gil_numbers = lane_numbers, gil_numbers
        self._nested = procfs.nested(pid)
        self._heads: dict[int, int] = {}
        self._unsettled = False  # a state was found whose thread has not run yet

    def close(self) -> None:
        """Gives every descriptor back."""
        for lane in self.lanes.values():
            lane.close()
        self.lanes.clear()
        self.active, self.parked = [], []

    def refresh(self, now_us: int) -> None:
        """Walks the thread states: new threads get a lane, ended ones lose theirs.

        Raises AddressSpaceGone, Inconsistent or Unmapped.
        """
        memory = self.runtime.memory
        seen = survey(memory, self.runtime.address, self.runtime.layout)
        self.surveyed_us = now_us
        self.interpreters = seen.interpreters
        self._heads = seen.heads
        index_of = self._refresh_gils(seen, now_us)
        states: dict[int, list[ThreadState]] = {}
        threads = self._settled(self._as_known_here(seen.threads))
        for thread in threads:
            states.setdefault(thread.tid, []).append(thread)
        for tid in [tid for tid in self.lanes if tid not in states]:
            self.drop(self.lanes[tid])
        for tid, of_thread in states.items():
            if tid in self.lanes:
                self.lanes[tid].enter(of_thread, index_of.get(of_thread[0].gil))
            else:
                self._add(of_thread, index_of.get(of_thread[0].gil), now_us)
        self.lane_by_state = {t.address: self.lanes[t.tid].number for t in threads if t.tid in self.lanes}

    def _as_known_here(self, threads: list[ThreadState]) -> list[ThreadState]:
        """The thread states with the tids of this pid namespace; a container's process has its own."""
        if not self._nested:
            return threads
        here = procfs.tids_by_own(self.pid)
        return [replace(thread, tid=here[thread.tid]) for thread in threads if thread.tid in here]

    def _settled(self, threads: list[ThreadState]) -> list[ThreadState]:
        """Those that are sure to belong to the thread that they name; the others are looked at again.

        CPython 3.11 makes a thread's state in the thread that starts it, and the state bears that one's id
        until the new thread first runs. Newest come first, so of two with one id the later is the true one.
        From 3.12 on a state without a thread has no id.
        """
        if self.runtime.layout.version > (3, 11):
            return threads
        true = {(thread.interpreter, thread.tid): thread for thread in threads}
        self._unsettled = len(true) < len(threads)
        return list(true.values())

    def try_refresh(self, now_us: int) -> None:
        """The same, but a walk that fails is counted, and tried again later."""
        try:
            self.refresh(now_us)
        except (Inconsistent, Unmapped):
            self.failed += 1
            self.surveyed_us = now_us

    def follow_heads(self, now_us: int) -> None:
        """A new thread or interpreter changes the head of its list: one word a list tells."""
        memory = self.runtime.memory
        try:
            same = all(memory.u64(head) == word for head, word in self._heads.items())
            if same and not self._unsettled:
                return
        except Unmapped:
            pass  # an interpreter is gone, and with it the head of its threads
        self.try_refresh(now_us)

    def _refresh_gils(self, seen: Survey, now_us: int) -> dict[int, int]:
        """{address: index}; empty while the process runs without a GIL, as free-threaded builds can."""
        layout = self.runtime.layout.gil
        kept = {gil.address: gil for gil in self.gils}
        self.gils = []
        self.gil_enabled = layout.enabled is None or any(
            self.runtime.memory.i32(gil.address + layout.enabled) for gil in seen.gils
        )
        for gil in seen.gils if self.gil_enabled else ():
            track = kept.pop(gil.address, None)
            if track is None:
                track = GilTrack(self._gil_numbers(), gil.address, gil.interpreter, now_us)
                self.new_gils.append(track)
            self.gils.append(track)
        self.gone_gils += kept.values()
        self.gil_by_index = {gil.index: gil for gil in self.gils}
        self.gil_ranges = [(g.address + layout.cond, g.address + layout.end, g.index) for g in self.gils]
        return {gil.address: gil.index for gil in self.gils}

    def _add(self, states: list[ThreadState], gil: int | None, now_us: int) -> None:
        try:
            lane = Lane(self._lane_numbers(), self.pid, states, gil, now_us)
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended between the walk and now
        self.lanes[lane.tid] = lane
        self.active.append(lane)
        self.new.append(lane)

    def drop(self, lane: Lane) -> None:
        """The thread has ended."""
        del self.lanes[lane.tid]
        (self.parked if lane.parked else self.active).remove(lane)
        lane.close()
        self.gone.append(lane)

    def park(self, lane: Lane, idle: bool) -> None:
        """Says whether the thread has done nothing of late."""
        if idle == lane.parked:
            return
        lane.parked = idle
        source, target = (self.active, self.parked) if idle else (self.parked, self.active)
        source.remove(lane)
        target.append(lane)
