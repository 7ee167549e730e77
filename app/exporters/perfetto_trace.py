"""Perfetto: a trace for ui.perfetto.dev and trace_processor, written with the `perfetto` package's protos.

    process      threads: a slice for each stretch of a state; a flow from who let a GIL go to who took it
                 "GIL": a slice for each hold, named by its holder
                 "Collector": a slice for each collection; "Events": an instant for each
                 counters: CPU, RSS; of each GIL: held, switches a second, switches so far
    trace        "Findings": an instant for each, at the end, when they were told

A flow is a hand-over that was seen; `switches` counts all, also those between two samples.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

from app.exporters.course import Closed, GilSlice, LaneSlice, Taken, course
from app.exporters.exporter import Source
from app.exporters.perfetto_packets import Packets
from app.model.frames import Collector, Counters, Event, Frame, Names, Process
from app.model.states import HOLDER_UNKNOWN, STATES
from app.model.tracks import Cast, gils_of, pauses, process_totals, thread_names

_PIECES = 1 << 15  # of packets that are given away together
_PENDING = 64  # hand-overs of one thread whose stretch has not been told

Json = dict[str, Any]


class PerfettoTrace:
    """An Exporter."""

    name = "perfetto"
    suffix = ".pftrace"
    media_type = "application/octet-stream"
    title = "Trace (Perfetto)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        # Half a second to import, which only an export is to pay.
        from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as protos

        yield from _Trace(protos, source).pieces()


class _Trace:
    def __init__(self, protos: Any, source: Source) -> None:
        self._source = source
        self._cast = Cast()
        self._out = Packets(protos)
        self._tracks = _Tracks(self._out, self._cast)
        self._handovers = _Handovers()
        self._rates: dict[int, _Rates] = defaultdict(_Rates)  # by GIL
        self._rates_us = 0
        self._cpu: dict[int, tuple[int, int]] = {}  # by pid: instant, CPU time

    def pieces(self) -> Iterator[bytes]:
        out = self._out
        lane_tracks, handed, write = self._tracks.lanes, self._handovers.lanes, out.slice
        for part in course(self._source.messages(), self._cast):
            if type(part) is LaneSlice:  # millions of them, so not by a match
                lane, state, start_us, end_us = part
                track = lane_tracks.get(lane) or self._tracks.lane(lane)
                if lane in handed:
                    given, taken = self._handovers.of(lane, end_us)
                    if given or taken:
                        out.slice_with_flows(track, STATES[state], start_us, end_us, given, taken)
                        continue
                write(track, STATES[state], start_us, end_us)
                continue
            match part:
                case GilSlice(gil, holder, start_us, end_us):
                    out.slice(self._tracks.gil(gil), self._name_of(holder), start_us, end_us)
                    continue
                case Taken(gil, holder, at_us):
                    self._handovers.taken(gil, holder, at_us)
                    continue
                case Frame():
                    for gil, moved, _ in gils_of(part):
                        self._rates[gil].switches += moved
                case Names() | Process():
                    self._tracks.named(part)
                case Counters():
                    self._counters(part)
                case Collector():
                    for pid, interpreter, start_us, length_us, generation, _ in pauses(part):
                        track = self._tracks.collector(pid, interpreter)
                        name = "collection" if generation is None else f"generation {generation}"
                        out.slice(track, name, start_us, start_us + length_us)
                case Event():
                    out.instant(self._tracks.events(part.pid), part.kind, part.at_us, {"detail": part.detail})
                case Closed(end_us):
                    self._switches(end_us)
                    for finding in self._source.summary["findings"]:
                        told = {name: finding[name] for name in ("code", "severity", "detail", "advice")}
                        out.instant(self._tracks.findings(), finding["title"], end_us, told)
            if len(out) >= _PIECES:
                yield out.take()
        yield out.take()

    def _name_of(self, holder: int) -> str:
        return "unknown" if holder == HOLDER_UNKNOWN else self._cast.lanes[holder].who.name

    def _counters(self, message: Counters) -> None:
        out, at_us = self._out, message.at_us
        for use in process_totals(message):
            if use.rss is not None:
                out.count(self._tracks.counter(use.pid, "RSS", "bytes"), at_us, use.rss)
            if use.cpu_us is not None:
                before_us, before = self._cpu.get(use.pid, (at_us, use.cpu_us))
                if at_us > before_us and use.cpu_us >= before:
                    share = 100 * (use.cpu_us - before) / (at_us - before_us)
                    out.count(self._tracks.counter(use.pid, "CPU", "%"), at_us, share)
                self._cpu[use.pid] = (at_us, use.cpu_us)
        self._switches(at_us)

    def _switches(self, at_us: int) -> None:
        for gil, rates in self._rates.items():
            length_us = at_us - self._rates_us
            per_s = rates.since() * 1e6 / length_us if length_us > 0 else 0
            self._out.count(self._tracks.gil_counter(gil, "switches/s", "1/s"), at_us, per_s)
            self._out.count(self._tracks.gil_counter(gil, "switches", "switches"), at_us, rates.switches)
        self._rates_us = at_us


class _Rates:
    """The switches of a GIL, so far and since they were last told."""

    def __init__(self) -> None:
        self.switches = self.told = 0

    def since(self) -> int:
        moved, self.told = self.switches - self.told, self.switches
        return moved


class _Handovers:
    """Who gave a GIL to whom, until the stretches of both threads have been told."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}  # by GIL: who held it last
        self._given: dict[int, deque[tuple[int, int]]] = defaultdict(lambda: deque(maxlen=_PENDING))
        self._taken: dict[int, deque[tuple[int, int]]] = defaultdict(lambda: deque(maxlen=_PENDING))
        self.lanes: set[int] = set()  # those of which some are to be told
        self.count = 0

    def taken(self, gil: int, holder: int, at_us: int) -> None:
        """A hold began then."""
        before = self._last.get(gil, HOLDER_UNKNOWN)
        self._last[gil] = holder
        if before >= 0 and holder >= 0 and before != holder:
            self.count += 1
            self._given[before].append((at_us, self.count))
            self._taken[holder].append((at_us, self.count))
            self.lanes |= {before, holder}

    def of(self, lane: int, end_us: int) -> tuple[list[int], list[int]]:
        """The hand-overs that a thread's stretch ends with, and those that it begins with."""
        given, taken = self._given[lane], self._taken[lane]
        told = _until(given, end_us), _until(taken, end_us - 1)
        if not given and not taken:
            self.lanes.discard(lane)
        return told


def _until(pending: deque[tuple[int, int]], end_us: int) -> list[int]:
    found = []
    while pending and pending[0][0] <= end_us:
        found.append(pending.popleft()[1])
    return found


class _Tracks:
    """The tracks, each described when it is first written to, or when its name has changed."""

    def __init__(self, out: Packets, cast: Cast) -> None:
        self._out = out
        self._cast = cast
        self._known: dict[tuple[Any, ...], int] = {}
        self.lanes: dict[int, int] = {}

    def named(self, message: Names | Process) -> None:
        """Describe again what has a new name."""
        if isinstance(message, Process):
            self._process(message.pid, again=True)
            return
        for who in thread_names(message):
            if who.lane in self.lanes:
                self._describe_lane(who.lane)

    def lane(self, lane: int) -> int:
        """The track of a thread."""
        track = self.lanes.get(lane)
        return self._describe_lane(lane) if track is None else track

    def gil(self, gil: int) -> int:
        """The track of a GIL."""
        return self._child(("gil", gil), self._gil_name(gil), self._cast.gils[gil].whose.pid)

    def collector(self, pid: int, interpreter: int) -> int:
        """The track of an interpreter's collections."""
        name = f"Collector of interpreter {interpreter}" if interpreter else "Collector"
        return self._child(("collector", pid, interpreter), name, pid)

    def events(self, pid: int) -> int:
        """The track of what happened to a process."""
        return self._child(("events", pid), "Events", pid)

    def findings(self) -> int:
        """The track of the findings."""
        return self._child(("findings",), "Findings", None)

    def counter(self, pid: int, name: str, unit: str) -> int:
        """A counter of a process."""
        return self._child(("counter", pid, name), name, pid, unit)

    def gil_counter(self, gil: int, name: str, unit: str) -> int:
        """A counter of a GIL."""
        label = f"{self._gil_name(gil)} {name}"
        return self._child(("gil counter", gil, name), label, self._cast.gils[gil].whose.pid, unit)

    def _gil_name(self, gil: int) -> str:
        interpreter = self._cast.gils[gil].whose.interpreter
        return f"GIL of interpreter {interpreter}" if interpreter else "GIL"

    def _process(self, pid: int, again: bool = False) -> int:
        track = self._known.get(("process", pid))
        if track is None or again:
            track = self._number(("process", pid))
            process = self._cast.processes.get(pid)
            with self._out.described(track) as described:
                described.process.pid = pid
                if process is not None:
                    described.process.cmdline.extend(process.command)
                    described.process.process_name = (
                        f"CPython {process.python}" if process.python else "process"
                    )
        return track

    def _describe_lane(self, lane: int) -> int:
        who = self._cast.lanes[lane].who
        parent = self._process(who.pid)
        track = self.lanes[lane] = self._number(("lane", lane))
        with self._out.described(track) as described:
            described.parent_uuid = parent
            described.thread.pid = who.pid
            described.thread.tid = who.tid
            described.thread.thread_name = who.name
        return track

    def _child(self, key: tuple[Any, ...], name: str, pid: int | None, unit: str | None = None) -> int:
        track = self._known.get(key)
        if track is None:
            parent = None if pid is None else self._process(pid)
            track = self._number(key)
            with self._out.described(track) as described:
                described.name = name
                if parent is not None:
                    described.parent_uuid = parent
                if unit is not None:
                    described.counter.unit_name = unit
        return track

    def _number(self, key: tuple[Any, ...]) -> int:
        return self._known.setdefault(key, len(self._known) + 1)
