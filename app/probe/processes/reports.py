"""What is told of the processes as time goes on: frames, stacks, counters, collectors, loops and pools."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

from app.model.frames import Blocked, Collector, Counters, Frame, Loops, Message, Names, Pools, Stacks
from app.probe.cpython.vocabulary import Vocabulary
from app.probe.kernel import procfs
from app.probe.kernel.memory import AddressSpaceGone
from app.probe.sampling.reader import Reader

from .announcements import Announcements
from .watched import Watched, Watchlist

Taken = tuple[list[Any], list[Any], list[Any]]  # loops, lags and steps of a loops message
Ended = tuple[list[Any], list[Any]]  # pauses of collectors, and what memory moved with collections
Left = tuple[list[Any], list[Any], list[int]]  # GIL entries, lane entries, lanes that have gone


class Reports:
    """Collects what the readers of a run have found, and writes it down."""

    def __init__(
        self, watchlist: Watchlist, announcements: Announcements, emit: Callable[[Message], None]
    ) -> None:
        self._watchlist, self._announcements, self._emit = watchlist, announcements, emit
        self.vocabulary = Vocabulary()
        self.looks: list[Any] = []  # rows of stacks since the last frame
        self.blocked: list[Any] = []  # the same, of threads that are blocked
        self._failed = 0  # by samplers that are closed, and up to the last frame by those that are not
        self._missed = 0  # long blocks that nobody has looked at, in processes that are read no more
        self._left: Left = ([], [], [])  # what closed samplers still have to say in the next frame

    # ---- a reader's end

    def let_go(self, watched: Watched, now_us: int) -> None:
        """Closes the reader; what it has seen since the last frame goes into the next one."""
        reader, watched.reader = watched.reader, None
        if reader is None:
            return
        collectors, roster = reader.collectors, reader.roster
        ended = collectors.take_pauses(now_us), collectors.take_moved()
        self._tell_collectors(collectors.take_last(), ended, now_us)
        self._tell_loops([reader.loops.take(now_us)], now_us)
        self._tell_pools([reader.pools.take()], now_us)
        gils, lanes, gone = self._left
        more_gils, more_lanes = reader.sampler.flush(now_us)
        # What was found in the very sample in which the process went has no name, and is not spoken of.
        new_gils, new = {gil.index for gil in roster.new_gils}, {lane.number for lane in roster.new}
        gils += [track for track in more_gils if track[0] not in new_gils]
        lanes += [track for track in more_lanes if track[0] not in new]
        gone += [lane.number for lane in (*roster.gone, *roster.lanes.values()) if lane.number not in new]
        self._failed += reader.sampler.take_failed()
        self._missed += roster.missed_blocks(now_us)
        reader.close()

    def lost(self, watched: Watched, now_us: int) -> None:
        """The address space is gone: by the process's end, or by exec, and then it is another program now."""
        self.let_go(watched, now_us)
        watched.lost = True
        watched.since_us = watched.look_at_us = now_us

    # ---- at the end of a slice

    def begin(self, now_us: int) -> None:
        """The first frame begins now; what the samplers saw of the time before is dropped."""
        for _, reader in self._watchlist.read():
            reader.sampler.flush(now_us)

    def frame(self, start_us: int, end_us: int, samples: int, late: int) -> Iterator[None]:
        """Tells what was seen between the two times, then new names, and which lanes have gone; in steps.

        What is told is taken in the first step, at the frame's end: samples are taken between the steps.
        """
        (gils, lanes, gone), self._left = self._left, ([], [], [])
        failed, self._failed = self._failed, 0
        for _, reader in self._watchlist.read():
            more_gils, more_lanes = reader.sampler.flush(end_us)
            gils += more_gils
            lanes += more_lanes
            gone += [lane.number for lane in reader.roster.gone]
            reader.roster.gone.clear()
            failed += reader.sampler.take_failed()
        looks, self.looks = self.looks, []
        blocked, self.blocked = self.blocked, []
        ended = self._ended_collections(end_us)
        yield
        self._emit(Frame(start_us, end_us, samples, failed, late, gils, lanes))
        yield
        self._tell_looks(looks, blocked, end_us)
        self._tell_collectors([], ended, end_us)
        yield
        self._rename(end_us)
        if gone:
            self._emit(Names(end_us, gone=gone))

    def _tell_looks(self, looks: list[Any], blocked: list[Any], now_us: int) -> None:
        self._tell_vocabulary(now_us)
        if looks:
            self._emit(Stacks(looks))
        if blocked:
            self._emit(Blocked(blocked))

    def _rename(self, now_us: int) -> None:
        """Tells again of lanes whose names are found to be others than they were."""
        threads = []
        for watched, reader in self._watchlist.read():
            try:
                threads += reader.renamed(now_us)
            except AddressSpaceGone:
                self.lost(watched, now_us)
        if threads:
            self._emit(Names(now_us, threads=threads))

    # ---- a few times a second

    def thread_counters(self, now_us: int, every: bool) -> Generator[None, None, list[Any]]:
        """The kernel's totals of some threads, or of `every` one, for `counters`; in steps."""
        rows: list[Any] = []
        for _, reader in self._watchlist.read():
            rows += yield from reader.thread_counters(now_us, every)
            yield
        return rows

    def counters(self, now_us: int, threads: list[Any], observer: dict[str, Any], ops: int | None) -> None:
        """Tells the running totals of the kernel and of the collectors."""
        processes = []
        self._announcements.processes = len(self._watchlist.pids)
        for watched in self._watchlist:
            now = procfs.stat(watched.pid)
            if now is None:
                continue
            watched.count_faults(now.minor_faults, self._watchlist.get(watched.parent or 0))
            peak = procfs.peak_rss(watched.pid)
            processes.append([watched.pid, now.cpu_us, now.rss, peak, now.minor_faults, now.major_faults])
            if watched.reader is not None:
                self._review(watched, watched.reader, now_us)
        observer = {
            **observer,
            "cut_stacks": self.vocabulary.cut,
            "missed_blocks": self._missed_blocks(now_us),
            "looked": self._take_looked(),
        }
        self._emit(Counters(now_us, processes, threads, observer, ops))
        self._tell_loops([reader.loops.take(now_us) for _, reader in self._watchlist.read()], now_us)
        self._tell_pools([reader.pools.take() for _, reader in self._watchlist.read()], now_us)
        # First: an interpreter that has ended is let go of with its last row.
        ended = self._ended_collections(now_us)
        self._tell_collectors(self._collector_rows(now_us), ended, now_us)

    def _review(self, watched: Watched, reader: Reader, now_us: int) -> None:
        try:
            self._announcements.review(watched, reader, now_us)
        except AddressSpaceGone:
            self.lost(watched, now_us)

    def _missed_blocks(self, now_us: int) -> int:
        there = (reader.roster.missed_blocks(now_us) for _, reader in self._watchlist.read())
        return self._missed + sum(there)

    def _take_looked(self) -> float | None:
        """The share of the active threads that a sample has looked at, since the last call."""
        counts = [reader.sampler.take_looked() for _, reader in self._watchlist.read()]
        lookable = sum(count for _, count in counts)
        return sum(looked for looked, _ in counts) / lookable if lookable else None

    def _collector_rows(self, now_us: int) -> list[Any]:
        rows = []
        for watched, reader in self._watchlist.read():
            try:
                rows += reader.collectors.take_totals()
            except AddressSpaceGone:
                self.lost(watched, now_us)
        return rows

    def _ended_collections(self, now_us: int) -> Ended:
        pauses: list[Any] = []
        moved: list[Any] = []
        for _, reader in self._watchlist.read():
            pauses += reader.collectors.take_pauses(now_us)
            moved += reader.collectors.take_moved()
        return pauses, moved

    def _tell_collectors(self, rows: list[Any], ended: Ended, now_us: int) -> None:
        pauses, moved = ended
        if rows or pauses or moved:
            self._emit(Collector(now_us, rows, pauses, moved))

    def _tell_loops(self, taken: list[Taken], now_us: int) -> None:
        loops, lags, steps = ([row for rows in taken for row in rows[each]] for each in range(3))
        if loops or lags or steps:
            self._tell_vocabulary(now_us)
            self._emit(Loops(now_us, loops, lags, steps))

    def _tell_pools(self, taken: list[tuple[list[Any], list[Any]]], now_us: int) -> None:
        pools, looks = ([row for rows in taken for row in rows[each]] for each in range(2))
        if looks:
            self._emit(Pools(now_us, pools, looks))

    def _tell_vocabulary(self, now_us: int) -> None:
        named = self.vocabulary.take(now_us)
        if named is not None:
            self._emit(named)
