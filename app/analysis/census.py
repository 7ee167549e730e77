"""What the live objects of each heap are: the newest census, and which types come to be more, or fewer.

A row is a TypeRow of app/model/summary.py. What changes is told by a line through the counts of the last
minute, each with the weight that its interval gives it. It is told only where the line's own interval leaves
0 out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, cast

from app.analysis.by_pid import ByPid
from app.analysis.growth import LargeObjects
from app.analysis.totals import seconds
from app.model.frames import ContainerHolders, Message, Types, from_json, to_json
from app.model.summary import CensusRow, HolderRow, TypeRow
from app.model.tracks import HeldItems, TypeCount, held_items, type_counts

WINDOW_US = 60_000_000
MOST_ROWS = 60
MOST_STORED = 4  # readings in a piece of the run
_LEAST_READINGS = 3
_LEAST_SPAN_US = 2_000_000
_NORMAL = 1.96  # to which half an interval of 95 % is
_SURE = 1.3  # times that interval: of many types one would else be told to change now and then that does not
_STEADY = 0.002  # of a count: what is nearer than that is no change worth telling


class _Point(NamedTuple):
    at_s: float
    value: float
    off: float


class CensusUse:
    """One heap's."""

    def __init__(self, message: Types) -> None:
        self.pid = message.pid
        self.interpreter = message.interpreter
        self.newest = message
        self.gone = False
        self._kept: deque[tuple[int, dict[str, TypeCount]]] = deque()
        self._readings = 0
        self._cpu_us = 0
        self._rows: list[TypeRow] | None = None

    def read(self, message: Types) -> None:
        """Take a census."""
        self.newest, self._rows = message, None
        self._readings += 1
        self._cpu_us += message.cpu_us
        self._kept.append((message.at_us, {row.type: row for row in type_counts(message)}))
        self._let_go()

    def state(self) -> list[Any]:
        """What a piece of the run keeps of it (pieces.py): few readings, of those types that have a row."""
        told = {row.type for row in type_counts(self.newest)[:MOST_ROWS]}
        step = -(-len(self._kept) // MOST_STORED)
        kept = [*self._kept][::-1][::step][::-1]  # the newest among them
        return [
            *(
                to_json(replace(self.newest, rows=self.newest.rows[:MOST_ROWS])),
                self.gone,
                self._readings,
                self._cpu_us,
            ),
            [[at_us, [row for name, row in rows.items() if name in told]] for at_us, rows in kept],
        ]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        newest, self.gone, readings, cpu_us, kept = state
        self.newest, self._rows = cast(Types, from_json(newest)), None
        self._readings += readings
        self._cpu_us += cpu_us
        self._kept.extend((at_us, {row[0]: TypeCount(*row) for row in rows}) for at_us, rows in kept)
        self._let_go()

    def _let_go(self) -> None:
        while self._kept[0][0] < self.newest.at_us - WINDOW_US:
            self._kept.popleft()

    @property
    def rows(self) -> list[TypeRow]:
        """Its types, those first that take most."""
        if self._rows is None:  # they are asked for more often than read
            self._rows = list(self._make_rows())
        return self._rows

    def _make_rows(self) -> Iterator[TypeRow]:
        for row in type_counts(self.newest)[:MOST_ROWS]:
            counts = [(at_us / 1e6, kept[row.type]) for at_us, kept in self._kept if row.type in kept]
            yield {
                "pid": self.pid,
                "interpreter": self.interpreter,
                "type": row.type,
                "count": row.number,
                "count_low": max(0, row.number - row.number_off),
                "count_high": row.number + row.number_off,
                "bytes": row.bytes,
                "low": max(0, row.bytes - row.bytes_off),
                "high": row.bytes + row.bytes_off,
                "count_per_s": pace(_Point(at_s, then.number, then.number_off) for at_s, then in counts),
                "bytes_per_s": pace(_Point(at_s, then.bytes, then.bytes_off) for at_s, then in counts),
            }

    def row(self) -> CensusRow:
        """How it was read."""
        newest = self.newest
        return {
            "pid": self.pid,
            "interpreter": self.interpreter,
            "at_s": newest.at_us / 1e6,
            "pages": newest.pages,
            "pages_read": newest.pages_read,
            "torn": newest.torn,
            "bytes_used": newest.bytes_used,
            "object_bytes": newest.object_bytes,
            "large_bytes": newest.large_bytes,
            "large_known": newest.large_known,
            "large_read": newest.large_read,
            "large_torn": newest.large_torn,
            "large_cut": newest.large_cut,
            "allocator": newest.allocator,
            "readings": self._readings,
            "took_s": seconds(newest.took_us),
            "cpu_s": seconds(self._cpu_us),
        }


def pace(points: Iterable[_Point]) -> float | None:
    """By how much something changes a second; None where it may as well stay as it is."""
    known = list(points)
    if len(known) < _LEAST_READINGS or (known[-1].at_s - known[0].at_s) * 1e6 < _LEAST_SPAN_US:
        return None
    sigmas = [max(each.off / _NORMAL, _STEADY * each.value, 1.0) for each in known]
    weights = [1 / sigma**2 for sigma in sigmas]
    whole = sum(weights)
    middle = sum(w * each.at_s for w, each in zip(weights, known, strict=True)) / whole
    level = sum(w * each.value for w, each in zip(weights, known, strict=True)) / whole
    spread = sum(w * (each.at_s - middle) ** 2 for w, each in zip(weights, known, strict=True))
    if spread <= 0:
        return None
    rise = sum(w * (each.at_s - middle) * each.value for w, each in zip(weights, known, strict=True)) / spread
    freedom = len(known) - 2
    # Where the counts lie farther from the line than they should, it is no line.
    missed = sum(
        w * (each.value - level - rise * (each.at_s - middle)) ** 2
        for w, each in zip(weights, known, strict=True)
    )
    error = math.sqrt(max(1.0, missed / freedom) / spread)
    return rise if abs(rise) > _SURE * _student(freedom) * error else None


def _student(freedom: int) -> float:
    """The quantile of Student's t for 95 %, to some hundredths."""
    return _NORMAL + 2.5 / freedom + 8.3 / freedom**3


class Censuses:
    """Of all heaps of a run, in the order in which they were first read."""

    def __init__(self) -> None:
        self._heaps: dict[tuple[int, int], CensusUse] = {}

    def __iter__(self) -> Iterator[CensusUse]:
        return iter(self._heaps.values())

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take a census."""
        if not isinstance(message, Types):
            return
        self._of(message).read(message)

    def begin(self, before: Censuses) -> None:
        """Of a piece: all is told anew in it."""

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [heap.state() for heap in self]

    def absorb(self, state: list[Any], begin_us: int) -> None:
        """Add the piece that follows."""
        for told in state:
            self._of(cast(Types, from_json(told[0]))).absorb(told)

    def _of(self, message: Types) -> CensusUse:
        key = message.pid, message.interpreter
        heap = self._heaps.get(key)
        if heap is None or heap.gone:
            heap = self._heaps[key] = CensusUse(message)
        return heap

    def process_gone(self, pid: int, at_us: int) -> None:
        """Its objects are no more; what was last known of them stays."""
        for heap in self:
            if heap.pid == pid:
                heap.gone = True

    def large_objects(self, pid: int) -> LargeObjects | None:
        """What of a process's blocks of the C library are objects; None where these were not looked at."""
        newest = [heap.newest for heap in self if heap.pid == pid]
        blocks = [census.large_bytes for census in newest if census.large_bytes is not None]
        if not blocks:
            return None
        known = sum(
            max(0, sum(row.bytes for row in type_counts(census)) - census.object_bytes) for census in newest
        )
        every_size = all(census.allocator == "malloc" for census in newest)
        return LargeObjects(max(census.at_us for census in newest), known, sum(blocks), every_size)

    def forget(self, pids: Collection[int]) -> None:
        """Forget what is known of these processes."""
        for key in [key for key in self._heaps if key[0] in pids]:
            del self._heaps[key]

    def live(self) -> list[CensusUse]:
        """Those that are there."""
        return [heap for heap in self if not heap.gone]


def type_rows(heaps: Iterable[CensusUse]) -> list[TypeRow]:
    """The types of some heaps, those first that take most."""
    rows = [row for heap in heaps for row in heap.rows]
    return sorted(rows, key=lambda row: row["bytes"], reverse=True)


class ContainerUse:
    """The large containers of a process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.gone = False
        self._kept: deque[tuple[int, list[HeldItems]]] = deque()
        self._rows: list[HolderRow] | None = None

    def read(self, at_us: int, found: list[HeldItems]) -> None:
        """Take what was found."""
        self._rows = None
        self._kept.append((at_us, found))
        while self._kept[0][0] < at_us - WINDOW_US:
            self._kept.popleft()

    def state(self) -> list[Any]:
        """What a piece of the run keeps of it: few readings, the newest among them."""
        step = -(-len(self._kept) // MOST_STORED)
        return [self.pid, self.gone, [*self._kept][::-1][::step][::-1]]

    @property
    def rows(self) -> list[HolderRow]:
        """One a container."""
        if self._rows is None:  # they are asked for more often than read
            items: dict[str, list[_Point]] = {}
            for at_us, found in self._kept:
                for row in found:
                    items.setdefault(row.path, []).append(_Point(at_us / 1e6, row.items, 0.0))
            self._rows = [
                {
                    "pid": self.pid,
                    "path": row.path,
                    "type": row.type,
                    "items": row.items,
                    "items_per_s": pace(items[row.path]),
                }
                for row in self._kept[-1][1]
            ]
        return self._rows


class Containers(ByPid[ContainerUse]):
    """Those of all processes of a run."""

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take what was found of a process."""
        if isinstance(message, ContainerHolders):
            self._of(message.pid, partial(ContainerUse, message.pid)).read(message.at_us, held_items(message))

    def begin(self, before: Containers) -> None:
        """Of a piece: all is told anew in it."""

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [process.state() for process in self._processes.values()]

    def absorb(self, state: list[Any], begin_us: int) -> None:
        """Add the piece that follows."""
        for pid, gone, kept in state:
            process = self._of(pid, partial(ContainerUse, pid))
            for at_us, found in kept:
                process.read(at_us, [HeldItems(*row) for row in found])
            process.gone = gone

    def rows(self, live: bool) -> list[HolderRow]:
        """Of all processes, or of those that are there: those that grow fastest first, then the largest."""
        rows = [row for each in self._processes.values() if not (live and each.gone) for row in each.rows]
        return sorted(rows, key=lambda row: (-(row["items_per_s"] or 0), -row["items"]))
