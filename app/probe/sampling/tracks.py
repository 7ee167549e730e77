"""Tracks: what a thread or a GIL was, run-length coded between two flushes."""

from __future__ import annotations

import os

from app.model.frames import LONG_BLOCK_US
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, IO, LOCK, NATIVE, SLEEP, UNKNOWN
from app.probe.cpython.survey import ThreadState

# States in which a thread cannot change its stack, so that one look tells of all the time it is in them.
STILL = frozenset((NATIVE, LOCK, IO, SLEEP))


class Lane:
    """A thread's track: states and their lengths.

    One lane an OS thread for as long as that lives, whatever interpreters it enters and leaves, or none.
    """

    __slots__ = (
        "blocked", "doubted", "entered", "fd", "flags", "gil", "interpreter", "let_go", "looked_at",
        "looked_raw", "looked_us", "made_to_let_go", "missed", "name", "number", "own", "parked", "pieces",
        "raw", "scheduled", "seen", "since", "state", "states", "switches", "tid", "waits_for",
    )  # fmt: skip

    def __init__(self, number: int, pid: int, tid: int, own: int, now_us: int) -> None:
        """Opens the thread's `syscall`; FileNotFoundError or ProcessLookupError where it has ended.

        `own` is its id in the process's own pid namespace, by which CPython knows it.
        """
        self.number = number
        self.name = ""
        self.tid, self.own = tid, own
        self.states: list[ThreadState] = []  # one for each interpreter that the thread is in now
        self.interpreter: int | None = None  # that it was first found in; None until it has been in one
        self.gil: int | None = None  # index of the GIL that it takes
        self.fd = os.open(f"/proc/{pid}/task/{self.tid}/syscall", os.O_RDONLY | os.O_CLOEXEC)
        self.raw = b""  # of `syscall`
        self.flags = b""  # of its thread state, where the version has some
        self.seen = b""  # the text that `blocked` and `waits_for` were read from
        self.blocked = UNKNOWN
        self.waits_for: int | None = None
        self.made_to_let_go = False  # its last hold ended because another thread asked for the lock
        # When it was found to have, and its times on a CPU and in the run queue then; see handing_on.py.
        self.let_go: tuple[int, int, int] | None = None
        self.state = UNKNOWN
        self.since = self.entered = now_us  # since the last flush, and since it came into the state
        self.looked_us = now_us  # when its state was found last
        self.doubted = False  # since then it may have had the lock for which it was found waiting
        self.pieces: list[int] = []
        self.parked = False
        self.scheduled = -1  # how often it was given a CPU, when that was last read
        self.switches: tuple[int, int] | None = None  # its context switches then
        self.looked_at = -1  # `entered` of the last block whose stack was read
        self.looked_raw = b""  # `raw` then: from one wait into another of the same state nobody sees it wake
        self.missed = 0  # long blocks that have ended and whose stack was not read

    def close(self) -> None:
        """Gives the descriptor back."""
        os.close(self.fd)

    def enter(self, states: list[ThreadState], gil: int | None) -> None:
        """The thread has these states now; a lock that it waited for may have ended with another."""
        self.states, self.gil = states, gil
        if self.interpreter is None and states:
            self.interpreter = states[0].interpreter
        self.seen = b""

    def begin(self, now_us: int) -> None:
        """It is named only now, and told of from now on."""
        self.pieces = []
        self.since = self.entered = now_us

    def lives(self) -> bool:
        """Whether the thread is there still: the descriptor never reads another's that has its tid now."""
        try:
            return bool(os.pread(self.fd, 1, 0))
        except ProcessLookupError:
            return False
        except PermissionError:
            return True

    def become(self, state: int, now_us: int) -> None:
        """From `now_us` on the thread is in `state`."""
        if state != self.state:
            if now_us - self.entered >= LONG_BLOCK_US and self.is_missed(now_us):
                self.missed += 1
            if now_us > self.since:
                self.pieces += (self.state, now_us - self.since)
            self.state = state
            self.since = self.entered = now_us

    def is_missed(self, now_us: int) -> bool:
        """Whether it is, or was up to now, in a long block whose stack was not read."""
        long = now_us - self.entered >= LONG_BLOCK_US
        return long and self.looked_at != self.entered and self.state in STILL and bool(self.states)

    def lose(self, from_us: int) -> None:
        """From then on nobody has looked: what it did is not known."""
        self.become(UNKNOWN, max(from_us, self.since))

    def flush(self, now_us: int) -> list[int]:
        """The pieces up to now; the state goes on into the next slice."""
        pieces = self.take()
        if now_us > self.since:
            pieces += (self.state, now_us - self.since)
            self.since = now_us
        return pieces

    def take(self) -> list[int]:
        """The pieces that have ended, which are all of a thread that has."""
        pieces, self.pieces = self.pieces, []
        return pieces


class GilTrack:
    """A GIL's track: who held it, how many waited, and for how long that was so."""

    __slots__ = (
        "address", "flushed_switches", "held_since", "holder", "index", "interpreter", "interval_us", "last",
        "moved", "now", "pieces", "raw", "since", "switches", "switches_read", "waiters",
    )  # fmt: skip

    def __init__(self, index: int, address: int, interpreter: int, now_us: int) -> None:
        self.index = index
        self.address = address
        self.interpreter = interpreter
        self.raw = b""
        self.now = self.last = (
            HOLDER_UNKNOWN  # the lanes that hold it, and held it last, in the newest sample
        )
        self.interval_us = 0  # the switch interval, once it was read
        self.moved = 0  # switches between the newest reading and the sample before it
        self.switches_read = 0  # switch_number in the newest reading
        self.switches: int | None = None  # switch_number in the newest sample
        self.holder = HOLDER_UNKNOWN  # of the piece that is open
        self.held_since = now_us  # when the holder was first seen to hold
        self.waiters = 0
        self.flushed_switches: int | None = None
        self.since = now_us
        self.pieces: list[int] = []

    def begin(self, now_us: int) -> None:
        """It is named only now, and told of from now on."""
        self.pieces = []
        self.since = self.held_since = now_us

    def become(self, holder: int, waiters: int, now_us: int) -> None:
        """From `now_us` on `holder` holds the lock and `waiters` wait."""
        if holder != self.holder or waiters != self.waiters:
            if now_us > self.since:
                self.pieces += (self.holder, self.waiters, now_us - self.since)
            if holder != self.holder:
                self.held_since = now_us
            self.holder = holder
            self.waiters = waiters
            self.since = now_us

    def lose(self, from_us: int) -> None:
        """From then on nobody has looked; what was told of in a frame before stays as it is."""
        self.become(HOLDER_UNKNOWN, 0, max(from_us, self.since))

    def break_hold(self, now_us: int) -> None:
        """Between two samples the lock went to others and came back: the hold so far is closed."""
        if now_us > self.since:
            self.pieces += (self.holder, self.waiters, now_us - self.since)
            self.since = now_us
        self.pieces += (HOLDER_NONE, self.waiters, 0)
        self.held_since = now_us

    def flush(self, now_us: int) -> list[int]:
        """The pieces up to now."""
        pieces = self.take()
        if now_us > self.since:
            pieces += (self.holder, self.waiters, now_us - self.since)
            self.since = now_us
        return pieces

    def take(self) -> list[int]:
        """The pieces that have ended, which are all of a lock that has gone."""
        pieces, self.pieces = self.pieces, []
        return pieces

    def flush_switches(self) -> int:
        """How far the switch counter moved since the last call; 0 for the first, with nothing to compare."""
        moved = 0
        if self.switches is not None:
            if self.flushed_switches is not None:
                moved = self.switches - self.flushed_switches
            self.flushed_switches = self.switches
        return moved
