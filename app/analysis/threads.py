"""What each thread did, summed up by state.

A target may start ten thousand threads one after another. A thread that has gone keeps its row for NAMED_US,
so that a late viewer can put a name to all that the timeline still shows; of those that went before, the
KEPT_ROWS most active are kept and the rest are only counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from app.analysis.functions import Functions
from app.analysis.thread import Thread
from app.analysis.waits import Waits
from app.analysis.where import FLAMES, Share, Whereabouts, flame, table
from app.model.frames import Counters, Names
from app.model.states import STATES
from app.model.summary import ThreadFigures, ThreadRow
from app.model.tracks import thread_names, thread_totals

KEPT_ROWS = 500
LIVE_ROWS = 200  # a row is 600 to 1,000 bytes, and figures go out four times a second to every viewer
NAMED_US = 15_000_000


class LiveThreadRow(ThreadFigures):
    """A thread in the figures of a moment."""

    lane: int
    alive: bool


class Threads:
    """All lanes of a run that are still spoken of."""

    def __init__(self) -> None:
        self._threads: dict[int, Thread] = {}
        self.waits = Waits(self._threads)
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

    def alive(self) -> Counter[int]:
        """How many threads each process has."""
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
                self._whereabouts.forget(thread.shares())
                del self._threads[thread.lane]
                self._gone -= 1
                self._forgotten += 1
        self._prune_at = self._gone + KEPT_ROWS


def _most_active(threads: list[Thread], limit: int) -> list[Thread]:
    if len(threads) > limit:
        threads = sorted(threads, key=lambda thread: (-thread.active_us, thread.lane))[:limit]
    return sorted(threads, key=lambda thread: thread.lane)
