"""Looks at what holds each GIL and at what has waited for it longest: the Python stacks of both."""

from __future__ import annotations

import contextlib
import random
import struct
from typing import Any

from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, RUNNING, WAITING
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.stacks import StackFrame
from app.probe.kernel.memory import Unmapped

from .judges import ATTACHED
from .sampler import Sampler
from .tracks import GilTrack, Lane

_GIL = struct.Struct("=Qi4xQ")  # last_holder, locked, switch_number

Row = list[Any]


class Moments:
    """When to look: once in each period, at a random instant of it.

    At an even beat of 10 ms, two threads that pass the lock on every 5 ms would always show the same one.
    """

    def __init__(self, hz: float) -> None:
        self._hz = hz
        self._period_start = self._due = 0

    @property
    def due_us(self) -> int:
        """Before then no look is due."""
        return self._due

    def due(self, now_us: int, pace: float) -> bool:
        """Whether to look now. `pace` is the part of its rate at which the observer goes at present."""
        if not self._hz or now_us < self._due:
            return False
        period = int(1e6 / (self._hz * pace))
        self._period_start = max(self._period_start + period, now_us)  # what was missed is not made up for
        self._due = self._period_start + random.randrange(period)
        return True


class Looker:
    """Looks at one process."""

    def __init__(self, sampler: Sampler, stacks: NumberedStacks) -> None:
        self._roster = sampler.roster
        self._memory = sampler.runtime.memory
        self._thread = sampler.runtime.layout.thread_state
        self._gil_at = sampler.runtime.layout.gil.last_holder
        self._stacks = stacks
        self._turn = 0

    def look(self, now_us: int) -> list[Row]:
        """A row for each GIL that is held or waited for (app.model.frames); AddressSpaceGone."""
        if not self._roster.gil_enabled:
            return self._look_at_one_that_runs(now_us)
        rows = []
        for gil in self._roster.gils:
            if gil.now != HOLDER_NONE or gil.waiters:
                with contextlib.suppress(Unmapped):  # it has ended with its interpreter
                    rows += self._look_at(gil, now_us)
        return rows

    def _look_at(self, gil: GilTrack, now_us: int) -> list[Row]:
        """One row; none where the holder is a thread that is in no lane yet."""
        state, locked, switches = self._read(gil)
        holder = self._roster.number_of(state) if locked == 1 else HOLDER_NONE
        if holder == HOLDER_UNKNOWN:
            return []
        held = self._stacks.copy(state) if holder != HOLDER_NONE else []
        # A holder that let go since was at worst on its way out of what its stack says, and without the lock
        # its frames stay as they are. Asking that it holds the lock still would leave out those that let go
        # often.
        if held and self._had_it_again(gil, state, switches):
            held = []
        waiter = self._longest_waiter(gil, holder)
        waited: list[StackFrame] = []
        if waiter is not None:
            waits = self._state_in(waiter, gil)
            waited = self._stacks.copy(waits) if waits else []
            last, _, since = self._read(gil)
            if since - switches > 1 or (since != switches and last == waits):
                waited = []  # it may have got the lock while it was read
        number = HOLDER_NONE if waiter is None else waiter.number
        return [
            [
                now_us,
                gil.index,
                holder,
                self._stacks.number(held),
                number,
                self._stacks.number(waited),
                gil.waiters,
            ]
        ]

    def _had_it_again(self, gil: GilTrack, state: int, switches: int) -> bool:
        """Whether the holder at `switches` may have let go since, and have got the lock another time.

        The lock counts each holder that is not the one before. After two such another has had it, and has
        it back, or never did.
        """
        last, _, since = self._read(gil)
        return since - switches > 2 or (since != switches and last == state)

    def _look_at_one_that_runs(self, now_us: int) -> list[Row]:
        """Without a GIL many run at once: they are looked at in turn, and nobody is waited for."""
        running = [lane for lane in self._roster.active if lane.state == RUNNING]
        if not running:
            return []
        self._turn += 1
        lane = running[self._turn % len(running)]
        waiters = sum(lane.state == WAITING for lane in self._roster.active)
        attached = self._attached(lane)
        frames = self._stacks.copy(attached) if attached else []
        return [[now_us, None, lane.number, self._stacks.number(frames), HOLDER_NONE, None, waiters]]

    def _longest_waiter(self, gil: GilTrack, holder: int) -> Lane | None:
        waiting = [
            lane
            for lane in self._roster.active
            if lane.state == WAITING and lane.waits_for == gil.index and lane.number != holder
        ]
        return min(waiting, key=lambda lane: lane.entered, default=None)

    def _state_in(self, lane: Lane, gil: GilTrack) -> int:
        """The address of the state with which a thread takes that lock; 0 where it is not known."""
        states = [state for state in lane.states if state.gil == gil.address] or lane.states
        address = states[0].address if states else 0
        return address if self._roster.lane_of(address) is lane else 0

    def _attached(self, lane: Lane) -> int:
        """The thread state, of those that a thread has in several interpreters, that it runs with; or 0."""
        assert self._thread.state is not None
        for state in lane.states[:-1]:
            try:
                if self._memory.i32(state.address + self._thread.state) == ATTACHED:
                    return state.address
            except Unmapped:
                continue  # that interpreter is gone
        return lane.states[-1].address if lane.states else 0

    def _read(self, gil: GilTrack) -> tuple[int, int, int]:
        last, locked, switches = _GIL.unpack(self._memory.read(gil.address + self._gil_at, _GIL.size))
        return last, locked, switches
