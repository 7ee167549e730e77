"""The main figures over the whole run, in few enough rows to be sent whole to a viewer that comes late.

What is kept are running totals, at the instants of the counters. A row is the difference of two of them: it
tells of all the time since the row before it, however many were left out between, and of no other. Sizes are
those of all processes; `paused_share` is the time in which collectors had stopped their threads: as with
`cpu_share`, two that do so all the time make 2. `running` is the mean number of threads that ran Python at
once: at most 1 for each GIL. `coverage` is how much of the time was seen (coverage.py) of the main GIL, or of
the threads where there is none.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from app.analysis.tracks import GilTime, LaneTime, gil_time
from app.model.frames import Counters, Frame
from app.model.tracks import gils_of, lanes_of, process_totals

SERIES = (
    "at_us",
    "held_share",
    "contended_share",
    "switches_per_s",
    "waiters",
    "cpu_share",
    "rss",
    "ops_per_s",
    "pss",
    "heap_bytes",
    "arena_bytes",
    "tracked",
    "paused_share",
    "running",
    "coverage",
)
MAX_ROWS = 1200

Row = list[float | None]


class Sizes(NamedTuple):
    """What all processes of the run have at a moment; None while it was never read."""

    rss: int | None = None
    pss: int | None = None
    heap_bytes: int | None = None
    arena_bytes: int | None = None
    tracked: int | None = None


class _Totals(NamedTuple):
    at_us: int = 0
    gil: GilTime = GilTime()  # of the main GIL, whichever it was at the time
    switches: int = 0  # its own
    frames_us: int = 0  # the length of the frames that it was in
    cpu_us: int = 0
    counted_us: int = 0  # the time over which that is known
    sizes: Sizes = Sizes()
    ops: int | None = None
    paused_us: int | None = None  # of all collectors; None while none was read
    lanes: LaneTime = LaneTime()  # of all threads
    seen_us: int = 0  # the length of all frames


class Series:
    """Rows of SERIES. When they become too many every other one goes, and so do as many of those to come."""

    def __init__(self) -> None:
        self._kept = [_Totals()]
        self._every = 1
        self._offered = 0
        self._last = self._before = _Totals()
        self._gil = GilTime()
        self._switches = self._frames_us = 0
        self._lanes = LaneTime()
        self._seen_us = 0
        self._cpu_us_by_pid: dict[int, int] = {}

    def frame(self, frame: Frame, main: int | None) -> None:
        """Add what became of the main GIL in a slice, and how long threads ran."""
        self._seen_us += frame.end_us - frame.start_us
        for _, track in lanes_of(frame):
            self._lanes.add(track)
        for index, switches, track in gils_of(frame):
            if index == main:
                self._gil.add(gil_time(track))
                self._switches += switches
                self._frames_us += frame.end_us - frame.start_us

    def counters(self, message: Counters, sizes: Sizes, paused_us: int | None) -> None:
        """Make a row of what came since the counters before, and keep it if its turn has come."""
        last = self._last
        cpu_us = {use.pid: use.cpu_us for use in process_totals(message) if use.cpu_us is not None}
        moved_us = [
            now_us - before_us
            for pid, now_us in cpu_us.items()
            if (before_us := self._cpu_us_by_pid.get(pid)) is not None and now_us >= before_us
        ]
        self._cpu_us_by_pid = cpu_us
        self._before, self._last = (
            last,
            _Totals(
                message.at_us,
                replace(self._gil),
                self._switches,
                self._frames_us,
                last.cpu_us + sum(moved_us),
                last.counted_us + (message.at_us - last.at_us if moved_us else 0),
                sizes,
                message.ops,
                paused_us,
                replace(self._lanes),
                self._seen_us,
            ),
        )
        if self._offered % self._every == 0:
            self._kept.append(self._last)
            if len(self._kept) > MAX_ROWS + 1:
                self._kept[1:] = self._kept[1::2]
                self._every *= 2
        self._offered += 1

    def newest(self) -> Row | None:
        """The row between the last two counters; None before the first."""
        return _row(self._before, self._last) if self._offered else None

    def to_json(self) -> dict[str, Any]:
        """Names and rows; `every` says that one of so many rows was kept."""
        rows = [_row(before, totals) for before, totals in pairwise(self._kept)]
        return {"names": list(SERIES), "every": self._every, "rows": rows}


def _row(before: _Totals, now: _Totals) -> Row:
    """The main figures between two instants, in the order of SERIES."""
    gil, lanes = now.gil.since(before.gil), now.lanes.since(before.lanes)
    shares = gil.shares()
    ops = None if now.ops is None or before.ops is None else now.ops - before.ops
    paused_us = None if now.paused_us is None else now.paused_us - (before.paused_us or 0)
    return [
        now.at_us,
        shares["held_share"],
        shares["contended_share"],
        _rate(now.switches - before.switches, now.frames_us - before.frames_us, 1e6),
        shares["waiters"],
        _rate(now.cpu_us - before.cpu_us, now.counted_us - before.counted_us, 1),
        now.sizes.rss,
        _rate(ops, now.at_us - before.at_us, 1e6),
        *now.sizes[1:],
        _rate(paused_us, now.at_us - before.at_us, 1),
        lanes.running_in(now.seen_us - before.seen_us),
        lanes.coverage if gil.coverage is None else gil.coverage,
    ]


def _rate(moved: int | None, length_us: int, unit: float) -> float | None:
    return moved * unit / length_us if moved is not None and length_us else None
