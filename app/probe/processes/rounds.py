"""One round over every CPython of the run: a sample of each, or looks at stacks of some threads."""

from __future__ import annotations

import random
from collections.abc import Callable

from app.model.frames import Event, Message
from app.probe.kernel.memory import AddressSpaceGone
from app.probe.sampling.blocked import Budget
from app.probe.sampling.reader import Reader

from .announcements import Announcements
from .reports import Reports
from .watched import Watched, Watchlist


class Rounds:
    """Samples, and looks."""

    def __init__(
        self,
        watchlist: Watchlist,
        announcements: Announcements,
        reports: Reports,
        emit: Callable[[Message], None],
    ) -> None:
        self._watchlist, self._announcements, self._reports, self._emit = (
            watchlist,
            announcements,
            reports,
            emit,
        )
        self.budget = Budget()

    def sample(self, now_us: int) -> int:
        """Looks at every CPython once; the time of the newest look, which may be later than `now_us`."""
        newest_us = now_us
        for watched, reader in self._watchlist.read():
            newest_us = max(newest_us, self.sample_one(watched, reader, now_us))
        return newest_us

    def sample_one(self, watched: Watched, reader: Reader, now_us: int) -> int:
        """The same for one, and names what is new in it."""
        try:
            now_us = reader.sample(now_us)
            if reader.unnamed:
                self._announcements.name(reader, now_us)
            if reader.gil_switch.switched is not None:
                self._emit(Event(now_us, "gil-on", watched.pid, reader.gil_switch.switched))
                reader.gil_switch.switched = None
                self._announcements.review(watched, reader, now_us)
        except AddressSpaceGone:
            self._reports.lost(watched, now_us)
        return now_us

    def look_at_stacks(self, now_us: int) -> None:
        """Looks at what holds each GIL, at what waits for it, and at threads that are blocked elsewhere."""
        self.budget.refill(now_us)
        short = 0  # how many threads have been blocked for a short while
        for watched, reader in self._watchlist.read():
            try:
                reader.stacks.refresh(now_us)
                self._reports.looks += reader.looker.look(now_us)
                self._reports.blocked += reader.blocked.look(now_us, self.budget)
                short += len(reader.blocked.short)
            except AddressSpaceGone:
                self._reports.lost(watched, now_us)
        if short:
            self._look_at_one_blocked(random.randrange(short), now_us)

    def _look_at_one_blocked(self, which: int, now_us: int) -> None:
        """One thread of the run is looked at though it is blocked for a short while only."""
        for watched, reader in self._watchlist.read():
            short = reader.blocked.short
            if which < len(short):
                try:
                    self._reports.blocked += reader.blocked.look_at(short[which], now_us)
                except AddressSpaceGone:
                    self._reports.lost(watched, now_us)
                return
            which -= len(short)

    def gap(self, from_us: int) -> None:
        """The observer did not run since `from_us`."""
        for _, reader in self._watchlist.read():
            reader.gap(from_us)

    def looks(self) -> int:
        """How many threads are looked at in a sample."""
        return sum(reader.sampler.looks for _, reader in self._watchlist.read())

    def share_looks(self, most: int) -> None:
        """Shares out how many threads may be looked at in a sample, by how many each process has at work."""
        active = [(reader, len(reader.roster.active)) for _, reader in self._watchlist.read()]
        total = sum(count for _, count in active)
        for reader, count in active:
            reader.sampler.turns.most = most if total <= most else max(1, most * count // total)
