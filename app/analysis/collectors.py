"""The collector of each interpreter: how often it ran, what it found, and how long it stopped threads.

A row is CollectorFigures of app/model/summary.py. What it counts is from the run's beginning on; `exact` says
that each pause is known, and not only those that samples saw. `count` is CPython's own number of collections,
`seen` is of how many pauses the length is known: unless they are exact, a collection that fell between two
samples has none, and several in a row may show as one. All else is of those that were seen; `stopped_share`
is by the time in which the interpreter was observed. `generation` is null in the last row of `generations` if
more than one collection fell between two samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from app.analysis.collected import CollectedMemory
from app.analysis.collector_words import keeps_much, words
from app.analysis.course import Course
from app.analysis.growth import DeadCycles
from app.analysis.histogram import Histogram
from app.analysis.next_collection import NextCollections
from app.analysis.totals import Totals
from app.analysis.window import WINDOW_US
from app.model.frames import Collector, Message, Process, Row
from app.model.states import EXACT
from app.model.summary import CollectorFigures, CollectorRow, PauseFigures, PauseLengths
from app.model.tracks import CollectorCounts, Moved, collector_totals, moved_memory, pauses

KEPT_PAUSES = 2000  # for the timeline of a viewer that comes late

_TOTALS = 3  # collections, collected, uncollectable


def without_next(row: CollectorRow) -> CollectorRow:
    """The row of a run that has ended: no collection is due there, so the last sentence goes too."""
    return row if row["next"] is None else {**row, "next": None, "said": row["said"][:-1]}


class CollectorReading(NamedTuple):
    """A row of the course."""

    at_us: int
    tracked: int | None
    collections: int


class _Pauses:
    """The lengths of some pauses."""

    __slots__ = ("lengths", "total_us")

    def __init__(self) -> None:
        self.lengths = Histogram()
        self.total_us = 0

    def add(self, length_us: int) -> None:
        self.lengths.add(length_us)
        self.total_us += length_us

    def state(self) -> list[Any]:
        return [self.total_us, self.lengths.state()]

    def absorb(self, state: list[Any]) -> None:
        total_us, lengths = state
        self.total_us += total_us
        self.lengths.absorb(lengths)

    def to_json(self) -> PauseLengths:
        seen = self.lengths.count
        return {
            "seen": seen,
            "total_s": self.total_us / 1e6,
            "max_s": self.lengths.max_us / 1e6 if seen else None,
        }


class CollectorUse:
    """One interpreter's collector."""

    def __init__(self, pid: int, interpreter: int, since_us: int) -> None:
        self.pid = pid
        self.interpreter = interpreter
        self.since_us = since_us  # from when on its collections are counted
        self.gone_us: int | None = None
        self.course = Course()
        self._enabled: bool | None = None
        self._thresholds: list[int] = []
        self._counts: list[int] = []
        self._tracked: int | None = None
        self._totals: tuple[Totals, ...] | None = None
        self._generations = 0
        self._all = _Pauses()
        self._by_generation: dict[int | None, _Pauses] = {}
        self._recent: deque[tuple[int, int]] = deque()  # start_us, end_us
        self._given_back = Totals(1)
        self._memory = CollectedMemory()
        self._next = NextCollections()

    @property
    def tracked(self) -> int | None:
        """How many objects it follows."""
        return self._tracked

    def read(self, at_us: int, told: CollectorCounts, begun: bool) -> None:
        """Take its row of a message; totals count from the last one before the run has `begun`, or the first.

        A forked child has its parent's totals, so the first reading is where its own begin.
        """
        totals = told.collections, told.collected, told.uncollectable
        self._thresholds, self._counts, self._tracked = told.thresholds, told.counts, told.tracked
        self._enabled = None if told.enabled is None else bool(told.enabled)
        fresh = self._totals is None
        if self._totals is None:
            self._generations = len(totals[0])
            self._totals = tuple(Totals(self._generations) for _ in range(_TOTALS))
        for kept, values in zip(self._totals, totals, strict=True):
            kept.read(values)
            if fresh or not begun:
                kept.rebase()
        self._given_back.read((told.given_back,))
        if fresh or not begun:
            self._given_back.rebase()
        self._next.read(at_us, told)
        self.course.add(CollectorReading(at_us, self._tracked, sum(self._moved(0))))

    def pause(self, start_us: int, length_us: int, generation: int | None, measured: bool) -> None:
        """Take a pause; one that is not `measured` lies before the run.

        One that ends before it begins is a ValueError.
        """
        if length_us < 0:
            raise ValueError(f"a pause cannot be of {length_us} us")
        self._recent.append((start_us, start_us + length_us))
        while self._recent[0][1] < start_us - WINDOW_US:
            self._recent.popleft()
        if measured:
            self._all.add(length_us)
            self._by_generation.setdefault(generation, _Pauses()).add(length_us)

    def moved(self, moved: Moved) -> None:
        """Take what memory moved with a collection in the measured time."""
        self._memory.feed(moved)

    def in_use(self, at_us: int, bytes_: int, free: int) -> None:
        """Take a reading of the bytes that its process has in use."""
        self._memory.in_use(at_us, bytes_, free)

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        totals = self._totals and [[total.origin(), total.state()] for total in self._totals]
        newest = [self._enabled, self._thresholds, self._counts, self._tracked, self._generations]
        by_generation = [[generation, one.state()] for generation, one in self._by_generation.items()]
        return [
            *(self.pid, self.interpreter, self.since_us, self.gone_us, newest, totals),
            *(
                [self._given_back.origin(), self._given_back.state()],
                self._memory.state(),
                self._next.state(),
            ),
            *(self._all.state(), by_generation, self.course.state()),
        ]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        self.gone_us, newest, totals, given_back, memory, coming, all_pauses, by_generation, course = state[
            3:
        ]
        if totals is not None:
            self._enabled, self._thresholds, self._counts, self._tracked, self._generations = newest
            if self._totals is None:
                self._totals = tuple(Totals(self._generations) for _ in range(_TOTALS))
                kept_of = [*zip(self._totals, totals, strict=True), (self._given_back, given_back)]
                for kept, (origin, _) in kept_of:
                    kept.count_from(origin)
            self._given_back.read(given_back[1])
            for kept, (_, values) in zip(self._totals, totals, strict=True):
                kept.read(values)
        self._memory.absorb(memory)
        self._next.absorb(coming)
        self._all.absorb(all_pauses)
        for generation, one in by_generation:
            self._by_generation.setdefault(generation, _Pauses()).absorb(one)
        before = sum(totals[0][0]) - sum(self._totals[0].origin()) if totals and self._totals else 0
        self.course.absorb([at_us, tracked, made + before] for at_us, tracked, made in course)

    def rolling_share(self, at_us: int) -> float:
        """The share of the last second in which it had stopped its threads, as far as was seen."""
        since_us = at_us - WINDOW_US
        return (
            sum(max(0, min(end_us, at_us) - max(start_us, since_us)) for start_us, end_us in self._recent)
            / WINDOW_US
        )

    def kept(self) -> list[str]:
        """A sentence on what dead cycles kept, where that was much."""
        memory = self._memory.row(None, self._given_back.moved(0))
        return words(memory, None) if keeps_much(memory) else []

    def dead_cycles(self, rss: int | None) -> DeadCycles | None:
        """What the next collection will free, by the RSS that the process has; None where none comes."""
        if self._enabled is False or self.gone_us is not None:
            return None
        held, since_us = self._memory.row(rss, None)["held"], self._memory.freed_us
        return (
            None if held is None or since_us is None else DeadCycles(since_us, self._memory.freed_bytes, held)
        )

    def row(
        self, observed_us: int, at_us: int, process: Process | None, rss: int | None, is_one_of_several: bool
    ) -> CollectorFigures:
        """The row at an instant; the collector was observed for so long, and its process has that RSS.

        Where it is one of several interpreters, what the process takes says nothing of what its cycles hold.
        """
        python, free_threaded = (process.python, bool(process.free_threaded)) if process else (None, False)
        memory = self._memory.row(rss, self._given_back.moved(0))
        if is_one_of_several:
            memory["held"] = None
        due = None if self.gone_us is not None else self._next.at(at_us, python, free_threaded)
        return {
            "pid": self.pid,
            "interpreter": self.interpreter,
            "enabled": self._enabled,
            "thresholds": self._thresholds,
            "counts": self._counts,
            "tracked": self._tracked,
            "collections": self._moved(0),
            "collected": self._moved(1),
            "uncollectable": self._moved(2),
            "exact": process is not None and process.capabilities.get("gc") == EXACT,
            "pauses": self._pauses(observed_us),
            "memory": memory,
            "next": due,
            "said": words(memory, due, is_one_of_several),
        }

    def _moved(self, which: int) -> list[int]:
        if self._totals is None:
            return []
        return [self._totals[which].moved(generation) or 0 for generation in range(self._generations)]

    def _pauses(self, observed_us: int) -> PauseFigures:
        lengths, collections = self._all.lengths, self._moved(0)
        p50, p99 = lengths.quantiles((0.5, 0.99)) if lengths.count else (None, None)
        generations: list[int | None] = [*range(self._generations)]
        if None in self._by_generation:
            generations.append(None)
        return {
            "count": sum(collections),
            **self._all.to_json(),
            "p50_s": None if p50 is None else p50 / 1e6,
            "p99_s": None if p99 is None else p99 / 1e6,
            "stopped_share": self._all.total_us / observed_us if observed_us > 0 else None,
            "generations": [
                {
                    "generation": generation,
                    "count": None if generation is None else collections[generation],
                    **self._by_generation.get(generation, _Pauses()).to_json(),
                }
                for generation in generations
            ],
        }


class Collectors:
    """The collectors of a run, in the order in which they were first read, and their newest pauses."""

    def __init__(self, piece: bool = False) -> None:
        """Of a piece of an observation (pieces.py) a pause may have begun before it: it is kept as told."""
        self._early: list[Row] | None = [] if piece else None
        self._early_moved: list[Row] = []
        self._collectors: dict[tuple[int, int], CollectorUse] = {}
        self.pauses: deque[Row] = deque(maxlen=KEPT_PAUSES)  # rows of collector messages
        self._paused_us = 0

    def __iter__(self) -> Iterator[CollectorUse]:
        return iter(self._collectors.values())

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take a message; the measured time began at `begin_us`, or has not yet.

        After its end there is none to take, so totals and pauses end alike: with the message of that instant.
        """
        if not isinstance(message, Collector):
            return
        for totals in collector_totals(message):
            collector = self._of(totals.pid, totals.interpreter, message.at_us)
            collector.read(message.at_us, totals, begin_us is not None)
        for pid, interpreter, start_us, length_us, generation, _ in pauses(message):
            measured = begin_us is not None and start_us >= begin_us
            if not measured and self._early is not None:
                self._early.append([pid, interpreter, start_us, length_us, generation])
            self._of(pid, interpreter, start_us).pause(start_us, length_us, generation, measured)
            self._paused_us += length_us
        for row, moved in zip(message.moved, moved_memory(message), strict=True):
            if begin_us is not None and moved.start_us >= begin_us:
                self._of(moved.pid, moved.interpreter, moved.after_us).moved(moved)
            elif self._early is not None:
                self._early_moved.append(row)
        self.pauses.extend(message.pauses)

    def in_use(self, pid: int, at_us: int, bytes_: int, free: int) -> None:
        """Take a reading of the bytes that a process has in use, and of those that its C library keeps free.

        Of several interpreters it is not known whose they are.
        """
        whose = [collector for collector in self.live() if collector.pid == pid]
        if len(whose) == 1:
            whose[0].in_use(at_us, bytes_, free)

    def begin(self, before: Collectors) -> None:
        """Of a piece: know the collectors that there are; what they did is told anew in it."""
        for known in before.live():
            self._of(known.pid, known.interpreter, known.since_us)

    def state(self) -> dict[str, Any]:
        """All of it, to be stored."""
        collectors = [collector.state() for collector in self]
        return {"collectors": collectors, "early": self._early, "early_moved": self._early_moved}

    def absorb(self, state: dict[str, Any], begin_us: int) -> None:
        """Add the piece that follows, of a measured time that began then."""
        for row, moved in zip(state["early_moved"], _moved_of(state["early_moved"]), strict=True):
            if moved.start_us >= begin_us:
                self._of(moved.pid, moved.interpreter, moved.after_us).moved(moved)
            elif self._early is not None:
                self._early_moved.append(row)
        for told in state["collectors"]:
            pid, interpreter, *_ = told
            if (pid, interpreter) in self._collectors or self._early is not None or _has_told(told):
                self._of(*told[:3]).absorb(told)
        for pid, interpreter, start_us, length_us, generation in state["early"]:
            if start_us >= begin_us:
                self._of(pid, interpreter, start_us).pause(start_us, length_us, generation, True)
            elif self._early is not None:
                self._early.append([pid, interpreter, start_us, length_us, generation])

    @property
    def paused_us(self) -> int | None:
        """The pauses of all collectors so far; None while none was read."""
        return self._paused_us if self._collectors else None

    def process_gone(self, pid: int, at_us: int) -> None:
        """Its interpreters have ended."""
        for collector in self:
            if collector.pid == pid and collector.gone_us is None:
                collector.gone_us = at_us

    def forget(self, pids: Collection[int]) -> None:
        """Forget the collectors of these processes."""
        for key in [key for key in self._collectors if key[0] in pids]:
            del self._collectors[key]

    def live(self) -> list[CollectorUse]:
        """Those that are there."""
        return [collector for collector in self if collector.gone_us is None]

    def _of(self, pid: int, interpreter: int, at_us: int) -> CollectorUse:
        collector = self._collectors.get((pid, interpreter))
        if collector is None or collector.gone_us is not None:
            collector = self._collectors[pid, interpreter] = CollectorUse(pid, interpreter, at_us)
        return collector


def _has_told(state: list[Any]) -> bool:
    """Whether the piece has a reading of it, or a pause; else it was there, and no more."""
    return state[5] is not None or bool(state[10])


def _moved_of(rows: list[Row]) -> Iterator[Moved]:
    return moved_memory(Collector(0, moved=rows))
