"""One thread: who it is, and where its time went, summed up by state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

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


class Thread:
    """One lane: who it is, and the sums over its observed time."""

    __slots__ = (
        "_counted_from_us",
        "_counted_to_us",
        "_state",
        "_switches",
        "alive",
        "at_lock",
        "gone_us",
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

    def __init__(self, lane: int, named_us: int) -> None:
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
        self.where = Where()
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

        `holders` are those of the GIL that the thread takes; None where it takes none, or does not wait.
        `end_wait` is told of each wait that ends, before it is closed: see waits.py.
        """
        runs, state_us = self.waits, self.state_us
        if 0 <= self.seen_us != start_us:
            end_wait(self, self.seen_us, True)
            state_us[UNKNOWN] += start_us - self.seen_us
        self.seen_us = end_us
        if holders is not None:
            self.waits_for = holders.gil
        at_us = from_us = max(start_us, self.named_us)
        for state, length_us in lane_pieces(track):
            state_us[state] += length_us
            if state == WAITING:
                runs.open_us += length_us
                if holders is not None:
                    holders.charge(self.lane, at_us, at_us + length_us, self.waited_us)
            elif runs.open_us:
                end_wait(self, at_us, state == UNKNOWN)
            else:
                runs.torn = state == UNKNOWN
            at_us += length_us
        self.where.feed(track, from_us, at_us)
        known = (state for state in track[-LANE_STEP::-LANE_STEP] if state != UNKNOWN)
        self._state = next(known, self._state)

    def read(self, totals: ThreadTotals, at_us: int) -> None:
        """Take its row of a counters message."""
        _, *values = totals
        self.totals.read(values)
        self._counted_to_us = at_us
        switches = (totals.voluntary_switches or 0) + (totals.involuntary_switches or 0)
        self.still_in = self._state
        if switches != self._switches:
            self._switches, self.still_since_us = switches, at_us

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


# (the thread, when its wait ended, whether nobody knows that it has)
EndWait = Callable[[Thread, int, bool], None]
