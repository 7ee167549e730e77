"""One thread: who it is, and where its time went, summed up by state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Union

from app.analysis.histogram import Runs
from app.analysis.holders import Holders
from app.analysis.totals import Totals, seconds
from app.analysis.tracks import known_share
from app.analysis.where import Share, Where
from app.model.states import NATIVE, RUNNING, STALLED, STATES, UNKNOWN, WAITING
from app.model.summary import ThreadFigures
from app.model.tracks import LANE_STEP, ThreadTotals, lane_pieces

_CPU, _RUN_DELAY, _VOLUNTARY, _INVOLUNTARY = range(4)


class LockLook(NamedTuple):
    """A look at a thread that waited for a lock."""

    at_us: int
    stack: int | None


# Who held a lock during a part of a wait, and for how long: summed up, or still to be.
Part = Union[dict[int, int], tuple[Holders, int, int]]  # noqa: UP007  a value, in Python 3.11


class Tracked(NamedTuple):
    """What the tracks of a piece of an observation add up to, of one thread."""

    first_us: int
    seen_us: int
    state_us: list[int]
    state: int | None
    waits_for: int | None
    head_for: int | None
    waited: Part  # in the wait with which it ends
    head_waited: Part  # in that with which it begins
    where: list[Any] | None
    waits: list[Any]
    holds: list[Any]
    kept: list[Any]


class StoredThread(NamedTuple):
    """All that a piece tells of one thread, but for its name."""

    lane: int
    pid: int
    interpreter: int | None
    named_us: int
    tracked: Tracked | None
    read_first: list[int] | None
    counted_to_us: int | None
    totals: list[int | None]
    still: list[Any]
    at_lock: list[Any] | None

    def first_wait(self, tracked: Tracked) -> tuple[int, int]:
        """From when to when the wait lasted with which the piece begins."""
        from_us = max(tracked.first_us, self.named_us)
        head = tracked.waits[1]
        return from_us, from_us + (head[0] if head else 0)

    def last_wait(self, tracked: Tracked) -> tuple[int, int]:
        """Of the one that goes on where it ends."""
        return tracked.seen_us - tracked.waits[5], tracked.seen_us


class Thread:
    """One lane: who it is, and the sums over its observed time."""

    __slots__ = (
        "_counted_from_us",
        "_counted_to_us",
        "_read_first",
        "_state",
        "_switches",
        "alive",
        "at_lock",
        "earlier",
        "first_us",
        "gone_us",
        "head_earlier",
        "head_for",
        "head_waited_us",
        "holds",
        "interpreter",
        "kept",
        "lane",
        "name",
        "named_us",
        "pid",
        "seen_us",
        "state_us",
        "still_in",
        "still_since_us",
        "tid",
        "totals",
        "waited_us",
        "waits",
        "waits_for",
        "where",
    )

    def __init__(self, lane: int, named_us: int, piece: bool = False) -> None:
        """Of a piece of an observation (pieces.py) the first wait and stretch may have begun before it."""
        self.lane = lane
        self.named_us = named_us
        self.pid = self.tid = 0
        self.name = ""
        self.interpreter: int | None = None
        self.alive = True
        self.gone_us = 0
        self.seen_us = -1  # the end of the last slice that it was in
        self.state_us = [0] * len(STATES)
        self.waits = Runs()
        self.waits_for: int | None = None  # the GIL that it waited for last
        self.waited_us: dict[int, int] = {}  # by holder, in the wait that goes on
        self.holds = Runs()
        self.kept = Runs()  # of each hold, for how long another waited meanwhile
        self.totals = Totals(4)
        self.where = Where(piece)
        self.waits.fresh = piece
        self.head_for: int | None = None  # the GIL that it waited for in a piece's first wait
        self.head_waited_us: dict[int, int] = {}
        self.earlier: list[Part] = []  # of the wait that goes on, what the sums of all waits have (pieces.py)
        self.head_earlier: list[Part] = []
        self.first_us = -1  # where the first slice that it was in began
        self._read_first: tuple[int, int] | None = None  # when it was first read, and its switches then
        self.still_in: int | None = None  # its state at the last reading
        self._state: int | None = None  # the last that is known
        self.at_lock: LockLook | None = None  # the last
        self.still_since_us = named_us  # the first reading since which it has not been switched
        self._switches: int | None = None
        self._counted_from_us = named_us
        self._counted_to_us: int | None = None

    def feed(
        self, track: list[int], start_us: int, end_us: int, holders: Holders | None, end_wait: EndWait
    ) -> None:
        """Add the track of the slice from `start_us` to `end_us`. Of one that is missing nothing is known.

        `holders` and `end_wait` are as in `tally`.
        """
        until_us = self.tally(track, start_us, end_us, holders, end_wait)
        self.where.feed(track, max(start_us, self.named_us), until_us)

    def tally(
        self, track: list[int], start_us: int, end_us: int, holders: Holders | None, end_wait: EndWait
    ) -> int:
        """All of that but for where it was, which looks tell; see joined.py. Gives where the track ends.

        `holders` are those of the GIL that the thread takes; None where it takes none, or does not wait.
        `end_wait` is told of each wait that ends, before it is closed: see waits.py.
        """
        runs, state_us = self.waits, self.state_us
        if 0 <= self.seen_us != start_us:
            end_wait(self, self.seen_us, True)
            state_us[UNKNOWN] += start_us - self.seen_us
        elif self.seen_us < 0:
            self.first_us = start_us
        self.seen_us = end_us
        if holders is not None:
            self.waits_for = holders.gil
        at_us = max(start_us, self.named_us)
        for state, length_us in lane_pieces(track):
            state_us[state] += length_us
            if state == WAITING:
                runs.open_us += length_us
                if holders is not None:
                    holders.charge(self.lane, at_us, at_us + length_us, self.waited_us)
            elif runs.open_us or runs.fresh:
                end_wait(self, at_us, state == UNKNOWN)
            else:
                runs.torn = state == UNKNOWN
            at_us += length_us
        self.seen_in([track])
        return at_us

    def seen_in(self, tracks: Sequence[list[int]]) -> None:
        """Take note of the last state that is known of it."""
        for track in reversed(tracks):
            if track and track[-LANE_STEP] != UNKNOWN:
                self._state = track[-LANE_STEP]
                return
            for state in track[-LANE_STEP::-LANE_STEP]:
                if state != UNKNOWN:
                    self._state = state
                    return

    def read(self, totals: ThreadTotals, at_us: int) -> None:
        """Take its row of a counters message."""
        _, *values = totals
        self.totals.read(values)
        self._counted_to_us = at_us
        switches = (totals.voluntary_switches or 0) + (totals.involuntary_switches or 0)
        self.still_in = self._state
        if switches != self._switches:
            self._switches, self.still_since_us = switches, at_us
        if self._read_first is None:
            self._read_first = at_us, switches

    def state(self) -> StoredThread | None:
        """All of it that does not come by its names, to be stored; None where nothing was told of it."""
        seen = self.seen_us >= 0 or self.holds.any
        if not seen and self._read_first is None and self.at_lock is None:
            return None
        tracked = Tracked(
            *(self.first_us, self.seen_us, self.state_us, self._state, self.waits_for, self.head_for),
            *(self.waited(), summed([*self.head_earlier, self.head_waited_us], self.lane)),
            self.where.state(),
            *(self.waits.state(), self.holds.state(), self.kept.state()),
        )
        first = None if self._read_first is None else [*self._read_first]
        return StoredThread(
            *(self.lane, self.pid, self.interpreter, self.named_us, tracked if seen else None),
            *(first, self._counted_to_us, self.totals.state()),
            [self.still_in, self.still_since_us, self._switches],
            None if self.at_lock is None else [*self.at_lock],
        )

    def waited(self) -> dict[int, int]:
        """By holder, in the wait that goes on."""
        return summed([*self.earlier, self.waited_us], self.lane)

    def absorb(self, state: StoredThread, end_wait: EndWait) -> None:
        """Add the piece that follows; `end_wait` as in `feed`. The first hold is the GIL's to add."""
        if state.tracked is not None:
            self._absorb_tracks(state.tracked, end_wait)
        if state.read_first is not None:
            self.totals.read(state.totals)
            self._counted_to_us = state.counted_to_us
            self._absorb_still(state.read_first, *state.still)
        if state.at_lock is not None:
            self.at_lock = LockLook(*state.at_lock)

    def _absorb_tracks(self, tracked: Tracked, end_wait: EndWait) -> None:
        first_us, seen_us, state_us, last, waits_for, head_for, waited, head_waited, where, *runs = tracked
        waits, holds, kept = runs
        self.holds.absorb(holds)
        self.kept.absorb(kept)
        if first_us < 0:
            return
        if 0 <= self.seen_us != first_us:
            end_wait(self, self.seen_us, True)
            self.state_us[UNKNOWN] += first_us - self.seen_us
        elif self.seen_us < 0:
            self.first_us = first_us
        self.seen_us = seen_us
        fresh, head, *_, open_us, _ = waits
        if head is not None:
            length_us, unread = head
            if head_for is not None:
                self.waits_for = head_for
            self.waits.open_us += length_us
            self.earlier.append(head_waited)
            end_wait(self, max(first_us, self.named_us) + length_us, unread)
        elif fresh:
            self.waits.open_us += open_us
        self.waits.absorb(waits)
        if waits_for is not None:
            self.waits_for = waits_for
        if open_us:
            self.earlier.append(waited)
        for index, us in enumerate(state_us):
            self.state_us[index] += us
        self._state = self._state if last is None else last
        if where is not None:
            self.where.absorb(where)

    def _absorb_still(
        self, first: list[int], still_in: int | None, since_us: int, switches: int | None
    ) -> None:
        """Whether it stood still over the border, too."""
        at_us, before = first
        self.still_in = self._state if still_in is None else still_in
        if self._switches != before or since_us != at_us:
            self.still_since_us = since_us
        self._switches = switches
        if self._read_first is None:
            self._read_first = at_us, before

    def rebase(self) -> None:
        """Count all running totals from their newest reading on."""
        self.totals.rebase()
        if self._counted_to_us is not None:
            self._counted_from_us = self._counted_to_us

    @property
    def counted_us(self) -> int | None:
        """The time that the totals cover: up to the last reading, which may be long before a thread's end."""
        return None if self._counted_to_us is None else self._counted_to_us - self._counted_from_us

    def was_there(self, other: Thread) -> bool:
        """Whether it was there when the other was last read."""
        return self.alive or self.gone_us >= (other._counted_to_us or 0)

    @property
    def still_us(self) -> int:
        """For how long it is known not to have been switched: blocked at one place, if it is."""
        return 0 if self._counted_to_us is None else max(self._counted_to_us - self.still_since_us, 0)

    @property
    def observed_us(self) -> int:
        """The time over which the shares are taken."""
        return sum(self.state_us)

    @property
    def active_us(self) -> int:
        """Time in which the thread ran, or wanted to: by it the rows worth keeping are chosen."""
        state_us = self.state_us
        return state_us[RUNNING] + state_us[STALLED] + state_us[WAITING] + state_us[NATIVE]

    def shares(self) -> Iterator[Share]:
        """Where its time went."""
        return self.where.shares(self.state_us)

    def to_json(self) -> ThreadFigures:
        """The thread's row, but for where its time went."""
        observed_us = self.observed_us
        totals = self.totals
        return {
            "pid": self.pid,
            "tid": self.tid,
            "name": self.name,
            "interpreter": self.interpreter,
            "observed_s": observed_us / 1e6,
            "coverage": known_share(observed_us - self.state_us[UNKNOWN], self.state_us[UNKNOWN]),
            "shares": {
                state: self.state_us[index] / observed_us if observed_us else None
                for index, state in enumerate(STATES)
            },
            "counted_s": seconds(self.counted_us),
            "cpu_s": seconds(totals.moved(_CPU)),
            "run_delay_s": seconds(totals.moved(_RUN_DELAY)),
            "voluntary_switches": totals.moved(_VOLUNTARY),
            "involuntary_switches": totals.moved(_INVOLUNTARY),
            "gil_wait": self.waits.to_json(),
            "gil_hold": self.holds.to_json(),
            "gil_kept": self.kept.to_json(),
        }


def summed(parts: Iterable[Part], waiter: int) -> dict[int, int]:
    """All parts of a wait together."""
    held_us: dict[int, int] = {}
    for part in parts:
        if isinstance(part, tuple):
            holders, from_us, until_us = part
            holders.charge(waiter, from_us, until_us, held_us)
        else:
            for holder, us in part.items():
                held_us[holder] = held_us.get(holder, 0) + us
    return held_us


# (the thread, when its wait ended, whether nobody knows that it has)
EndWait = Callable[[Thread, int, bool], None]
