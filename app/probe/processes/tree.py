"""The processes of a run, put together from what finds, samples, reads and tells of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from app.model.frames import Message
from app.probe.cpython.runtime import Runtime
from app.probe.kernel.run_clock import RunClock
from app.probe.sampling.reader import Reader, ReaderRun
from app.probe.sampling.slow import SlowReads

from .announcements import Announcements
from .discovery import Discovery
from .heap_rounds import HeapRounds
from .reports import Reports
from .rounds import Rounds
from .seldom import SELDOM
from .seldom.schedule import Seldom
from .watched import Watchlist


class ProcessTree:
    """Every process of the run."""

    def __init__(
        self,
        emit: Callable[[Message], None],
        slow: SlowReads,
        clock: RunClock,
        stacks: bool,
        is_left_out: Callable[[int], bool],
    ) -> None:
        """`stacks`: they are looked at. `is_left_out`: see Discovery."""
        self.watchlist = Watchlist()
        self.announcements = Announcements(emit, slow, stacks)
        self.reports = Reports(self.watchlist, self.announcements, emit)
        self.rounds = Rounds(self.watchlist, self.announcements, self.reports, emit)
        self.heaps = HeapRounds(self.watchlist)
        self.seldom = Seldom(SELDOM, self.watchlist, slow, emit)
        self._run = ReaderRun(
            itertools.count().__next__,
            itertools.count().__next__,
            self.reports.vocabulary,
            clock,
            slow,
            emit,
        )
        self.discovery = Discovery(
            self.watchlist,
            self.announcements,
            self.reports,
            self.rounds,
            emit,
            self._open_reader,
            is_left_out,
        )

    def _open_reader(self, pid: int, runtime: Runtime, now_us: int) -> Reader:
        return Reader(pid, runtime, self._run, self.heaps.looked_at, now_us)

    def close(self) -> None:
        """Gives every descriptor back."""
        for _, reader in self.watchlist.read():
            reader.close()
