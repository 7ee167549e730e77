"""What state a thread is in: the three ways in which CPythons let that be told from outside.

FutexJudge      3.11 to 3.14 with the GIL: the futex that the thread sleeps on, and who holds the lock
RequestJudge    3.15 with the GIL: the thread state itself says that it asks for the lock
AttachJudge     free-threaded with the GIL off: the thread state says attached, detached or suspended
"""

from __future__ import annotations

from app.model.states import NATIVE, RUNNING, STALLED, UNKNOWN, WAITING
from app.probe.cpython.layouts import Layout
from app.probe.kernel.syscalls import classify

from .roster import Roster
from .tracks import Lane

RUNNABLE = ord("r")  # of "running", which a thread in the run queue reads too
ATTACHED, _SUSPENDED = 1, 2  # what `state` of a thread state says


class FutexJudge:
    """Tells a waiter by the futex, and carries it as one while it is on its way into the lock."""

    flags: tuple[int, int] | None = None  # offset and size of what is read of a thread state in each sample

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def still_waits(self, lane: Lane) -> bool:
        """Whether one that was found waiting has waited ever since, as the lock's own account proves.

        take_gil returns only to the holder, so its return changes the last holder and counts as a switch.
        With no switch since the sample before, or with one that made another the holder, the thread is still
        in there. One that was passed over in a sample that did not prove it is doubted until it is looked at.
        """
        if lane.state != WAITING or lane.doubted:
            return False
        gil = self._roster.gil_by_index.get(lane.waits_for)
        return gil is not None and gil.moved <= 1 and gil.last != lane.number

    def proofs(self) -> dict[int, int]:
        """The same for many: {index of a GIL: the one lane that may have had it since the last sample}.

        All others that were found waiting for it, and are not doubted, wait still.
        """
        return {gil.index: gil.last for gil in self._roster.gils if gil.moved <= 1}

    told = still_waits  # whether the thread is known to wait, so that the kernel need not be asked

    def state_of(self, lane: Lane, holds: bool) -> int:
        """The state of a thread that was just looked at; sets `waits_for` with WAITING.

        Who holds the lock does not wait for it, whatever else says so: it is on its way out of take_gil.
        """
        if self.told(lane):
            return RUNNING if holds else WAITING
        raw = lane.raw
        if not raw:
            return UNKNOWN
        if raw[0] == RUNNABLE:
            if holds:
                return RUNNING
            return WAITING if self._wants_the_lock(lane) else NATIVE
        blocked = self._blocked(lane)
        if holds:  # a futex of the lock's own structure is part of taking it and of handing it on
            return RUNNING if blocked == WAITING else STALLED
        return blocked

    def _blocked(self, lane: Lane) -> int:
        if lane.raw != lane.seen:
            lane.seen = lane.raw
            lane.blocked, lane.waits_for = classify(lane.raw, self._roster.gil_ranges)
        return lane.blocked

    def _wants_the_lock(self, lane: Lane) -> bool:
        """Whether a thread that is runnable, but not the holder, is on its way into the lock.

        One that waited may have held the lock and let go of it since the last sample, but not if it is the
        kind that lets go only when made to. One that held it a sample ago and now runs without is not yet on
        its way in: once inside take_gil it would be found asleep there, since another holds the lock. It is
        still in drop_gil, where the thread that it woke often has taken its CPU.
        """
        if lane.state != WAITING or not lane.made_to_let_go:
            return False
        gil = self._roster.gil_by_index.get(lane.waits_for)
        return gil is not None and gil.last != lane.number


class RequestJudge(FutexJudge):
    """Reads `holds_gil` and `gil_requested`, two ints side by side: a wait is known from memory alone."""

    def __init__(self, roster: Roster, layout: Layout) -> None:
        super().__init__(roster)
        assert layout.thread_state.holds_gil is not None
        self.flags = (layout.thread_state.holds_gil, 8)

    def told(self, lane: Lane) -> bool:
        """A thread that asks for the lock and has not got it waits, whatever the kernel says."""
        return lane.flags[4] != 0 and lane.flags[0] == 0

    def state_of(self, lane: Lane, holds: bool) -> int:
        """As FutexJudge's, but what is not asked for is not waited for."""
        if self.told(lane) and not holds:
            lane.waits_for = lane.gil
        return super().state_of(lane, holds)

    def _wants_the_lock(self, lane: Lane) -> bool:
        return False


class AttachJudge(FutexJudge):
    """Reads `state`: attached threads run Python, all at the same time; suspended ones wait for the world."""

    def __init__(self, roster: Roster, layout: Layout) -> None:
        super().__init__(roster)
        assert layout.thread_state.state is not None
        self.flags = (layout.thread_state.state, 4)

    def told(self, lane: Lane) -> bool:
        """A suspended thread waits until the world is started again."""
        return lane.flags[0] == _SUSPENDED

    def state_of(self, lane: Lane, holds: bool) -> int:
        """`holds` is not asked: there is no lock to hold."""
        if self.told(lane):
            lane.waits_for = None
        return super().state_of(lane, lane.flags[0] == ATTACHED)

    def _wants_the_lock(self, lane: Lane) -> bool:
        return False


def judge_for(roster: Roster) -> FutexJudge:
    """The judge for the process as it is now; a free-threaded one may switch its GIL on or off."""
    layout = roster.runtime.layout
    if not roster.gil_enabled:
        return AttachJudge(roster, layout)
    if layout.thread_state.gil_requested is not None:
        return RequestJudge(roster, layout)
    return FutexJudge(roster)
