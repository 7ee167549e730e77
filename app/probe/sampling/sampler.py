"""Sampling one CPython process: its GILs, and every thread that is not parked.

One sample is: read each GIL, read what is known of each thread, read the GILs again. Where the lock moved in
between the sample is taken anew, since a thread's state is told from both together.

Which threads are looked at in a sample, where there are many: see turns.py. What a look finds is the state of
the thread until the next one, for LOOK_US at the most, or PARKED_LOOK_US: beyond that it is unknown.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Callable

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, NATIVE, UNKNOWN, WAITING
from app.probe.cpython.runtime import Runtime
from app.probe.kernel.memory import AddressSpaceGone, Unmapped

from . import handing_on
from .judges import judge_for
from .roster import Numbers, Roster
from .tracks import GilTrack, Lane
from .turns import BLOCKED, Turns

LOOK_US = 50_000
PARKED_LOOK_US = 250_000  # as long as it did nothing before it was parked
HEADS_EVERY = 5  # samples between two looks at whether a thread or an interpreter was made
_GIL = struct.Struct("=QQi4xQ")  # interval, last_holder, locked, switch_number: all in one read
GAP_US = 10_000  # two of the default switch intervals: nobody knows what was in a longer one
_TRIES = 3  # 2 to 5 samples in a thousand find that the lock moved; hardly one finds it twice
_FULL_INTERVAL = 0.8  # of the switch interval: a hold is first seen up to a period after it began
TEXT = 256  # `syscall` is at most 9 numbers of 18 characters

Rows = list[Any]


class Sampler:
    """The tracks of one process. `now_us` is the time of a sample, from the run's origin."""

    def __init__(
        self,
        pid: int,
        runtime: Runtime,
        lane_numbers: Numbers,
        gil_numbers: Numbers,
        now_us: int,
        clock_us: Callable[[], int],
    ) -> None:
        """Surveys the process at once; raises AddressSpaceGone, Inconsistent or Unmapped.

        `clock_us` tells the time from the run's origin.
        """
        self.pid = pid
        self.runtime = runtime
        self.roster = Roster(pid, runtime, lane_numbers, gil_numbers)
        self.samples = 0
        self.turns = Turns()
        self._failed = 0
        self._looks = 0
        self._looked = self._lookable = 0  # looks at active threads, and how many there could have been
        self._clock_us = clock_us
        self._period_us, self._sampled_us = 0, now_us
        self._late_us = 0  # how long after its beat the newest sample was read
        self._gil_at = runtime.layout.gil.interval
        self.roster.refresh(now_us)
        self._judged_with_gil = self.roster.gil_enabled
        self._judge = judge_for(self.roster)

    def close(self) -> None:
        """Gives every descriptor back."""
        self.roster.close()
        self.runtime.memory.close()

    def review(self, now_us: int) -> None:
        """Looks whether a free-threaded process has switched its GIL on or off since."""
        if self.runtime.layout.gil.enabled is not None:
            self.roster.try_refresh(now_us)
            self._choose_judge()

    def _choose_judge(self) -> None:
        """Any walk of the threads may have found the GIL switched."""
        if self.roster.gil_enabled != self._judged_with_gil:
            self._judged_with_gil = self.roster.gil_enabled
            self._judge = judge_for(self.roster)

    def take_failed(self) -> int:
        """How many reads have failed since the last call."""
        failed = self._failed + self.roster.failed
        self._failed = self.roster.failed = 0
        return failed

    def sample(self, now_us: int) -> int:
        """Looks once; the time that the sample is of: `now_us`, or later where the observer stood in between.

        Raises AddressSpaceGone when the process exited or became another program.
        """
        roster = self.roster
        roster.sampled_us = now_us
        if self.samples % HEADS_EVERY == 0:
            roster.follow(now_us)
            self._choose_judge()
        self.samples += 1
        if roster.unseen_us is None:
            self._period_us = now_us - self._sampled_us
        due = self._read(now_us)
        while self._stood(now_us):  # what was read may be of before that
            self.gap(now_us)
            roster.sampled_us = now_us = now_us + self._late_us
            due = self._read(now_us)
        self._end_gap(due is not None, now_us)
        if due is not None:
            if due is not roster.active:
                self._lose([lane for lane in due if not lane.parked], LOOK_US, now_us)
            self._judge_all(due, self._holders_now(now_us), now_us)
        self._sampled_us = now_us
        return now_us

    def gap(self, from_us: int) -> None:
        """From then until the next sample the observer did not run, if this process was not read since."""
        if from_us > self._sampled_us and self.roster.unseen_us is None:
            self.roster.unseen_us = from_us

    def _stood(self, now_us: int) -> bool:
        """Whether the observer lost its CPU between the beat at `now_us` and the end of what it has read.

        Reading many processes takes its time too, but about as long at each beat.
        """
        before_us, self._late_us = self._late_us, self._clock_us() - now_us
        return self.samples > 1 and self._late_us - before_us > GAP_US

    def _end_gap(self, sampled: bool, now_us: int) -> None:
        """Of a gap nobody knows what was in it, but that those still wait who cannot have had the lock."""
        from_us, self.roster.unseen_us = self.roster.unseen_us, None
        if from_us is None:
            return
        # One that is looked at seldom, since it is blocked, is trusted for longer than that anyway.
        trust_us = LOOK_US if len(self.roster.active) > self.turns.most else 0
        for lane in self.roster.lanes.values():
            if sampled and self._judge.still_waits(lane):
                lane.looked_us = now_us
                continue
            seldom_us = PARKED_LOOK_US if lane.parked else trust_us
            if lane.state not in BLOCKED or now_us - lane.looked_us > seldom_us:
                lane.lose(from_us)
        for gil in self.roster.gils:
            gil.lose(from_us)

    @property
    def looks(self) -> int:
        """How many threads the newest sample has looked at."""
        return self._looks

    def take_looked(self) -> tuple[int, int]:
        """(looks at active threads, how many had each sample looked at all of them) since the last call."""
        looked = self._looked, self._lookable
        self._looked = self._lookable = 0
        return looked

    def flush(self, now_us: int) -> tuple[Rows, Rows]:
        """(GIL entries, lane entries) of a frame that ends now; those that have gone are in it once more."""
        roster = self.roster
        self._end_gap(False, now_us)  # there was no sample since: the process has ended in it
        queued = handing_on.before_slice_ends(roster, now_us)
        gils = [[gil.index, gil.flush_switches(), gil.take()] for gil in roster.gone_gils]
        gils += [[gil.index, gil.flush_switches(), gil.flush(now_us)] for gil in roster.gils]
        roster.gone_gils = []
        self._lose(roster.active, LOOK_US, now_us)
        self._lose(roster.parked, PARKED_LOOK_US, now_us)
        lanes = [[lane.number, lane.take()] for lane in roster.gone if lane.pieces]
        lanes += [[lane.number, lane.flush(now_us)] for lane in roster.lanes.values()]
        handing_on.after_slice(queued)
        return gils, lanes

    @property
    def switch_interval_us(self) -> int | None:
        """sys.getswitchinterval() of the process, as the last sample found it; None without a GIL."""
        return self.roster.gils[0].interval_us or None if self.roster.gils else None

    # ---- reading

    def _read(self, now_us: int) -> list[Lane] | None:
        """Reads the locks and who is due, until no lock moves meanwhile; the lanes that were read."""
        due: list[Lane] | None = None
        for _ in range(_TRIES):
            try:
                self._read_gils(now_us)
                self._look_at_holders()
                # Who is due is asked after that: finding a holder may have walked the threads anew.
                due = self._read_lanes(self._due(), now_us)
                if self._unmoved():
                    return due
            except Unmapped:  # an interpreter has ended, and its GIL with it
                self.roster.try_refresh(now_us)
                due = None
        self._failed += 1
        return due

    def _lose(self, lanes: list[Lane], trust_us: int, now_us: int) -> None:
        """Of those that were looked at too long ago the state is unknown."""
        trust_us = max(trust_us, 2 * self._period_us)  # at a low rate, until the next look but one
        trusted_us = now_us - trust_us
        for lane in lanes:
            if lane.looked_us < trusted_us and lane.state != UNKNOWN:
                lane.lose(lane.looked_us + trust_us)

    def _due(self) -> list[Lane]:
        """The lanes to look at now; those that hold a lock are always among them."""
        roster = self.roster
        active = roster.active
        due = self.turns.of_active(active)
        if due is not active:
            for gil in roster.gils:
                holder = roster.lane_by_number.get(gil.now)
                if holder is not None and holder not in due:
                    due.append(holder)
        self._looked += len(due)
        self._lookable += len(active)
        if roster.parked:
            due = due + self.turns.of_parked(roster.parked, self._period_us)
        self._looks = len(due)
        return due

    def _read_gils(self, now_us: int) -> None:
        """Who holds each lock, who held it last, and how often it changed hands since the last sample."""
        roster = self.roster
        for gil in roster.gils:
            gil.raw = self._read_gil(gil)
            gil.interval_us, last_holder, locked, gil.switches_read = _GIL.unpack(gil.raw)
            gil.moved = gil.switches_read - gil.switches if gil.switches is not None else 0
            gil.last = roster.number_of(last_holder)
            if locked == 1 and gil.last == HOLDER_UNKNOWN and roster.may_refresh(now_us):
                roster.try_refresh(now_us)
                gil.last = roster.number_of(last_holder)
            gil.now = gil.last if locked == 1 else HOLDER_NONE

    def _look_at_holders(self) -> None:
        """A parked thread that holds a lock is looked at with it, or it would seem to wait for itself."""
        for gil in self.roster.gils:
            holder = self.roster.lane_by_number.get(gil.now)
            if holder is not None and holder.parked:
                self.roster.park(holder, idle=False)

    def _read_gil(self, gil: GilTrack) -> bytes:
        try:
            raw = os.pread(self.runtime.memory.fd, _GIL.size, gil.address + self._gil_at)
        except (OSError, OverflowError):
            raise Unmapped(hex(gil.address)) from None
        if not raw:
            raise AddressSpaceGone(self.pid)
        if len(raw) < _GIL.size:
            raise Unmapped(hex(gil.address))
        return raw

    def _read_lanes(self, due: list[Lane], now_us: int) -> list[Lane]:
        """Fills in flags and texts where the state is not known without; the lanes that still live."""
        pread, judge = os.pread, self._judge
        ended: list[Lane] = []
        for lane in due:
            try:
                if judge.flags is not None and not judge.still_waits(lane):  # else they are what they were
                    lane.flags = self._read_flags(lane, judge.flags)
                if not judge.told(lane):
                    lane.raw = pread(lane.fd, TEXT, 0)
            except ProcessLookupError:
                ended.append(lane)
            except PermissionError:
                lane.raw = b""
        if not ended:
            return due
        for lane in ended:
            self.roster.drop(lane, now_us)
        return [lane for lane in due if lane not in ended]

    def _read_flags(self, lane: Lane, where: tuple[int, int]) -> bytes:
        """The flags of the thread's state; of the one that says something, where it has several.

        A thread that has no state, or none any more, asks for nothing.
        """
        offset, size = where
        for state in lane.states:
            try:
                flags = os.pread(self.runtime.memory.fd, size, state.address + offset)
            except (OSError, OverflowError):
                continue
            if any(flags) and len(flags) == size:
                return flags
        return bytes(size)

    def _unmoved(self) -> bool:
        return all(self._read_gil(gil) == gil.raw for gil in self.roster.gils)

    # ---- judging

    def _holders_now(self, now_us: int) -> dict[int, int]:
        """{lane: index of the GIL that it holds}; the sample is taken, and the locks' counters with it."""
        held = {}
        for gil in self.roster.gils:
            gil.switches = gil.switches_read
            if gil.moved or gil.now == HOLDER_NONE:
                self._note_end_of_hold(gil, now_us)
            if gil.now == HOLDER_UNKNOWN:
                self._failed += 1
            elif gil.now != HOLDER_NONE:
                if gil.moved > 1 and gil.now == gil.holder:
                    gil.break_hold(now_us)
                held[gil.now] = gil.index
        return held

    def _note_end_of_hold(self, gil: GilTrack, now_us: int) -> None:
        """Whether the holder let go because it was asked to: others waited, and its interval was up."""
        lane = self.roster.lane_by_number.get(gil.holder)
        if lane is not None:
            full = now_us - gil.held_since >= gil.interval_us * _FULL_INTERVAL
            lane.made_to_let_go = full and gil.waiters > 0

    def _judge_all(self, due: list[Lane], held: dict[int, int], now_us: int) -> None:
        """Gives every lane that was looked at its state, and every GIL its holder and waiters."""
        roster, judge = self.roster, self._judge
        for lane in due:
            lane.looked_us = now_us
            state = judge.state_of(lane, lane.number in held)
            lane.doubted = False
            if state == UNKNOWN:
                self._failed += 1
            if state != lane.state:
                if lane.parked and not (lane.state == UNKNOWN and state in BLOCKED):
                    roster.park(lane, idle=False)  # but not one that is only seen again, as idle as before
                if lane.let_go is not None and lane.state == NATIVE:
                    handing_on.end(lane, state, roster, now_us, self._period_us)
                elif state == NATIVE and lane.made_to_let_go:
                    handing_on.begin(lane, roster, now_us)
                lane.become(state, now_us)
        waiters = dict.fromkeys(roster.gil_by_index, 0)
        proofs = judge.proofs()
        for lane in roster.active:  # hundreds, it may be
            waits_for = lane.waits_for
            if (
                lane.state == WAITING and waits_for is not None and waits_for in waiters
            ):  # the lock is there still
                waiters[waits_for] += 1
                if lane.looked_us != now_us:  # it was not its turn
                    if not lane.doubted and proofs.get(waits_for, lane.number) != lane.number:
                        lane.looked_us = now_us
                        self._looked += 1
                    else:
                        lane.doubted = True
        for gil in self.roster.gils:
            if gil.now != gil.holder or waiters[gil.index] != gil.waiters:
                gil.become(gil.now, waiters[gil.index], now_us)
