"""Who is there: the GILs and threads of one process.

A thread is an OS thread, and has one lane for as long as the kernel lists it. Those of Python have a thread
state in each interpreter that they are in; one that enters Python for each call (PyGILState_Ensure) makes a
state each time, and one of a C library's pool never has any.
"""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from typing import Callable

from app.model.states import HOLDER_UNKNOWN, UNKNOWN
from app.probe.cpython.layouts import PERMANENT, TSTATE_INTERP
from app.probe.cpython.runtime import Runtime
from app.probe.cpython.survey import Inconsistent, InterpreterState, Links, Survey, ThreadState, survey
from app.probe.cpython.survivor import survivor
from app.probe.kernel import procfs
from app.probe.kernel.births import newest_pid
from app.probe.kernel.memory import Unmapped
from app.probe.kernel.syscalls import Ranges

from .tracks import GilTrack, Lane

_SURVEY_PERIOD_US = 5_000  # between two walks of the lists of thread states
LIST_PERIOD_US = 50_000  # threads without a thread state come and go unannounced
# A walk of 500 thread states takes 2 ms, and one up to where they are what they were a third of that.
_SURVEY_ALL_US = 250_000  # between two of the whole
_SURVEY_REST = 10  # times what a walk took, before the next
_LIST_ANYWAY_US = 1_000_000  # to list 500 takes a millisecond: it is done where their number or births say so
_U64 = struct.Struct("=Q")

Numbers = Callable[[], int]  # the next free number: lanes and GILs are numbered over the whole run


class Roster:
    """The tracks of one process, by what they are looked up with."""

    def __init__(self, pid: int, runtime: Runtime, lane_numbers: Numbers, gil_numbers: Numbers) -> None:
        self.pid = pid
        self.runtime = runtime
        self.failed = 0  # walks that found the lists changing under them
        self.gil_enabled = True
        self.interpreters: list[InterpreterState] = []
        self.gils: list[GilTrack] = []
        self.gil_by_index: dict[int | None, GilTrack] = {}
        self.gil_ranges: Ranges = []
        self.lanes: dict[int, Lane] = {}  # by tid
        self.lane_by_number: dict[int, Lane] = {}
        self.active: list[Lane] = []
        self.parked: list[Lane] = []
        self.new_gils: list[GilTrack] = []  # since they were last told
        self.new: list[Lane] = []
        self.entered: list[Lane] = []  # found in their first interpreter since they were last told
        self.gone: list[Lane] = []
        self.gone_gils: list[GilTrack] = []
        self.surveyed_us = self.listed_us = self._listed_all_us = 0
        self._listed_at = (0, b"")
        self._links: dict[int, Links] = {}
        self._surveyed_all_us = -_SURVEY_ALL_US
        self._refresh_at_us = 0
        self.unseen_us: int | None = None  # since when the observer did not run, until the next sample
        self.sampled_us: int | None = None  # the time of the newest sample, or of the one that is being taken
        self._missed = 0  # long blocks that nobody looked at, of threads that have ended
        self._lane_numbers, self._gil_numbers = lane_numbers, gil_numbers
        self._nested = procfs.nested(pid)
        self._own_pid = (procfs.own_tid(pid, pid) or pid) if self._nested else pid
        self._lane_by_own: dict[int, Lane] = {}  # by the id that CPython knows a thread by
        self._lane_by_state: dict[int, Lane] = {}  # by the address of a thread state, as of the last walk
        self._fleeting = False  # threads drop and make states while they live, so that may be out of date
        self._survivor = 0  # the state that a bare fork left with another id than its thread's
        self._heads: dict[int, int] = {}
        self._unsettled = False  # a state was found whose thread has not run yet
        self._outdated = False  # a thread that had a state has ended since the last walk
        thread = runtime.layout.thread_state
        self._owner_size = thread.native_thread_id + _U64.size - TSTATE_INTERP
        self._tid_at = thread.native_thread_id - TSTATE_INTERP

    def close(self) -> None:
        """Gives every descriptor back."""
        for lane in self.lanes.values():
            lane.close()
        self.lanes.clear()
        self.lane_by_number.clear()
        self.active, self.parked = [], []

    def refresh(self, now_us: int) -> None:
        """Lists the threads and walks their states: new threads get a lane, ended ones lose theirs.

        Raises AddressSpaceGone, Inconsistent or Unmapped.
        """
        began_ns = time.thread_time_ns()
        in_full = self._unsettled or now_us - self._surveyed_all_us >= _SURVEY_ALL_US
        before = None if in_full else self._links
        self._outdated = False  # before the walk: an end that is found after it calls for another
        seen = survey(self.runtime.memory, self.runtime.address, self.runtime.layout, before)
        self._links, self.surveyed_us = seen.links, now_us
        if in_full:
            self._surveyed_all_us = now_us
        self.interpreters = seen.interpreters
        self._heads = seen.heads
        index_of = self._refresh_gils(seen, now_us)
        self.list_threads(now_us)
        states = self._by_thread(seen.threads)
        self._lane_by_state = {}
        for lane in self.lanes.values():
            mine = states.get(lane.own, [])
            if mine and lane.interpreter is None:
                self.entered.append(lane)
            elif mine and mine != lane.states:
                self._fleeting = True
            lane.enter(mine, index_of.get(mine[0].gil) if mine else None)
            for state in mine:
                self._lane_by_state[state.address] = lane
        cost_us = (time.thread_time_ns() - began_ns) // 1000
        self._refresh_at_us = now_us + cost_us * _SURVEY_REST

    def list_threads(self, now_us: int) -> None:
        """Asks the kernel which threads there are. A thread is there before it has a state, and after."""
        self.listed_us = self._listed_all_us = now_us
        self._listed_at = self._births()
        tids = procfs.tids(self.pid)
        for lane in [self.lanes[tid] for tid in self.lanes.keys() - tids]:
            self.drop(lane, now_us)
        for tid in tids:
            if tid not in self.lanes:
                self._add(tid, now_us)

    def _births(self) -> tuple[int, bytes]:
        """What changes with each thread that is started, and with most that end."""
        return procfs.thread_count(self.pid), newest_pid()

    def _list_if_changed(self, now_us: int) -> None:
        self.listed_us = now_us
        if self._births() != self._listed_at or now_us - self._listed_all_us >= _LIST_ANYWAY_US:
            self.list_threads(now_us)

    def _by_thread(self, states: list[ThreadState]) -> dict[int, list[ThreadState]]:
        """{its own id: its states} of each thread that the kernel lists; no other is believed to be one."""
        strangers = [state for state in states if state.tid not in self._lane_by_own]
        main = self._own_pid
        if not strangers:
            self._survivor = 0
        elif self._survivor not in [state.address for state in strangers]:
            self._survivor = survivor(self.runtime.memory, self.runtime.layout, strangers, main) or 0
        here = [state for state in states if state.tid in self._lane_by_own]
        if self._survivor:  # it comes last, as the oldest of the main thread's
            here += [replace(state, tid=main) for state in strangers if state.address == self._survivor]
        found: dict[int, list[ThreadState]] = {}
        for state in self._settled(here):
            found.setdefault(state.tid, []).append(state)
        return found

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

    def may_refresh(self, now_us: int) -> bool:
        """Whether another walk is not too early: threads that come by the thousand are not worth one each."""
        return now_us >= max(self.surveyed_us + _SURVEY_PERIOD_US, self._refresh_at_us)

    def follow(self, now_us: int) -> None:
        """A new thread state or interpreter changes the head of its list: one word a list tells.

        Not where it lies at the address of one that has just ended: then that thread's end tells. A thread
        without a state changes nothing that can be read, so the kernel is asked now and then.
        """
        memory = self.runtime.memory
        try:
            same = all(memory.u64(head) == word for head, word in self._heads.items())
        except Unmapped:
            same = False  # an interpreter is gone, and with it the head of its threads
        late = self._surveyed_all_us < self.surveyed_us <= now_us - _SURVEY_ALL_US  # it was not in full
        if not same or self._outdated or self._unsettled or late:
            if now_us >= self._refresh_at_us:
                self.try_refresh(now_us)
        elif now_us - self.listed_us >= LIST_PERIOD_US:
            self._list_if_changed(now_us)

    def lane_of(self, state: int) -> Lane | None:
        """The lane of the thread whose state lies at that address; None where no such thread is known."""
        lane = self._lane_by_state.get(state)
        return self._owner(state) if lane is None or self._fleeting else lane

    def number_of(self, state: int) -> int:
        """The number of that lane, or HOLDER_UNKNOWN."""
        lane = self.lane_of(state)
        return HOLDER_UNKNOWN if lane is None else lane.number

    def _owner(self, state: int) -> Lane | None:
        """Whose state it is, by what the state itself says: a thread may have made it since the last walk."""
        try:
            block = self.runtime.memory.read(state + TSTATE_INTERP, self._owner_size)
        except Unmapped:
            return None
        interpreter, own = _U64.unpack_from(block)[0], _U64.unpack_from(block, self._tid_at)[0]
        if all(interpreter != known.address for known in self.interpreters):
            return None
        return self._lane_by_own.get(self._own_pid if state == self._survivor else own)

    def _refresh_gils(self, seen: Survey, now_us: int) -> dict[int, int]:
        """{address: index}; empty while the process runs without a GIL, as free-threaded builds can."""
        layout = self.runtime.layout.gil
        kept = {gil.address: gil for gil in self.gils}
        self.gils = []
        self.gil_enabled = layout.enabled is None or any(
            self.runtime.memory.i32(gil.address + layout.enabled) == PERMANENT for gil in seen.gils
        )
        for gil in seen.gils if self.gil_enabled else ():
            track = kept.pop(gil.address, None)
            if track is None:
                track = GilTrack(self._gil_numbers(), gil.address, gil.interpreter, now_us)
                self.new_gils.append(track)
            self.gils.append(track)
        for gone in kept.values():
            self._drop_gil(gone, now_us)
        self.gil_by_index = {gil.index: gil for gil in self.gils}
        self.gil_ranges = [(g.address + layout.cond, g.address + layout.end, g.index) for g in self.gils]
        return {gil.address: gil.index for gil in self.gils}

    def _add(self, tid: int, now_us: int) -> None:
        own = procfs.own_tid(self.pid, tid) if self._nested else tid
        if own is None:
            return
        try:
            lane = Lane(self._lane_numbers(), self.pid, tid, own, now_us)
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended between the listing and now
        self.lanes[tid] = self._lane_by_own[own] = self.lane_by_number[lane.number] = lane
        self.active.append(lane)
        self.new.append(lane)

    def _drop_gil(self, gil: GilTrack, now_us: int) -> None:
        """The lock has gone, with its interpreter or switched off: as with a thread that has ended.

        Its thread may go on without it, so it must not be said to hold it to the end of the slice.
        """
        if self.unseen_us is not None:
            gil.lose(self.unseen_us)
        gil.pieces = gil.flush(self._found_us(now_us))
        self.gone_gils.append(gil)

    def _found_us(self, now_us: int) -> int:
        """What is found between two samples to have ended has done so with the newest."""
        return now_us if self.sampled_us is None else min(now_us, self.sampled_us)

    def drop(self, lane: Lane, now_us: int) -> None:
        """The thread has ended: it is found so now, and was what it was last seen to be until then.

        A slice ends with the newest sample at the earliest, and nothing in it lasts for longer.
        """
        now_us = self._found_us(now_us)
        if self.unseen_us is not None:  # or until nobody looked any more
            lane.lose(self.unseen_us)
            lane.pieces = lane.flush(now_us)
        lane.become(UNKNOWN, now_us)
        self._missed += lane.missed
        del self.lanes[lane.tid], self._lane_by_own[lane.own], self.lane_by_number[lane.number]
        self._outdated |= bool(lane.states)
        for state in lane.states:
            self._lane_by_state.pop(state.address, None)
        (self.parked if lane.parked else self.active).remove(lane)
        lane.close()
        self.gone.append(lane)

    def missed_blocks(self, now_us: int) -> int:
        """How many long blocks there have been, those that go on included, that nobody has looked at."""
        return self._missed + sum(lane.missed + lane.is_missed(now_us) for lane in self.lanes.values())

    def park(self, lane: Lane, idle: bool) -> None:
        """Says whether the thread has done nothing of late."""
        if idle == lane.parked:
            return
        lane.parked = idle
        source, target = (self.active, self.parked) if idle else (self.parked, self.active)
        source.remove(lane)
        target.append(lane)
