"""Sampling one CPython process: its GILs, and every thread that is not parked.

One sample is: read each GIL, read what the kernel says of each thread, read the GILs again. Where the lock
moved in between the sample is taken anew, since a thread's state is told from both together.

A thread that did nothing since the last counters is parked: it is looked at every PARKED_EVERY-th sample
instead of each, so a thousand idle threads cost what fifty do.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Callable

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, NATIVE, RUNNING, STALLED, UNKNOWN, WAITING

from .memory import AddressSpaceGone, Unmapped
from .runtime import Runtime
from .state import Inconsistent, Survey, ThreadState, survey
from .syscalls import Ranges, classify
from .tracks import GilTrack, Lane

PARKED_EVERY = 20
HEADS_EVERY = 5  # samples between two looks at whether a thread or an interpreter was made
_GIL_READ = 32  # interval, last_holder, locked, switch_number: all in one read
_TRIES = 3  # 2 to 5 samples in a thousand find that the lock moved; hardly one finds it twice
_SURVEY_PERIOD_US = 5_000  # threads that come by the thousand are not worth a walk of the list each
_RUNNABLE = ord("r")  # of "running", which a thread in the run queue reads too
_FULL_INTERVAL = 0.8  # of the switch interval: a hold is first seen up to a period after it began
_TEXT = 256  # `syscall` is at most 9 numbers of 18 characters

Json = list[Any]
Numbers = Callable[[], int]  # the next free number: lanes and GILs are numbered over the whole run


class Sampler:
    """The tracks of one process. `now_us` is the time of a sample, from the run's origin."""

    def __init__(
        self, pid: int, runtime: Runtime, lane_numbers: Numbers, gil_numbers: Numbers, now_us: int
    ) -> None:
        """Surveys the process at once; raises AddressSpaceGone, Inconsistent or Unmapped."""
        self.pid = pid
        self.runtime = runtime
        self.failed = 0
        self.samples = 0
        self.gils: list[GilTrack] = []
        self.lanes: dict[int, Lane] = {}  # by tid
        self.new: list[Lane] = []
        self.gone: list[Lane] = []
        self._lane_numbers, self._gil_numbers = lane_numbers, gil_numbers
        self._active: list[Lane] = []
        self._parked: list[Lane] = []
        self._holders: dict[int, int] = {}  # thread state's address: lane
        self._by_index: dict[int | None, GilTrack] = {}
        self._ranges: Ranges = []
        self._heads: list[int] = []
        self._head_words: list[int] = []
        self._surveyed_us = now_us
        self._layout = runtime.layout.gil
        self._unpack = struct.Struct("=QQi4xQ").unpack
        self.refresh(now_us)

    def close(self) -> None:
        """Gives every descriptor back."""
        for lane in self.lanes.values():
            lane.close()
        self.lanes.clear()
        self._active, self._parked = [], []
        self.runtime.memory.close()

    # ---- who is there

    def refresh(self, now_us: int) -> None:
        """Walks the thread states again: new threads get a lane, ended ones lose theirs."""
        memory = self.runtime.memory
        seen = survey(memory, self.runtime.address, self.runtime.layout)
        self._surveyed_us = now_us
        self._heads = seen.heads
        self._head_words = [memory.u64(head) for head in seen.heads]
        index_of = self._refresh_gils(seen, now_us)
        present: dict[int, ThreadState] = {}
        for thread in seen.threads:
            present.setdefault(thread.tid, thread)
        for tid in [tid for tid in self.lanes if tid not in present]:
            self._drop(self.lanes[tid])
        for tid, thread in present.items():
            if tid not in self.lanes:
                self._add(thread, index_of[thread.gil], now_us)
        self._holders = {t.address: self.lanes[t.tid].number for t in seen.threads if t.tid in self.lanes}

    def _refresh_gils(self, seen: Survey, now_us: int) -> dict[int, int]:
        kept = {gil.address: gil for gil in self.gils}
        self.gils = [
            kept.get(gil.address) or GilTrack(self._gil_numbers(), gil.address, gil.interpreter, now_us)
            for gil in seen.gils
        ]
        layout = self._layout
        self._by_index = {gil.index: gil for gil in self.gils}
        self._ranges = [(g.address + layout.cond, g.address + layout.end, g.index) for g in self.gils]
        return {gil.address: gil.index for gil in self.gils}

    def _add(self, thread: ThreadState, gil: int, now_us: int) -> None:
        try:
            lane = Lane(self._lane_numbers(), self.pid, thread, gil, now_us)
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended between the walk and now
        self.lanes[thread.tid] = lane
        self._active.append(lane)
        self.new.append(lane)

    def _drop(self, lane: Lane) -> None:
        del self.lanes[lane.thread.tid]
        (self._parked if lane.parked else self._active).remove(lane)
        lane.close()
        self.gone.append(lane)

    def park(self, lane: Lane, idle: bool) -> None:
        """Says whether the thread has done nothing of late."""
        if idle == lane.parked:
            return
        lane.parked = idle
        source, target = (self._active, self._parked) if idle else (self._parked, self._active)
        source.remove(lane)
        target.append(lane)

    # ---- one sample

    def sample(self, now_us: int) -> None:
        """Looks once. Raises AddressSpaceGone when the process exited or became another program."""
        if self.samples % HEADS_EVERY == 0:
            self._follow_heads(now_us)
        due = self._active + self._parked if self.samples % PARKED_EVERY == 0 else self._active
        self.samples += 1
        for _ in range(_TRIES):
            due = self._read(due, now_us)
            if self._unmoved():
                break
        else:
            self.failed += 1
        self._judge(due, self._holders_now(now_us), now_us)

    def gap(self, from_us: int) -> None:
        """From then until the next sample the observer itself did not run: nobody knows what was."""
        for lane in self.lanes.values():
            lane.become(UNKNOWN, from_us)
        for gil in self.gils:
            gil.become(HOLDER_UNKNOWN, 0, from_us)

    def flush(self, now_us: int) -> tuple[list[Json], list[Json]]:
        """(GIL entries, lane entries) of a frame that ends now; lanes that have gone are in it once more."""
        gils = [[gil.index, gil.flush_switches(), gil.flush(now_us)] for gil in self.gils]
        lanes = [[lane.number, lane.pieces] for lane in self.gone if lane.pieces]
        lanes += [[lane.number, lane.flush(now_us)] for lane in self.lanes.values()]
        return gils, lanes

    @property
    def switch_interval_us(self) -> int | None:
        """sys.getswitchinterval() of the process, as the last sample found it."""
        for gil in self.gils:
            if len(gil.raw) == _GIL_READ:
                interval: int = self._unpack(gil.raw)[0]
                return interval
        return None

    def _follow_heads(self, now_us: int) -> None:
        """A new thread or interpreter changes the head of its list: one word a list tells."""
        memory = self.runtime.memory
        try:
            if [memory.u64(head) for head in self._heads] == self._head_words:
                return
        except Unmapped:
            pass  # an interpreter is gone, and with it the head of its threads
        self._try_refresh(now_us)

    def _try_refresh(self, now_us: int) -> None:
        try:
            self.refresh(now_us)
        except (Inconsistent, Unmapped):
            self.failed += 1
            self._surveyed_us = now_us

    def _read(self, due: list[Lane], now_us: int) -> list[Lane]:
        """Fills in the raw texts; returns the lanes whose threads still live."""
        pread, memory = os.pread, self.runtime.memory.fd
        for gil in self.gils:
            gil.raw = pread(memory, _GIL_READ, gil.address)
            if not gil.raw:
                raise AddressSpaceGone(self.pid)
        ended: list[Lane] = []
        for lane in due:
            try:
                lane.raw = pread(lane.fd, _TEXT, 0)
            except ProcessLookupError:
                ended.append(lane)
            except PermissionError:
                lane.raw = b""
        if not ended:
            return due
        for lane in ended:
            lane.become(UNKNOWN, now_us)  # closes its last piece
            self._drop(lane)
        return [lane for lane in due if lane not in ended]

    def _unmoved(self) -> bool:
        pread, memory = os.pread, self.runtime.memory.fd
        for gil in self.gils:  # noqa: SIM110  a generator costs as much as the read, a thousand times a second
            if pread(memory, _GIL_READ, gil.address) != gil.raw:
                return False
        return True

    def _holders_now(self, now_us: int) -> dict[int, int]:
        """{lane: index of the GIL that it holds}; notes in each track what its lock did since last time."""
        held = {}
        for gil in self.gils:
            interval, last_holder, locked, switches = self._unpack(gil.raw)
            gil.moved = switches - gil.switches if gil.switches is not None else 0
            gil.switches = switches
            if gil.moved or locked != 1:
                self._note_end_of_hold(gil, interval, now_us)
            lane = self._holders.get(last_holder, HOLDER_UNKNOWN)
            if locked != 1:
                gil.last, gil.now = lane, HOLDER_NONE
                continue
            if lane == HOLDER_UNKNOWN and now_us - self._surveyed_us >= _SURVEY_PERIOD_US:
                self._try_refresh(now_us)
                lane = self._holders.get(last_holder, HOLDER_UNKNOWN)
            if lane == HOLDER_UNKNOWN:
                self.failed += 1
            elif gil.moved > 1 and lane == gil.holder:
                gil.break_hold(now_us)
            gil.last = gil.now = lane
            held[lane] = gil.index
        return held

    def _note_end_of_hold(self, gil: GilTrack, interval_us: int, now_us: int) -> None:
        """Whether the holder let go because it was asked to: others waited, and its interval was up."""
        for lane in self._active:
            if lane.number == gil.holder:
                full = now_us - gil.held_since >= interval_us * _FULL_INTERVAL
                lane.made_to_let_go = full and gil.waiters > 0
                return

    def _judge(self, due: list[Lane], held: dict[int, int], now_us: int) -> None:
        """Gives every lane that was looked at its state, and every GIL its holder and waiters."""
        waiters = dict.fromkeys(self._by_index, 0)
        for lane in due:
            state = self._state_of(lane, lane.number in held)
            if state == WAITING and lane.waits_for is not None:
                waiters[lane.waits_for] += 1
            if state != lane.state:
                lane.become(state, now_us)
        for gil in self.gils:
            if gil.now != gil.holder or waiters[gil.index] != gil.waiters:
                gil.become(gil.now, waiters[gil.index], now_us)
        for lane in [lane for lane in self._parked if lane.number in held]:
            self.park(lane, idle=False)

    def _state_of(self, lane: Lane, holds: bool) -> int:
        raw = lane.raw
        if not raw:
            self.failed += 1
            return UNKNOWN
        if raw[0] == _RUNNABLE:
            if holds:
                return RUNNING
            return WAITING if self._wants_the_lock(lane) else NATIVE
        if raw != lane.seen:
            lane.seen = raw
            lane.blocked, lane.waits_for = classify(raw, self._ranges)
        if holds:  # a futex of the lock's own structure is part of taking it and of handing it on
            return RUNNING if lane.blocked == WAITING else STALLED
        return lane.blocked

    def _wants_the_lock(self, lane: Lane) -> bool:
        """Whether a thread that is runnable, but not the holder, is on its way into the lock.

        One that was made to let go asks for the lock again at once; until it gets a CPU it reads as runnable.
        One that waited was woken and has not got a CPU, unless it took the lock and let go of it since the
        last sample: that takes two changes of hands, its own and the next holder's, or one if it is still the
        last holder. A thread that was made to let go does not give the lock back that fast.
        """
        if lane.state == RUNNING and lane.made_to_let_go:
            lane.waits_for = lane.gil
            return True
        gil = self._by_index.get(lane.waits_for)
        return (
            lane.state == WAITING
            and gil is not None
            and gil.last != lane.number
            and (gil.moved <= 1 or lane.made_to_let_go)
        )
