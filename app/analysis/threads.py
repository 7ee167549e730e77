"""What each thread did, summed up by state.

A target may start ten thousand threads one after another. A thread that has gone keeps its row for NAMED_US,
so that a late viewer can put a name to all that the timeline still shows; of those that went before, the
KEPT_ROWS most active are kept and the rest are only counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.analysis.functions import Functions
from app.analysis.histogram import Runs
from app.analysis.totals import Totals, seconds
from app.analysis.tracks import known_share
from app.analysis.waits import Waits
from app.analysis.where import FLAMES, Share, Where, Whereabouts, flame, table
from app.model.frames import Names
from app.model.states import NATIVE, RUNNING, STALLED, STATES, UNKNOWN, WAITING
from app.model.tracks import LANE_STEP, lane_pieces, thread_names

if TYPE_CHECKING:
    from app.analysis.holders import Holders

KEPT_ROWS = 500
LIVE_ROWS = 200  # a row is 600 to 1,000 bytes, and figures go out four times a second to every viewer
NAMED_US = 15_000_000

_CPU, _RUN_DELAY, _VOLUNTARY, _INVOLUNTARY = range(4)


class BlockedLook(NamedTuple):
    """A look at a blocked thread."""

    at_us: int
    state: int
    stack: int | None


class Thread:
    """One lane: who it is, and the sums over its observed time."""

    __slots__ = (
        "_counted_from_us",
        "_counted_to_us",
        "_state",
        "_switches",
        "alive",
        "gone_us",
        "holds",
        "interpreter",
        "lane",
        "look",
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
        self.totals = Totals(4)
        self.where = Where()
        self.still_in: int | None = None  # its state at the last reading
        self._state: int | None = None  # the last that is known
        self.look: BlockedLook | None = None  # the last
        self.still_since_us = named_us  # the first reading since which it has not been switched
        self._switches: int | None = None
        self._counted_from_us = named_us
        self._counted_to_us: int | None = None

    def feed(
        self, track: list[int], start_us: int, end_us: int, holders: Holders | None, waits: Waits
    ) -> None:
        """Add the track of the slice from `start_us` to `end_us`. Of one that is missing nothing is known.

        `holders` are those of the GIL that the thread takes; None where it takes none, or does not wait.
        """
        runs, state_us = self.waits, self.state_us
        if 0 <= self.seen_us != start_us:
            waits.end(self, self.seen_us, unread=True)
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
                waits.end(self, at_us, unread=state == UNKNOWN)
            else:
                runs.torn = state == UNKNOWN
            at_us += length_us
        self.where.feed(track, from_us, at_us)
        known = (state for state in track[-LANE_STEP::-LANE_STEP] if state != UNKNOWN)
        self._state = next(known, self._state)

    def read(self, values: Sequence[int | None], at_us: int) -> None:
        """Take its row of a counters message."""
        self.totals.read(values)
        self._counted_to_us = at_us
        switches = (values[_VOLUNTARY] or 0) + (values[_INVOLUNTARY] or 0)
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

    def to_json(self) -> dict[str, Any]:
        """The thread's row, as it stands in a summary but for where its time went."""
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
        }


class Threads:
    """All lanes of a run that are still spoken of."""

    def __init__(self) -> None:
        self.waits = Waits(self)
        self._threads: dict[int, Thread] = {}
        self._prune_at = 2 * KEPT_ROWS
        self._gone = 0
        self._forgotten = 0
        self._forgotten_us = [0] * len(STATES)
        self._whereabouts = Whereabouts()

    def __iter__(self) -> Iterator[Thread]:
        return iter(self._threads.values())

    def __getitem__(self, lane: int) -> Thread:
        thread = self._threads.get(lane)
        if thread is None:
            raise ValueError(f"lane {lane} was never named")
        return thread

    def get(self, lane: int) -> Thread | None:
        """The lane's thread, None where it was forgotten or never named."""
        return self._threads.get(lane)

    def names(self, message: Names) -> None:
        """Take note of lanes that came, have a new name, or went."""
        for lane, pid, tid, name, interpreter in thread_names(message):
            thread = self._threads.get(lane)
            if thread is None:
                thread = self._threads[lane] = Thread(lane, message.at_us)
            thread.pid, thread.tid, thread.name, thread.interpreter = pid, tid, name, interpreter
        self._leave((self[lane] for lane in message.gone), message.at_us)

    def process_gone(self, pid: int, at_us: int) -> None:
        """All threads of a process went."""
        self._leave((thread for thread in self if thread.pid == pid), at_us)

    def rebase(self) -> None:
        """Count all running totals from their newest reading on."""
        for thread in self:
            thread.rebase()

    def read(self, rows: Iterable[Sequence[int | None]], at_us: int) -> None:
        """Take the rows of a counters message."""
        for lane, *values in rows:
            assert lane is not None
            self[lane].read(values, at_us)

    def state_us(self) -> list[int]:
        """The time of all threads that there ever were, by state."""
        return [
            sum(of_state) for of_state in zip(self._forgotten_us, *(t.state_us for t in self), strict=True)
        ]

    def spoken_of(self, at_us: int) -> list[Thread]:
        """Those alive, and those that went a short while ago."""
        return [thread for thread in self if thread.alive or at_us - thread.gone_us <= NAMED_US]

    def live_rows(self, at_us: int) -> tuple[list[dict[str, Any]], int]:
        """Rows of the LIVE_ROWS most active threads spoken of, in order of lanes; and how many have none."""
        spoken_of = self.spoken_of(at_us)
        shown = _most_active(spoken_of, LIVE_ROWS)
        rows = [{"lane": thread.lane, "alive": thread.alive, **thread.to_json()} for thread in shown]
        return rows, len(spoken_of) - len(shown)

    def summary_rows(self, functions: Functions, flames: bool) -> tuple[list[dict[str, Any]], int]:
        """Rows of the KEPT_ROWS most active threads, in order of lanes; and how many have none.

        With `flames` the FLAMES most active of them have a flame graph each, the others null.
        """
        threads = list(self)
        shown = _most_active(threads, KEPT_ROWS)
        drawn = _most_active(threads, FLAMES) if flames else []
        rows = []
        for thread in shown:
            shares = list(thread.shares())
            tree = flame(shares, functions, thread.name) if thread in drawn else None
            rows.append({**thread.to_json(), "blocked": table(shares, functions), "flame": tree})
        return rows, self._forgotten + len(threads) - len(shown)

    def shares(self) -> list[Share]:
        """Where the time of all threads that there ever were went."""
        return self._whereabouts.all(share for thread in self for share in thread.shares())

    def _leave(self, threads: Iterable[Thread], at_us: int) -> None:
        for thread in threads:
            if thread.alive:
                thread.alive, thread.gone_us = False, at_us
                self._gone += 1
        if self._gone > self._prune_at:
            self._prune(at_us)

    def _prune(self, at_us: int) -> None:
        """Forget the least active of those that went long ago; KEPT_ROWS departures share the cost."""
        spoken_of = {thread.lane for thread in self.spoken_of(at_us)}
        long_gone = [thread for thread in self if thread.lane not in spoken_of]
        kept = {thread.lane for thread in _most_active(long_gone, KEPT_ROWS)}
        for thread in long_gone:
            if thread.lane not in kept:
                if thread.waits.open_us:
                    self.waits.end(thread, thread.seen_us)
                self._forgotten_us = [sum(us) for us in zip(self._forgotten_us, thread.state_us, strict=True)]
                self._whereabouts.forget(thread.shares())
                del self._threads[thread.lane]
                self._gone -= 1
                self._forgotten += 1
        self._prune_at = self._gone + KEPT_ROWS


def _most_active(threads: list[Thread], limit: int) -> list[Thread]:
    if len(threads) > limit:
        threads = sorted(threads, key=lambda thread: (-thread.active_us, thread.lane))[:limit]
    return sorted(threads, key=lambda thread: thread.lane)
