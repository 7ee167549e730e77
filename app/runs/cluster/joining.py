"""The messages of several observers, made those of one: a frame tells of all lanes of all workers.

Each observer has slices of its own, on a clock of its own. Here they are cut anew, to slices that all have in
common: one is told once every worker has told of all of it, and of SETTLE_US more, since what a worker says
of its tasks comes after what is seen of its threads. With longer slices that is so much longer, too: what is
said comes more seldom. Who has not told of it PATIENCE_US later is not waited for: its lanes are unknown in
that time. What an observer tells of a time that is told already is lost.

Totals are told together, so that sums are of all workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from app.model.frames import (
    SLICE_US,
    Blocked,
    Cluster,
    Counters,
    End,
    Event,
    Frame,
    Hello,
    Loops,
    Message,
    Names,
    Pools,
    Process,
    Report,
    Stacks,
)
from app.model.states import HOLDER_UNKNOWN, UNKNOWN
from app.model.tracks import GIL_STEP, LANE_STEP, clip, gils_of, lanes_of, length_of
from app.runs.cluster.renaming import Numbers, Renamed
from app.runs.cluster.tasks import WorkerTasks

SETTLE_US = 600_000
PATIENCE_US = 10_000_000
COUNTERS_US = 250_000

_OF_THE_TIME_BEFORE = (Stacks, Blocked, Loops, Pools)  # what names or stands is told, and these are not
_CPU, _FAULTS = 1, (4, 5)  # where in a row of totals the running ones of a process stand

Emit = Callable[[Message], None]
Row = list[Any]


class Joined:
    """One worker's observer, as the run has it."""

    def __init__(self, worker: str, host: str, pid: int, renamed: Renamed, late: bool) -> None:
        self.worker, self.host, self.pid = worker, host, pid
        self.renamed = renamed
        self.tasks = WorkerTasks()
        self.queue: deque[Message] = deque()  # as its observer wrote them
        self.rest: Frame | None = None  # what of a frame lies after the slice that was told
        self.told_us = -1  # up to when its frames that have come tell
        self.first_us: int | None = None  # where the first of them begins
        self.over = False  # it says no more
        self.error: dict[str, Any] | None = None
        self.root: int | None = None
        self.named: dict[int, int] = {}  # lanes that are there, and when they were named
        self.named_gils: dict[int, int] = {}
        self.lane_of: dict[int, int] = {}  # by thread id, of the worker's own process
        self.late = late  # it came when the run had begun: its totals count from then
        self.base: dict[tuple[str, int], Row] = {}
        self.totals: dict[int, Row] = {}  # the newest of each process
        self.threads: dict[int, Row] = {}  # those of threads that came since they were told of all
        self.observer: dict[str, Any] = {}
        self.processes: dict[int, Process] = {}  # that are there
        self.why = ""  # it is over
        self.closed = False  # and that was told
        self.counted = False  # told totals since they were told of all

    @property
    def drained(self) -> bool:
        """Whether all that came of it is told, and no more will come."""
        return self.over and not self.queue and self.rest is None

    def lost(self, why: str) -> None:
        """It says no more."""
        if not self.over:
            self.over, self.why = True, why

    def forget(self) -> None:
        """It is gone, and that was told: of what it was nothing is needed any more."""
        self.tasks = WorkerTasks()
        self.named, self.named_gils, self.lane_of = {}, {}, {}
        self.processes, self.totals, self.base = {}, {}, {}

    def take(self, message: Message) -> None:
        """A message as its observer wrote it."""
        if isinstance(message, End):
            self.error = message.error
            self.lost("" if message.error is None else str(message.error.get("detail")))
        elif not isinstance(message, Hello | Report):
            if isinstance(message, Frame):
                self.told_us = max(self.told_us, self.renamed.shift(message.end_us))
                if self.first_us is None:
                    self.first_us = self.renamed.shift(message.start_us)
            self.queue.append(message)


class Joining:
    """All of them. What is told in the run goes to `emit`, in slices of `slice_us`."""

    def __init__(self, emit: Emit, slice_us: int = SLICE_US) -> None:
        self._emit = emit
        self.slice_us = slice_us
        self._numbers = Numbers()
        self._joined: list[Joined] = []
        self._hosts: set[str] = set()
        self.at_us: int | None = None  # up to when is told; None before the first slice
        self._counted_us = 0
        self._samples = self._late = 0.0  # what did not make up a whole one

    def join(self, worker: str, host: str, pid: int, shift: Callable[[int], int]) -> Joined:
        """A worker's observer comes; `shift` makes its instants the run's."""
        place = len(self._joined) + 1
        renamed = Renamed(place, self._numbers, host, worker, shift, host not in self._hosts)
        self._hosts.add(host)
        joined = Joined(worker, host, pid, renamed, self.at_us is not None)
        self._joined.append(joined)
        return joined

    @property
    def joined(self) -> Sequence[Joined]:
        """In the order in which they came."""
        return self._joined

    @property
    def seen_us(self) -> int:
        """From when on all that are seen at all are."""
        return max(each.first_us for each in self._joined if each.first_us is not None)

    def begin(self, by_us: int) -> None:
        """The run begins, and its clock with it, so much later than it went up to now: tell who is there.

        What was seen before is not told.
        """
        for each in self._joined:
            each.told_us -= by_us
            each.first_us = None if each.first_us is None else each.first_us - by_us
            each.tasks.move(by_us)
        for each in self._joined:
            self._take_up_to_first(each)
        self.at_us = 0
        self._tell_counters(0)

    def advance(self, now_us: int, last: bool = False) -> None:
        """Tell all slices that can be told; the `last` time all that came."""
        assert self.at_us is not None
        settle_us = SETTLE_US + self.slice_us - SLICE_US
        while True:
            end_us = self.at_us + self.slice_us
            if last:
                if not any(each.told_us >= end_us for each in self._joined if not each.drained):
                    self._tell_rest(self.at_us)
                    return
            elif end_us > now_us - settle_us or (
                now_us < end_us + PATIENCE_US and self._awaits(end_us + settle_us)
            ):
                return
            self._slice(self.at_us, end_us, last)
            self.at_us = end_us

    def _tell_rest(self, at_us: int) -> None:
        """The end of all: a last slice, as short as what was told of it, and what came after it."""
        end_us = max((each.told_us for each in self._joined if not each.closed), default=at_us)
        if end_us > at_us:
            self._slice(at_us, end_us, last=True)
            self.at_us = at_us = end_us
        after: list[Message] = []
        pieces: list[Row] = []
        for each in self._joined:
            if each.closed:
                continue
            for _ in self._up_to(each, at_us, after):
                pass  # a frame of before this instant: that is told already
            pieces += self._tasks_of(each, at_us, every=True)
        self._tell(after, Cluster(at_us, pieces) if pieces else None)
        self._tell_counters(at_us)

    def _awaits(self, until_us: int) -> bool:
        """Whether a worker that is seen has not told of all up to then."""
        there = (each for each in self._joined if each.first_us is not None and not each.over)
        return any(each.told_us < until_us for each in there)

    # ---- a slice

    def _slice(self, start_us: int, end_us: int, last: bool) -> None:
        tracks = _Tracks(start_us, end_us)
        after: list[Message] = []
        pieces: list[Row] = []
        tell_all = end_us - self._counted_us >= COUNTERS_US
        for each in self._joined:
            if each.closed:
                continue
            lanes = _Tracks(start_us, end_us)
            for frame in self._up_to(each, end_us, after):
                self._add(lanes, frame, each)
            self._fill(lanes, each)
            tracks.add_all(lanes)
            own = {
                tid: (lane, lanes.begin_of(lane, each.named), lanes.lanes[lane])
                for tid, lane in each.lane_of.items()
                if lane in lanes.lanes
            }
            each.tasks.see(start_us, end_us, own)
            pieces += self._tasks_of(each, end_us, tell_all or each.drained)
            if each.drained:
                after += self._why_over(each, end_us) if last else self._closed(each, end_us)
        there = max(1, sum(not each.closed for each in self._joined))
        samples, self._samples = divmod(self._samples + tracks.samples / there, 1)
        late, self._late = divmod(self._late + tracks.late / there, 1)
        self._emit(
            Frame(
                *(start_us, end_us, int(samples), tracks.failed, int(late)),
                [[gil, tracks.switches.get(gil, 0), track] for gil, track in tracks.gils.items()],
                [[lane, track] for lane, track in tracks.lanes.items()],
            )
        )
        self._tell(after, Cluster(end_us, pieces) if pieces else None)
        if tell_all:
            self._tell_counters(end_us)

    def _tell(self, after: Iterable[Message], tasks: Cluster | None) -> None:
        for message in after:
            self._emit(message)
        if tasks is not None:
            self._emit(tasks)

    @staticmethod
    def _tasks_of(each: Joined, end_us: int, every: bool) -> Iterator[Row]:
        if each.root is None:
            return iter(())
        return each.tasks.rows(end_us, each.renamed.pid(each.root), each.lane_of, every)

    def _take_up_to_first(self, each: Joined) -> None:
        """Tell what comes before a worker's first frame that is told of."""
        after: list[Message] = []
        while each.queue:
            message = each.queue[0]
            if isinstance(message, Frame) and each.renamed.shift(message.end_us) > 0:
                break
            each.queue.popleft()
            if not isinstance(message, (Frame, *_OF_THE_TIME_BEFORE)):
                self._pass(each, message, after)
        for message in after:
            self._emit(message)

    def _up_to(self, each: Joined, end_us: int, after: list[Message]) -> Iterator[Frame]:
        """A worker's frames up to then, the last one cut there; what came between them is told."""
        while each.rest is not None or each.queue:
            frame, each.rest = each.rest, None
            if frame is None:
                message = each.queue.popleft()
                if not isinstance(message, Frame):
                    self._pass(each, message, after)
                    continue
                frame = each.renamed.frame(message)
            if frame.start_us >= end_us:
                each.rest = frame
                return
            if frame.end_us > end_us:
                frame, each.rest = _cut(frame, end_us, each)
                yield frame
                return
            yield frame

    def _closed(self, each: Joined, at_us: int) -> Iterator[Message]:
        """What is told of a worker that says no more: its processes have ended, as far as anybody sees."""
        each.closed = True
        yield from self._why_over(each, at_us)
        if each.named:
            yield Names(at_us, gone=[*each.named])
        for process in each.processes.values():
            yield replace(process, at_us=at_us, gone=True)
        each.forget()

    @staticmethod
    def _why_over(each: Joined, at_us: int) -> Iterator[Message]:
        """Why a worker says no more; of one of which nothing was seen with who that is."""
        why, each.why = each.why, ""
        if not why:
            return
        pid = each.renamed.pid(each.pid if each.root is None else each.root)
        if each.root is not None:
            yield Event(at_us, "unreadable", pid, why)
            return
        yield Event(at_us, "unreadable", pid, f"Worker {each.worker} on {each.host} is not observed: {why}")
        yield Cluster(at_us, unseen=[[each.host, each.worker, pid, why]])

    def _pass(self, each: Joined, message: Message, after: list[Message]) -> None:
        """Tell what names something now, and all else after the frame in which it was."""
        if isinstance(message, Counters):
            self._count(each, each.renamed.counters(message))
            return
        if isinstance(message, Event) and message.kind == "stopping":
            return  # of the run that is told once
        told = each.renamed.message(message)
        if isinstance(told, Names):
            self._named(each, message, told)
            if told.gone:
                after.append(Names(told.at_us, gone=told.gone))
                told = replace(told, gone=[])
            if any((told.threads, told.gils, told.functions, told.stacks, told.locks)):
                self._emit(told)
            return
        if isinstance(message, Process):
            each.root = message.pid if each.root is None else each.root
            assert isinstance(told, Process)
            if message.gone:
                each.totals.pop(told.pid, None)
                each.processes.pop(told.pid, None)
            else:
                each.processes[told.pid] = told
            if not message.gone and not any(
                isinstance(other, Process) and other.pid == told.pid for other in after
            ):
                self._emit(told)
                return
        after.append(told)

    def _named(self, each: Joined, message: Message, told: Names) -> None:
        assert isinstance(message, Names)
        for lane, pid, tid, *_ in _rows(told.threads):
            each.named.setdefault(lane, told.at_us)
            if each.root is not None and pid == each.renamed.pid(each.root):
                each.lane_of[tid] = lane
        for gil, *_ in _rows(told.gils):
            each.named_gils.setdefault(gil, told.at_us)
        for lane in told.gone:
            each.named.pop(lane, None)

    def _add(self, tracks: _Tracks, frame: Frame, each: Joined) -> None:
        """Put a worker's frame into the slice; of what came too late nothing counts."""
        if frame.end_us <= tracks.start_us:
            return
        if frame.start_us < tracks.start_us:
            _, frame = _cut(frame, tracks.start_us, each)
        tracks.samples += frame.samples
        tracks.late += frame.late
        tracks.failed += frame.failed
        for lane, track in lanes_of(frame):
            named_us = each.named.get(lane, frame.start_us)
            tracks.lane(lane, max(frame.start_us, named_us), track, named_us)
        for gil, switches, track in gils_of(frame):
            named_us = each.named_gils.get(gil, frame.start_us)
            tracks.gil(gil, switches, max(frame.start_us, named_us), track, named_us)

    def _fill(self, tracks: _Tracks, each: Joined) -> None:
        """What is there and was not told of is unknown."""
        if each.drained:
            return
        for lane, named_us in each.named.items():
            tracks.lane(lane, tracks.end_us, [], named_us)
        for gil, named_us in each.named_gils.items():
            tracks.gil(gil, 0, tracks.end_us, [], named_us)

    # ---- totals

    def _count(self, each: Joined, message: Counters) -> None:
        each.counted = True
        first = each.late and not each.totals
        rows, threads = _rows(message.processes), _rows(message.threads)
        if first:
            each.base = {("process", row[0]): row for row in rows}
            each.base |= {("thread", row[0]): row for row in threads}
        for row in rows:
            each.totals[row[0]] = _less(row, each.base.get(("process", row[0])), (_CPU, *_FAULTS))
        for row in threads:
            each.threads[row[0]] = _less(row, each.base.get(("thread", row[0])), range(1, len(row)))
        each.observer |= message.observer

    def _tell_counters(self, at_us: int) -> None:
        there = [each for each in self._joined if each.totals and not each.closed]
        if not any(each.counted for each in there):
            return
        self._counted_us = at_us
        threads: list[Row] = []
        for each in self._joined:
            threads += each.threads.values()
            each.threads, each.counted = {}, False
        observers = [each.observer for each in there]
        looked = [float(each["looked"]) for each in observers if each.get("looked") is not None]
        observer = {
            "cpu_us": sum(each.observer.get("cpu_us", 0) for each in self._joined),
            "gil_hz": min(each["gil_hz"] for each in observers),
            **{
                name: sum(each.observer.get(name, 0) for each in self._joined)
                for name in ("late", "cut_stacks", "missed_blocks")
            },
            "looked": sum(looked) / len(looked) if looked else None,
        }
        processes = [row for each in there for row in each.totals.values()]
        self._emit(Counters(at_us, processes, threads, observer))


class _Tracks:
    """The tracks of a slice, as they grow: from where they begin without a gap."""

    def __init__(self, start_us: int, end_us: int) -> None:
        self.start_us, self.end_us = start_us, end_us
        self.lanes: dict[int, list[int]] = {}
        self.gils: dict[int, list[int]] = {}
        self.switches: dict[int, int] = {}
        self.samples = self.late = 0
        self.failed = 0

    def lane(self, lane: int, at_us: int, track: list[int], named_us: int) -> None:
        """Go on with a lane, at an instant."""
        self._grow(self.lanes.setdefault(lane, []), LANE_STEP, at_us, track, named_us, [UNKNOWN])

    def gil(self, gil: int, switches: int, at_us: int, track: list[int], named_us: int) -> None:
        """Go on with a GIL."""
        self.switches[gil] = self.switches.get(gil, 0) + switches
        self._grow(self.gils.setdefault(gil, []), GIL_STEP, at_us, track, named_us, [HOLDER_UNKNOWN, 0])

    def begin_of(self, lane: int, named: dict[int, int]) -> int:
        """Where a lane's track begins."""
        return max(self.start_us, named.get(lane, self.start_us))

    def add_all(self, other: _Tracks) -> None:
        """Those of another worker."""
        self.lanes |= {lane: track for lane, track in other.lanes.items() if track}
        self.gils |= {gil: track for gil, track in other.gils.items() if track}
        self.switches |= other.switches
        self.samples += other.samples
        self.late += other.late
        self.failed += other.failed

    def _grow(
        self, grown: list[int], step: int, at_us: int, track: list[int], named_us: int, unknown: list[int]
    ) -> None:
        filled_us = max(self.start_us, named_us) + length_of(grown, step)
        gap_us = min(at_us, self.end_us) - filled_us
        if gap_us > 0:
            grown += [*unknown, gap_us]
            filled_us += gap_us
        more = clip(track, step, max(0, filled_us - at_us), self.end_us - at_us)
        if more and grown and grown[-step:-1] == more[: step - 1]:  # one piece, cut at a frame's end
            grown[-1] += more[step - 1]
            more = more[step:]
        grown += more


def _cut(frame: Frame, at_us: int, each: Joined) -> tuple[Frame, Frame]:
    """A frame in two; what was counted in it is shared by their lengths."""
    share = (at_us - frame.start_us) / (frame.end_us - frame.start_us)

    def counted(number: int) -> tuple[int, int]:
        first = round(number * share)
        return first, number - first

    def parts(begin_us: int, track: list[int], step: int) -> tuple[list[int], list[int]]:
        keep_us = max(0, at_us - begin_us)
        return clip(track, step, 0, keep_us), clip(track, step, keep_us, length_of(track, step))

    samples, failed, late = counted(frame.samples), counted(frame.failed), counted(frame.late)
    gils: tuple[list[Row], list[Row]] = [], []
    for gil, switches, track in gils_of(frame):
        begin_us = max(frame.start_us, each.named_gils.get(gil, frame.start_us))
        for into, moved, part in zip(gils, counted(switches), parts(begin_us, track, GIL_STEP), strict=True):
            if part:
                into.append([gil, moved, part])
    lanes: tuple[list[Row], list[Row]] = [], []
    for lane, track in lanes_of(frame):
        begin_us = max(frame.start_us, each.named.get(lane, frame.start_us))
        for into, part in zip(lanes, parts(begin_us, track, LANE_STEP), strict=True):
            if part:
                into.append([lane, part])
    return (
        Frame(frame.start_us, at_us, samples[0], failed[0], late[0], gils[0], lanes[0]),
        Frame(at_us, frame.end_us, samples[1], failed[1], late[1], gils[1], lanes[1]),
    )


def _rows(rows: Iterable[Any]) -> list[Row]:
    return [[*row] for row in rows]


def _less(row: Row, base: Row | None, columns: Iterable[int]) -> Row:
    """A row of running totals, counted from another one."""
    if base is None:
        return row
    less = [*row]
    for column in columns:
        if row[column] is not None and base[column] is not None:
            less[column] = row[column] - base[column]
    return less
