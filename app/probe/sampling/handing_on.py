"""Threads that were made to let go of the lock, and stood in the run queue until they asked for it again.

Such a thread is in drop_gil, where the one that it woke has often taken its CPU, and is in take_gil some
microseconds after it has a CPU again. Meanwhile it is runnable without the lock, as a thread is that computes
in C. Which of the two it was is known once it asks for the lock: what it did not spend in the run queue, by
the kernel's own count, it may have computed. Where that is nothing, it waited all the time, and its track and
the lock's are told so.
"""

from __future__ import annotations

from app.model.states import HOLDER_UNKNOWN, NATIVE, RUNNING, WAITING
from app.probe.kernel import procfs

from .roster import Roster
from .tracks import GilTrack, Lane

_COMPUTES_US = 200  # beside the sampling period, to which the ends are known: less is not worth telling
_SELDOM_US = 2_500  # from one sample to the next: then C code goes unseen between two
_TICK_US = 10_000  # of the slowest kernels: CPU time that a thread has is counted once in it


def begin(lane: Lane, roster: Roster, now_us: int) -> None:
    """It has let go of the lock because it was asked to, and is found runnable without."""
    gil = roster.gil_by_index.get(lane.gil)
    had = procfs.schedstat(roster.pid, lane.tid) if gil is not None and gil.holder == lane.number else None
    lane.let_go = None if had is None else (now_us, *had[:2])


def end(lane: Lane, state: int, roster: Roster, now_us: int, period_us: int) -> None:
    """It is in that state now: if it has done nothing but wait for the lock since, it is told so."""
    (since_us, _, queued_us), gil = lane.let_go or (0, 0, 0), roster.gil_by_index.get(lane.gil)
    lane.let_go = None
    asks = state == RUNNING or (state == WAITING and gil is not None and lane.waits_for == gil.index)
    if gil is None or not asks or lane.entered != since_us or period_us > _SELDOM_US:
        return
    had = procfs.schedstat(roster.pid, lane.tid)
    if had is not None and now_us - since_us - (had[1] - queued_us) <= period_us + _COMPUTES_US:
        _waited(lane, gil)


def before_slice_ends(roster: Roster, now_us: int) -> list[tuple[Lane, GilTrack]]:
    """Those that are in the run queue still: they waited up to now, and what comes is not known yet."""
    found = []
    for lane in roster.active:
        gil = roster.gil_by_index.get(lane.gil)
        if lane.let_go is None or lane.state != NATIVE or gil is None:
            continue
        since_us, cpu_us, _ = lane.let_go
        if lane.entered != since_us or now_us - since_us < _TICK_US:
            continue
        had = procfs.schedstat(roster.pid, lane.tid)
        if had is not None and had[0] == cpu_us:  # it had no CPU
            _waited(lane, gil)
            found.append((lane, gil))
    return found


def after_slice(queued: list[tuple[Lane, GilTrack]]) -> None:
    """What those do from here on is not known yet."""
    for lane, gil in queued:
        gil.waiters -= 1
        if lane.state == WAITING:
            lane.state = NATIVE


def _waited(lane: Lane, gil: GilTrack) -> None:
    """The stretch that goes on was a wait, and the lock had one more who waited for it."""
    lane.state = WAITING
    lane.waits_for = gil.index
    pieces, left_us = gil.pieces, gil.since - lane.since
    if left_us < 0:
        pieces += (gil.holder, gil.waiters, -left_us)
        gil.since = lane.since
    if gil.holder != HOLDER_UNKNOWN:
        gil.waiters += 1
    at = len(pieces)
    while left_us > 0 and at:
        at -= 3
        holder, waiters, length_us = pieces[at : at + 3]
        if length_us > left_us:
            pieces[at : at + 3] = (holder, waiters, length_us - left_us, holder, waiters, left_us)
            at += 3
        if holder != HOLDER_UNKNOWN:
            pieces[at + 1] += 1
        left_us -= length_us
