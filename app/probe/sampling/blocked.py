"""Looks at threads that are blocked, or that run C code without the GIL: where in its Python each of them is.

Such a thread runs no Python, so its stack stays as it is, and one look tells of the whole stretch. A stretch
that has lasted LONG_BLOCK_US is looked at once. Many are shorter (the lock of a logging handler is taken for
4 ms at a time), so at each random instant one thread is looked at that is in a shorter one.

A look is kept only if the thread is sure not to have moved meanwhile. One in the kernel reads the same system
call, arguments and stack pointer as in the sample that gave it its state, before and after. One that runs in
C code has the same frames, twice, and does not hold the GIL.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any, Callable

from app.model.frames import LONG_BLOCK_US
from app.model.states import LOCK, NATIVE
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.stacks import StackFrame
from app.probe.cpython.survey import ThreadState
from app.probe.kernel.memory import Unmapped
from app.probe.kernel.syscalls import ends_from_within

from .judges import ATTACHED
from .sampler import TEXT, Sampler
from .tracks import STILL, Lane

_HOLDER = struct.Struct("=Qi")  # last_holder, locked
_RUNNING = b"r"  # of "running", which a thread in the run queue reads too
_ALL_EVERY = 20  # looks between two at every thread for one that is due: the parked ones, and what was missed
_AT_A_TIME = 10  # looks taken in one sample
_A_SECOND = 60  # long blocks looked at, over the whole run; each costs some 50 us
_BURST = 50

Row = list[Any]


class Budget:
    """How many more looks at long blocks may be taken."""

    def __init__(self) -> None:
        self._left = float(_BURST)
        self._refilled_us = 0

    def refill(self, now_us: int) -> None:
        """Time has passed."""
        self._left = min(_BURST, self._left + (now_us - self._refilled_us) * _A_SECOND / 1e6)
        self._refilled_us = now_us

    @property
    def allows(self) -> bool:
        """Whether another look may be taken."""
        return self._left >= 1

    def take(self) -> None:
        """Another look is taken."""
        self._left -= 1


class BlockedLooker:
    """Looks at the threads of one process."""

    def __init__(self, sampler: Sampler, stacks: NumberedStacks, task: Callable[[Lane], str | None]) -> None:
        """`task` tells the name of the task that a thread's event loop runs."""
        self._task = task
        self._sampler = sampler
        self._roster = sampler.roster
        self._stacks = stacks
        self._turn = 0
        self._newest_next = False
        self._waiting: deque[Lane] = deque()  # in a long block that was not looked at, the longest first
        self._long_us = 0  # a block that had begun by then was a long one at the last look
        self.short: list[Lane] = []  # those in a stretch that is not long yet, as of the last look

    def look(self, now_us: int, budget: Budget) -> list[Row]:
        """Rows of the long blocks not looked at yet, as far as the budget goes; AddressSpaceGone.

        Where there are too many, the longest and the newest take turns. So a new deadlock is seen at once
        though hundreds of idle threads wait for their look, and though others are always newer than it.
        """
        self._notice(now_us)
        if self._turn % _ALL_EVERY == 0:
            self._waiting = deque(sorted(self._all_due(), key=_since))
        self._turn += 1
        rows: list[Row] = []
        moved = []
        for _ in range(_AT_A_TIME):
            lane = self._next() if budget.allows else None
            if lane is None:
                break
            budget.take()
            found = self.look_at(lane, now_us)
            rows += found
            if not found:
                moved.append(lane)
        self._waiting += moved
        return rows

    def _notice(self, now_us: int) -> None:
        """Notes who is in a long block since the last look, and who is in a short one."""
        new, short = [], []
        before_us, self._long_us = self._long_us, now_us - LONG_BLOCK_US
        for lane in self._roster.active:  # hundreds, it may be
            if lane.entered > before_us and lane.state in STILL and lane.states:
                if lane.entered > self._long_us:
                    short.append(lane)
                elif _is_due(lane):
                    new.append(lane)
        self._waiting += sorted(new, key=_since)
        self.short = short

    def _all_due(self) -> Iterator[Lane]:
        """All in a long block that was not looked at, the parked ones too."""
        for lane in chain(self._roster.active, self._roster.parked):
            if lane.entered <= self._long_us and _is_due(lane):
                yield lane

    def _next(self) -> Lane | None:
        """The longest or the newest in turn."""
        self._newest_next = not self._newest_next
        while self._waiting:
            lane = self._waiting.pop() if self._newest_next else self._waiting.popleft()
            if _is_due(lane) and self._roster.lane_by_number.get(lane.number) is lane:
                return lane
        return None

    def look_at(self, lane: Lane, now_us: int) -> list[Row]:
        """One row; none where the thread may have moved while it was looked at."""
        task = self._task(lane)  # first: what follows proves that the thread has not moved since
        try:
            frames = self._still_at(lane)
        except (PermissionError, ProcessLookupError):
            return []  # it has ended, or its process may not be read any more
        if frames is None:
            return []
        lane.looked_at, lane.looked_raw, lane.looked_us = lane.entered, lane.raw, now_us
        at_lock = lane.state == LOCK and ends_from_within(lane.raw)
        stack = self._stacks.number(frames, at_lock)
        return [[now_us, lane.number, lane.state, lane.entered, stack, task]]

    def _still_at(self, lane: Lane) -> list[StackFrame] | None:
        """The frames of a thread that has not moved meanwhile; none that could be read: []."""
        if lane.state == NATIVE:
            frames = self._copy(lane.states) if self._in_native(lane) else None
            return frames if frames == self._copy(lane.states) and self._in_native(lane) else None
        if self._text(lane) != lane.raw:
            return None
        frames = self._copy(lane.states)
        return frames if self._text(lane) == lane.raw else None

    def _copy(self, states: list[ThreadState]) -> list[StackFrame]:
        """The frames of the innermost interpreter that the thread is in: the one that was made last."""
        for state in states:
            frames = self._stacks.copy(state.address)
            if frames:
                return frames
        return []

    def _in_native(self, lane: Lane) -> bool:
        """Whether it runs, or could, and takes no part in the lock."""
        return self._text(lane).startswith(_RUNNING) and not self._holds(lane)

    def _holds(self, lane: Lane) -> bool:
        """Whether it holds a GIL; without one, whether it is attached."""
        roster, runtime = self._roster, self._sampler.runtime
        try:
            if not roster.gil_enabled:
                offset = runtime.layout.thread_state.state
                assert offset is not None
                return any(runtime.memory.i32(state.address + offset) == ATTACHED for state in lane.states)
            for gil in roster.gils:
                at = gil.address + runtime.layout.gil.last_holder
                last, locked = _HOLDER.unpack(runtime.memory.read(at, _HOLDER.size))
                if locked == 1 and roster.lane_of(last) is lane:
                    return True
            return False
        except Unmapped:
            return True  # an interpreter is just ending: who knows

    def _text(self, lane: Lane) -> bytes:
        return os.pread(lane.fd, TEXT, 0)


def _is_due(lane: Lane) -> bool:
    """Whether it is blocked, and was not looked at since it is, or was when it waited elsewhere."""
    looked = lane.looked_at == lane.entered and lane.looked_raw == lane.raw
    return not looked and lane.state in STILL and bool(lane.states)


def _since(lane: Lane) -> int:
    return lane.entered
