"""What each thread did, summed up by state.

A target may start ten thousand threads one after another. A thread that has gone keeps its row for NAMED_US,
so that a late viewer can put a name to all that the timeline still shows; of those that went before, the
KEPT_ROWS most active are kept and the rest are only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from app.analysis.functions import Functions
from app.analysis.histogram import Histogram
from app.analysis.holders import HoldersAtEnds
from app.analysis.longest import Wait
from app.analysis.thread import StoredThread, Thread
from app.analysis.thread_rows import packed, unpacked
from app.analysis.waited import WaitedFor
from app.analysis.waits import Waits
from app.analysis.where import FLAMES, Share, Whereabouts, flame, table
from app.model.frames import Counters, Names
from app.model.states import STATES
from app.model.summary import ThreadFigures, ThreadRow, ThreadsEnded
from app.model.tracks import thread_names, thread_totals

KEPT_ROWS = 500
LIVE_ROWS = 200  # a row is 600 to 1,000 bytes, and figures go out four times a second to every viewer
NAMED_US = 15_000_000


class LiveThreadRow(ThreadFigures):
    """A thread in the figures of a moment."""

    lane: int
    alive: bool


_Named = tuple[int, int, int, int | None]  # when, pid, tid, interpreter


class Threads:
    """All lanes of a run that are still spoken of."""

    def __init__(self, piece: bool = False) -> None:
        self.piece = piece  # of an observation, see pieces.py
        self._named: dict[int, _Named] | None = None  # all that ever were, of all pieces together
        self._there: dict[int, int] = {}  # those of them that are there, and their processes
        self._threads: dict[int, Thread] = {}
        self.waits = Waits(self._threads)
        self._prune_at = 2 * KEPT_ROWS
        self._gone = 0
        self._forgotten = 0
        self._forgotten_us = [0] * len(STATES)
        self._forgotten_waits = Histogram()
        self._whereabouts = Whereabouts()
        self._ended: dict[int, list[int]] = {}  # of each process: how many, and how long they lived together

    def __iter__(self) -> Iterator[Thread]:
        return iter(self._threads.values())

    def __getitem__(self, lane: int) -> Thread:
        thread = self.get(lane)
        if thread is None:
            raise ValueError(f"lane {lane} was never named")
        return thread

    def get(self, lane: int) -> Thread | None:
        """The lane's thread, None where it was forgotten or never named."""
        thread = self._threads.get(lane)
        if thread is None and self._named is not None and lane in self._named:
            named_us, pid, tid, interpreter = self._named[lane]
            thread = self._of(lane, named_us)
            thread.pid, thread.tid, thread.interpreter = pid, tid, interpreter
        return thread

    def names(self, message: Names) -> None:
        """Take note of lanes that came, have a new name, or went."""
        for lane, pid, tid, name, interpreter in thread_names(message):
            thread = self._of(lane, message.at_us)
            thread.pid, thread.tid, thread.name, thread.interpreter = pid, tid, name, interpreter
            if self._named is not None:
                self._named[lane] = thread.named_us, pid, tid, interpreter
                self._there[lane] = pid
        self._leave((self[lane] for lane in message.gone), message.at_us)
        for lane in message.gone:
            self._there.pop(lane, None)
            went = self.get(lane)
            if went is not None:
                ended = self._ended.setdefault(went.pid, [0, 0])
                ended[0] += 1
                ended[1] += message.at_us - went.named_us

    def share_names(self, before: Threads) -> None:
        """Know all threads that were ever named in the pieces before."""
        self._named = {} if before._named is None else before._named
        self._there = before._there

    def state(self, ends: HoldersAtEnds) -> dict[str, Any]:
        """All of it that does not come by names, to be stored."""
        told = [state for thread in self if (state := thread.state()) is not None]
        return {
            "threads": packed(told, ends),
            "who": self.waits.who.state(self._at_ends()),
            "longest": self.waits.longest.state(),
        }

    def open_ends(self, begin_us: int, end_us: int) -> tuple[int, int]:
        """Until when a piece's first waits and holds lasted at most, and since when its last ones did.

        Looks between tell of no wait or hold that may go on beyond the piece.
        """
        ends = [(run.head, run.open_us, run.fresh) for thread in self for run in (thread.waits, thread.holds)]
        heads_us = max((head[0] for head, _, _ in ends if head), default=0)
        tails_us = max((open_us for _, open_us, _ in ends), default=0)
        return begin_us + heads_us, end_us - tails_us

    def know(self, state: dict[str, Any], ends: HoldersAtEnds) -> dict[int, StoredThread]:
        """Know the threads of a stored state, which it gives by lane; what they are called comes by names."""
        told = {one.lane: one for one in unpacked(state["threads"], ends)}
        for one in told.values():
            if one.lane not in self._threads:
                thread = self._of(one.lane, one.named_us)
                thread.pid, thread.interpreter = one.pid, one.interpreter
        return told

    def absorb(self, state: dict[str, Any], told: dict[int, StoredThread]) -> None:
        """Add the piece that follows, of threads that are known."""
        for one in told.values():
            self[one.lane].absorb(one, self.waits.end)
        self.waits.who.absorb(state["who"])
        self.waits.longest.absorb(Wait.of_state(wait, self.spoken_for) for wait in state["longest"])

    def wait_lengths(self) -> Histogram:
        """How long the waits were that were seen whole, of all threads that there ever were."""
        lengths = self._forgotten_waits.copy()
        for thread in self:
            thread.waits.add_ended_to(lengths)
        return lengths

    def spoken_for(self, lane: int) -> Thread:
        """The lane's thread, or one of no name."""
        return self._threads.get(lane) or Thread(lane, 0)

    def _of(self, lane: int, named_us: int) -> Thread:
        thread = self._threads.get(lane)
        if thread is None:
            thread = self._threads[lane] = Thread(lane, named_us, self.piece)
        return thread

    def process_gone(self, pid: int, at_us: int) -> None:
        """All threads of a process went."""
        self._leave((thread for thread in self if thread.pid == pid), at_us)
        for lane in [lane for lane, whose in self._there.items() if whose == pid]:
            del self._there[lane]

    def rebase(self) -> None:
        """Count all running totals from their newest reading on."""
        for thread in self:
            thread.rebase()

    def read(self, message: Counters) -> None:
        """Take a counters message."""
        for totals in thread_totals(message):
            self[totals.lane].read(totals, message.at_us)

    def state_us(self) -> list[int]:
        """The time of all threads that there ever were, by state."""
        return [
            sum(of_state) for of_state in zip(self._forgotten_us, *(t.state_us for t in self), strict=True)
        ]

    def spoken_of(self, at_us: int) -> list[Thread]:
        """Those alive, and those that went a short while ago."""
        return [thread for thread in self if thread.alive or at_us - thread.gone_us <= NAMED_US]

    def ended(self, pid: int) -> ThreadsEnded | None:
        """Which threads of a process ended by themselves."""
        count, lived_us = self._ended.get(pid, (0, 0))
        return {"count": count, "lived_s": lived_us / count / 1e6} if count else None

    def alive(self) -> Counter[int]:
        """How many threads each process has."""
        if self._named is not None:
            return Counter(self._there.values())
        return Counter(thread.pid for thread in self if thread.alive)

    def live_rows(self, at_us: int) -> tuple[list[LiveThreadRow], int]:
        """Rows of the LIVE_ROWS most active threads spoken of, in order of lanes; and how many have none."""
        spoken_of = self.spoken_of(at_us)
        shown = _most_active(spoken_of, LIVE_ROWS)
        rows: list[LiveThreadRow] = [
            {"lane": thread.lane, "alive": thread.alive, **thread.to_json()} for thread in shown
        ]
        return rows, len(spoken_of) - len(shown)

    def summary_rows(self, functions: Functions, flames: bool) -> tuple[list[ThreadRow], int]:
        """Rows of the KEPT_ROWS most active threads, in order of lanes; and how many have none.

        With `flames` the FLAMES most active of them have a flame graph each, the others null.
        """
        threads = list(self)
        shown = _most_active(threads, KEPT_ROWS)
        drawn = _most_active(threads, FLAMES) if flames else []
        rows: list[ThreadRow] = []
        for thread in shown:
            shares = list(thread.shares())
            tree = flame(shares, functions, thread.name) if thread in drawn else None
            rows.append({**thread.to_json(), "blocked": table(shares, functions), "flame": tree})
        return rows, self._forgotten + len(threads) - len(shown)

    def shares(self) -> list[Share]:
        """Where the time of all threads that there ever were went."""
        return self._whereabouts.all(share for thread in self for share in thread.shares())

    def _at_ends(self) -> Iterator[WaitedFor]:
        """What was waited in the first and in the last waits of a piece, and is not summed up yet."""
        for thread in self:
            if thread.head_for is not None:
                yield thread.head_for, thread.lane, thread.head_waited_us
            if thread.waits_for is not None:
                yield thread.waits_for, thread.lane, thread.waited_us

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
                    self.waits.end(thread, thread.seen_us, False)
                self._forgotten_us = [sum(us) for us in zip(self._forgotten_us, thread.state_us, strict=True)]
                thread.waits.add_ended_to(self._forgotten_waits)
                self._whereabouts.forget(thread.shares())
                del self._threads[thread.lane]
                self._gone -= 1
                self._forgotten += 1
        self._prune_at = self._gone + KEPT_ROWS


def _most_active(threads: list[Thread], limit: int) -> list[Thread]:
    if len(threads) > limit:
        threads = sorted(threads, key=lambda thread: (-thread.active_us, thread.lane))[:limit]
    return sorted(threads, key=lambda thread: thread.lane)
