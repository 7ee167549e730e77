"""The tracks and rows of messages, decoded: the one place that knows what stands where in them.

A track is a flat list of pieces: of a lane (state, length_us), of a GIL (holder, waiters, length_us). The
columns of other rows have names here, and whoever reads a message reads its rows by them. `Cast` remembers
what was named, and so knows where a track begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from app.model.frames import (
    Blocked,
    Cluster,
    Collector,
    ContainerHolders,
    Counters,
    FarLine,
    Frame,
    Heap,
    Loops,
    Memory,
    Names,
    Pools,
    Process,
    Stacks,
    Types,
)
from app.model.summary import LargestMapping

LANE_STEP = 2
GIL_STEP = 3


class ThreadName(NamedTuple):
    """Who a lane is; sent again where the name or the interpreter has changed."""

    lane: int
    pid: int
    tid: int
    name: str
    interpreter: int | None


class GilName(NamedTuple):
    """Whose a GIL is."""

    gil: int
    pid: int
    interpreter: int | None


class FunctionName(NamedTuple):
    """A function, as its code object describes it."""

    function: int
    name: str  # qualified
    file: str
    first_line: int


class StackFrames(NamedTuple):
    """A stack: function and line in turn, leaf first."""

    stack: int
    frames: list[int]


class HolderLook(NamedTuple):
    """What a GIL's holder and its longest waiter were executing."""

    at_us: int
    gil: int | None
    holder: int
    holder_stack: int | None
    waiter: int
    waiter_stack: int | None
    waiters: int


class BlockedLook(NamedTuple):
    """What a thread that is blocked, or runs C code, was executing."""

    at_us: int
    lane: int
    state: int
    since_us: int
    stack: int | None
    task: str | None


class ProcessTotals(NamedTuple):
    """The running totals of a process."""

    pid: int
    cpu_us: int | None
    rss: int | None
    peak_rss: int | None
    minor_faults: int | None
    major_faults: int | None


class ThreadTotals(NamedTuple):
    """The running totals of a thread."""

    lane: int
    cpu_us: int | None
    run_delay_us: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None


class LoopName(NamedTuple):
    """Which event loop a thread runs, and what can be told apart of it."""

    lane: int
    kind: str
    steps_exact: bool
    tasks_exact: bool


class PoolName(NamedTuple):
    """A pool of threads."""

    pool: int  # its first worker's lane
    pid: int
    kind: str  # executor, ThreadPool, anyio
    name: str


class PoolLook(NamedTuple):
    """A look at a pool; `states` are (state, how many of the busy) in turn."""

    at_us: int
    pool: int
    workers: int
    busy: int
    waiting: int | None  # tasks that no worker has begun
    begun: int  # tasks since the look before, at least
    states: list[int]


class LoopLags(NamedTuple):
    """How late a loop was: (lag_us, length_us) in turn."""

    lane: int
    idle_us: int
    longest_us: int
    lags: list[int]


class LongStep(NamedTuple):
    """A step of a loop that took long; `stacks` are (stack, length_us) in turn, the longest first."""

    lane: int
    start_us: int
    length_us: int
    state: int
    task: str | None
    over: bool
    stacks: list[int]


class TaskPiece(NamedTuple):
    """A piece of a task that a cluster's worker does."""

    pid: int
    lane: int
    begun_us: int
    from_us: int
    length_us: int
    held_us: int  # of the GIL, by its thread
    over: bool
    key: str
    name: str


class OwnFigure(NamedTuple):
    """For how long a cluster itself says that a worker's GIL was busy; None where it does not."""

    pid: int
    length_us: int
    contended_us: int | None


class WorkerClock(NamedTuple):
    """By how much a worker's clock may be off."""

    host: str
    worker: str
    pid: int
    off_us: int
    why: str


class UnseenWorker(NamedTuple):
    """A worker that is not observed, and why."""

    host: str
    worker: str
    pid: int | None  # None of one that has said nothing
    why: str


class CollectorCounts(NamedTuple):
    """The numbers of an interpreter's collector, lists by generation."""

    pid: int
    interpreter: int
    enabled: bool | None
    thresholds: list[int]
    counts: list[int]
    collections: list[int]
    collected: list[int]
    uncollectable: list[int]
    tracked: int | None
    long_lived: list[int] | None = None  # this and the next are not in recordings of before
    given_back: int | None = None


class HeapClass(NamedTuple):
    """The blocks of one size in a heap."""

    size: int
    pools: int
    blocks_used: int
    blocks_free: int


class TypeCount(NamedTuple):
    """The live objects of a type; `_off` is half of an interval of 95 %."""

    type: str
    number: int
    number_off: int
    bytes: int
    bytes_off: int


class HeldItems(NamedTuple):
    """A large container, and the names that lead to it."""

    path: str
    type: str
    items: int


class PinnedArenas(NamedTuple):
    """The arenas of a heap of which at most a tenth is in use."""

    arenas: int
    bytes: int
    held_bytes: int


class ArenaMap(NamedTuple):
    """What is drawn of an arena."""

    address: int
    pools: str


class SizesThen(NamedTuple):
    """What memory a process had at an instant: bytes, and two counts of an interpreter's own."""

    rss: int
    anonymous: int
    arenas: int | None
    large_blocks: int | None


class Moved(NamedTuple):
    """What memory moved with a collection, or with several between two readings."""

    pid: int
    interpreter: int
    start_us: int
    length_us: int | None
    generation: int | None
    collections: int
    collected: int
    before_us: int
    before: SizesThen
    after_us: int
    after: SizesThen

    @property
    def given_back(self) -> int:
        """Bytes by which RSS fell; negative where it rose."""
        return self.before.rss - self.after.rss


class Pause(NamedTuple):
    """A collection."""

    pid: int
    interpreter: int
    start_us: int
    length_us: int
    generation: int | None
    collected: int | None


def lane_pieces(track: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(state, length_us) of each piece of a lane's track."""
    numbers = iter(track)
    return zip(numbers, numbers)


def gil_pieces(track: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(holder, waiters, length_us) of each piece of a GIL's track."""
    numbers = iter(track)
    return zip(numbers, numbers, numbers)


def pairs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Two kinds of numbers that stand in turn; ValueError where one is left over."""
    if len(numbers) % 2:
        raise ValueError("of numbers that stand in pairs one is left over")
    return zip(numbers[::2], numbers[1::2])


def lanes_of(frame: Frame) -> Iterable[tuple[int, list[int]]]:
    """(lane, track) of each lane in a frame. There are thousands a second, so no objects are made of them."""
    return cast("Iterable[tuple[int, list[int]]]", frame.lanes)


def gils_of(frame: Frame) -> Iterable[tuple[int, int, list[int]]]:
    """(GIL, switches, track) of each GIL in a frame."""
    return cast("Iterable[tuple[int, int, list[int]]]", frame.gils)


def thread_names(message: Names) -> Iterator[ThreadName]:
    """The lanes that a message names."""
    return map(ThreadName._make, message.threads)


def gil_names(message: Names) -> Iterator[GilName]:
    """The GILs that a message names."""
    return map(GilName._make, message.gils)


def function_names(message: Names) -> Iterator[FunctionName]:
    """The functions that a message names."""
    return map(FunctionName._make, message.functions)


def stacks_of(message: Names) -> Iterator[StackFrames]:
    """The stacks that a message names."""
    return map(StackFrames._make, message.stacks)


def looks(message: Stacks) -> Iterator[HolderLook]:
    """The looks at holders and waiters."""
    return map(HolderLook._make, message.looks)


def blocked_looks(message: Blocked) -> Iterator[BlockedLook]:
    """The looks at threads that do not run Python."""
    return map(BlockedLook._make, message.rows)


def process_totals(message: Counters) -> Iterator[ProcessTotals]:
    """The processes that were read."""
    return map(ProcessTotals._make, message.processes)


def thread_totals(message: Counters) -> Iterator[ThreadTotals]:
    """The threads that were read."""
    return map(ThreadTotals._make, message.threads)


def pool_names(message: Pools) -> Iterator[PoolName]:
    """The pools that a message names."""
    return map(PoolName._make, message.pools)


def pool_looks(message: Pools) -> Iterator[PoolLook]:
    """The looks at them."""
    return map(PoolLook._make, message.looks)


def loop_names(message: Loops) -> Iterator[LoopName]:
    """The loops that a message names."""
    return map(LoopName._make, message.loops)


def loop_lags(message: Loops) -> Iterator[LoopLags]:
    """How late the loops were."""
    return map(LoopLags._make, message.lags)


def loop_steps(message: Loops) -> Iterator[LongStep]:
    """The steps that took long."""
    return map(LongStep._make, message.steps)


def task_pieces(message: Cluster) -> Iterator[TaskPiece]:
    """What the workers did."""
    return map(TaskPiece._make, message.tasks)


def own_figures(message: Cluster) -> Iterator[OwnFigure]:
    """What the cluster itself says."""
    return map(OwnFigure._make, message.own)


def worker_clocks(message: Cluster) -> Iterator[WorkerClock]:
    """How the clocks of the workers stand."""
    return map(WorkerClock._make, message.clocks)


def unseen_workers(message: Cluster) -> Iterator[UnseenWorker]:
    """The workers that are not observed."""
    return map(UnseenWorker._make, message.unseen)


def line_clock(message: FarLine) -> tuple[int, int] | None:
    """(ahead_us, off_us) of the clock at the other end of a line, where the message tells it."""
    return None if message.clock is None else cast("tuple[int, int]", tuple(message.clock))


def collector_totals(message: Collector) -> Iterator[CollectorCounts]:
    """The collectors that were read."""
    return (CollectorCounts(*row) for row in cast("Sequence[tuple[Any, ...]]", message.rows))


def heap_classes(message: Heap) -> Iterator[HeapClass]:
    """The size classes of a heap."""
    return map(HeapClass._make, message.classes)


def type_counts(message: Types) -> list[TypeCount]:
    """The types of a census, those first that take most."""
    return [TypeCount._make(row) for row in message.rows]


def held_items(message: ContainerHolders) -> list[HeldItems]:
    """The containers, the largest first."""
    return [HeldItems._make(row) for row in message.rows]


def pinned_arenas(message: Heap) -> PinnedArenas:
    """The arenas of which at most a tenth is in use."""
    return PinnedArenas._make(message.pinned)


def arena_maps(message: Heap) -> Iterator[ArenaMap]:
    """The arenas that a reading tells of."""
    return map(ArenaMap._make, message.changed)


def kinds_of(message: Memory) -> Mapping[str, list[int] | None]:
    """[size, rss, pss] of each kind of mapping; of an old recording without the last."""
    return cast("Mapping[str, list[int] | None]", message.kinds)


def largest_of(message: Memory) -> list[LargestMapping]:
    """The mappings with most in memory."""
    return [LargestMapping(*row) for row in cast("list[tuple[str, str, int]]", message.largest)]


def unmapped_of(message: Memory) -> tuple[int, int] | None:
    """Bytes and files of shared memory that no process maps."""
    bytes_, files = cast("tuple[int, int]", message.unmapped or (0, 0))
    return (bytes_, files) if files else None


def pauses(message: Collector) -> Iterator[Pause]:
    """The collections that ended."""
    return map(Pause._make, message.pauses)


def moved_memory(message: Collector) -> Iterator[Moved]:
    """What memory moved with collections."""
    for row in map(Moved._make, message.moved):
        yield row._replace(before=SizesThen._make(row.before), after=SizesThen._make(row.after))


def length_of(track: Sequence[int], step: int) -> int:
    """The microseconds that a track covers."""
    return sum(track[step - 1 :: step])


def cut(track: Sequence[int], step: int, keep_us: int) -> list[int]:
    """The first `keep_us` of a track."""
    return clip(track, step, 0, keep_us)


def clip(track: Sequence[int], step: int, skip_us: int, keep_us: int) -> list[int]:
    """What of a track lies from `skip_us` after its beginning to `keep_us` after it.

    A piece without length stays where it lies within.
    """
    kept: list[int] = []
    at_us = 0
    for at in range(0, len(track), step):
        if at_us >= keep_us:
            break
        *what, length_us = track[at : at + step]
        begin_us, at_us = at_us, at_us + length_us
        left_us = min(at_us, keep_us) - max(begin_us, skip_us)
        if left_us > 0 or (not length_us and begin_us >= skip_us):
            kept += [*what, left_us]
    return kept


@dataclass
class NamedLane:
    """A lane as it is named now, and where its first track began."""

    who: ThreadName
    named_us: int
    gone: bool = False


@dataclass
class NamedGil:
    """A GIL, and where its first track began."""

    whose: GilName
    named_us: int


class Cast:
    """The processes, lanes and GILs named so far, from the messages that name them."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self.lanes: dict[int, NamedLane] = {}
        self.gils: dict[int, NamedGil] = {}

    def names(self, message: Names) -> None:
        """Take note of lanes and GILs that came, were named anew, or went."""
        for who in thread_names(message):
            known = self.lanes.get(who.lane)
            if known is None:
                self.lanes[who.lane] = NamedLane(who, message.at_us)
            else:
                known.who = who
        for whose in gil_names(message):
            self.gils.setdefault(whose.gil, NamedGil(whose, message.at_us))
        for lane in message.gone:
            self.lanes[lane].gone = True

    def process(self, message: Process) -> None:
        """Take note of what is known of a process now."""
        self.processes[message.pid] = message

    def lane_tracks(self, frame: Frame) -> Iterator[tuple[int, int, list[int]]]:
        """(lane, start_us, track) of each lane in a frame; ValueError where it was never named."""
        return _begun(lanes_of(frame), self.lanes, frame, "lane")

    def gil_tracks(self, frame: Frame) -> Iterator[tuple[int, int, list[int]]]:
        """(GIL, start_us, track) of each GIL in a frame; ValueError where it was never named."""
        rows = ((gil, track) for gil, _, track in gils_of(frame))
        return _begun(rows, self.gils, frame, "GIL")


def _begun(
    rows: Iterable[tuple[int, list[int]]], named: Mapping[int, NamedLane | NamedGil], frame: Frame, kind: str
) -> Iterator[tuple[int, int, list[int]]]:
    for index, track in rows:
        one = named.get(index)
        if one is None:
            raise ValueError(f"{kind} {index} was never named")
        yield index, max(frame.start_us, one.named_us), track
