"""The summary of a run, typed: what `--json` prints and `GET /api/v1/runs/{id}/summary` answers.

Times are in seconds, sizes in bytes, shares from 0 to 1. What could not be measured is None, and
`capabilities` says why. There is a row for each process, interpreter and thread. The type checker knows each
key: rules, comparison, reports and exporters read no other.

A summary of the archive may have been written by an older version, and then lacks what has come since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Optional, TypedDict

from app.model.states import Level, Measure, State

Maybe = Optional[float]

Severity = Literal["info", "notice", "warning", "critical"]


class RunAsked(TypedDict, total=False):
    """What a server adds of what the run was asked for, and of what it printed: see app/runs/run_json.py."""

    workload: str | None
    command: list[str] | None
    executor: str | None
    workers: int | None
    seconds: float | None
    python: str | None
    question: str | None  # what a workload's run is looked at for, see app/workloads/catalogue.py
    output: str | None


class RunInfo(RunAsked):
    """The run itself."""

    id: str | None
    kind: str | None  # workload, command, script, attach
    name: str | None
    state: str  # starting, running, finished, stopped, timed_out, failed
    started_at: Maybe  # since the epoch
    duration_s: float
    cpu_s: Maybe  # of a program that was started and has ended, with all that it started; not of a span
    params: Mapping[str, object] | None
    error: Mapping[str, str] | None  # {"code", "title", "detail", "remedy"}


class TargetInfo(TypedDict):
    """The process that the run is about."""

    pid: int | None
    python: str | None
    free_threaded: bool | None
    gil_enabled: bool | None
    switch_interval_s: Maybe
    command: list[str] | None


class Capabilities(TypedDict):
    """How far each measure can be trusted, over all processes."""

    gil: Level
    gil_wait: Level
    threads: Level
    heap: Level
    types: Level
    gc: Level
    stacks: Level
    why: dict[Measure, str]  # the reason, of each measure that is not exact


class SamplingInfo(TypedDict):
    """How well the target was watched."""

    gil_hz_requested: Maybe
    gil_hz: Maybe  # how often a second each lock was read
    thread_hz: Maybe  # how often each thread that had done something of late was; less, where they take turns
    samples: int
    failed: int
    late: int
    coverage: Maybe  # how much of the time was seen, see app/analysis/coverage.py
    observer_cpu_share: Maybe
    less: str | None  # why less was asked of the observers than of this one; None where it was not


class LineInfo(TypedDict):
    """The line to an observer that is elsewhere (`--via`)."""

    state: str  # there; cut: it is tried again; gone: it could not be had again
    detail: str  # why it is cut or gone
    clock_ahead_s: Maybe  # by how much the clock there is ahead of the one here; None: not compared
    clock_off_s: Maybe  # how far off that may have been at most
    cuts: int
    cut_s: float  # all of them together, as this side noticed them
    dropped: int  # messages that the other side could not keep
    gap_s: float  # of the run, of which nothing is known for that


class GilShares(TypedDict):
    """What became of a GIL's time; the shares are of the time that was seen."""

    coverage: Maybe
    held_share: Maybe
    contended_share: Maybe
    waiters: Maybe


class GilFigures(GilShares):
    """The same, and how often it changed hands."""

    switches_per_s: Maybe


class GilSeconds(TypedDict):
    """What became of a GIL's time, in seconds."""

    seen_s: float  # its holder was known: a thread, or nobody
    unseen_s: float
    held_s: float
    contended_s: float
    waited_s: float  # by all waiters together


class GilRow(GilFigures, GilSeconds):
    """A GIL."""

    pid: int
    interpreter: int | None
    switches: int


class HistogramStep(NamedTuple):
    """A step of a histogram; None: it has no upper end."""

    upper_s: Maybe
    number: int


class Lengths(TypedDict):
    """How long something took, each time.

    What lies next to time that was not seen counts under `cut` alone: it lasted at least as long as it was
    seen.
    """

    count: int
    cut: int
    cut_longest_s: Maybe
    p50_s: Maybe
    p95_s: Maybe
    p99_s: Maybe
    max_s: Maybe
    histogram: list[list[Maybe]]  # see steps


class FlameNode(TypedDict):
    """A function in a flame graph, see app/analysis/flame.py."""

    name: str
    file: str | None
    line: int | None
    samples: int
    self: int
    children: list[FlameNode]


class Caller(NamedTuple):
    """A frame outside of another."""

    function: str
    file: str
    line: int


class TimeRow(TypedDict):
    """Where time went in one state, see app/analysis/where.py."""

    state: State
    function: str | None
    file: str | None
    line: int | None
    callers: list[list[str | int]]  # see callers
    task: str | None
    takes_lock: bool  # the line does, as its source says: see frames.py
    total_s: float
    count: int
    longest_s: Maybe


class TimeOfAll(TypedDict):
    """Where the time of all threads went."""

    blocked: list[TimeRow]
    flame: FlameNode | None


class ThreadFigures(TypedDict):
    """A thread.

    The kernel's totals (`cpu_s` and what follows it) are those of its last reading, and a thread that ends
    takes what came after with it; `counted_s` is the time that they cover.
    """

    pid: int
    tid: int
    name: str
    interpreter: int | None
    observed_s: float
    coverage: Maybe
    shares: dict[State, Maybe]
    counted_s: Maybe
    cpu_s: Maybe
    run_delay_s: Maybe
    voluntary_switches: int | None
    involuntary_switches: int | None
    gil_wait: Lengths
    gil_hold: Lengths
    gil_kept: Lengths  # of those holds for which another waited: for how long one did during each


class ThreadRow(ThreadFigures):
    """The same, and where its time went."""

    blocked: list[TimeRow]
    flame: FlameNode | None  # only the most active have one


class ThreadsEnded(TypedDict):
    """Threads of a process that ended while it was watched."""

    count: int
    lived_s: float  # on average, from when they were first seen


class ProcessRow(TypedDict):
    """What a process runs on, and its CPU time, see app/analysis/processes.py."""

    pid: int
    python: str | None
    free_threaded: bool | None
    gil_enabled: bool | None
    counted_s: Maybe
    cpu_s: float
    cpus: Maybe
    thread_pools: list[str]
    threads_growth: CountGrowth | None
    threads_ended: ThreadsEnded | None  # None where there were none
    host: str | None  # of a cluster's worker, and of what it started: None of all others
    worker: str | None  # what it is called


class WorkerRow(TypedDict):
    """What a cluster says of one of its workers, and by how much that one's clock may be off."""

    pid: int
    own_gil_share: Maybe  # how much of the time its GIL was busy; None where the cluster does not measure it
    clock_off_s: Maybe
    clock: str | None  # what the clock is set beside the run's by


class UnseenRow(TypedDict):
    """A worker of the cluster that was not observed."""

    host: str
    worker: str
    pid: int | None  # None of one that has said nothing
    why: str


class TaskRow(TypedDict):
    """The tasks of one kind that a cluster's worker did."""

    pid: int
    name: str
    count: int  # that are over
    total_s: float  # of its threads' time, all together
    held_s: float  # of the GIL
    longest_s: Maybe  # of those that are over


class CourseRows(TypedDict):
    """How some values went over the run."""

    names: list[str]
    rows: list[list[int | None]]  # as `names` says, at_us first


PartName = Literal[
    "objects_in_use",
    "objects_free",
    "c_in_use",
    "c_trimmable",
    "c_free_kept",
    "c_mapped",
    "stacks",
    "files",
    "shared",
    "huge_waste",
    "other",
]
Parts = dict[PartName, Optional[int]]  # of RSS or PSS, see app/analysis/parts.py


class LargestMapping(NamedTuple):
    """A file, or a range of addresses, and how much of it is in memory."""

    name: str
    kind: str
    rss: int


class CLibraryRow(TypedDict):
    """A reading of the C library's heap, see the c_library message; `in_use` is `system` without `free`."""

    at_s: float
    allocator: str | None
    version: str | None
    arenas: int | None
    system: int | None
    in_use: int | None
    free: int | None
    absent: int | None
    trimmable: int | None
    mapped: int | None
    mmap_threshold: int | None
    chunks: int
    torn: int
    cut: int
    moved: int  # bytes by which `free` changed while it was read
    took_s: float
    cpu_s: float
    why: str


GrowthKind = Literal[
    "small_objects",  # of pymalloc
    "objects_free",  # room in its arenas, or mimalloc's, where that is what grows
    "objects",  # of mimalloc, whatever their size
    "large_objects",  # live, of more than 512 bytes
    "native",  # blocks of the C library that are none of Python's
    "c_library",  # the same where CPython does not tell whose they are
    "stacks",
    "files",
    "shared",
    "huge_waste",
    "other",
]


class GrowthRow(TypedDict):
    """Memory that grows without an end in sight, see app/analysis/growth.py; sizes are of what is its own."""

    from_s: float
    to_s: float
    readings: int
    bytes_from: int
    bytes_to: int
    bytes_per_s: float
    kinds: Mapping[GrowthKind, float] | None  # bytes a second; None where they were read too seldom
    large_blocks_per_s: Maybe


class CountGrowth(TypedDict):
    """A number or a size that grows without an end in sight: what it was, and what it came to."""

    from_s: float
    to_s: float
    readings: int
    first: int
    last: int
    per_s: float


class MemoryFigures(TypedDict):
    """The memory of a process, see app/analysis/processes.py."""

    pid: int
    parent: int | None
    ended_s: Maybe
    at_s: Maybe
    rss: int | None
    uss: int | None
    pss: int | None
    peak_rss: int | None
    swap: int | None
    shared: int | None
    kinds: Mapping[str, list[int] | None] | None
    huge: int | None  # bytes in huge pages
    largest: list[LargestMapping]
    parts: Parts | None
    c_library: CLibraryRow | None
    parts_at_s: Maybe  # of `kinds`, `largest` and `parts` too; later than that are only the sizes above
    objects_at_s: Maybe  # when Python's heaps were read, whose blocks are two of the parts
    growth: GrowthRow | None
    verdict: list[str]  # sentences, see app/analysis/verdict.py
    minor_faults: int | None
    major_faults: int | None


class MemoryRow(MemoryFigures):
    """The same, and how it went."""

    course: CourseRows
    parts_course: CourseRows


class MemoryTogether(TypedDict):
    """All processes at once, each page counted once: `parts` are of the PSS.

    The sizes were read at instants between the two; the parts with each process's mappings, which are read
    more rarely: they add up to `parts_pss`. They are null as long as the mappings of `unread` processes have
    not been read.
    """

    processes: int
    from_s: float
    to_s: float
    pss: int
    parts: Parts | None
    parts_from_s: float | None
    parts_to_s: float | None
    parts_pss: int | None
    unread: int


class MemoryPeak(TypedDict):
    """The most that all processes had at once.

    `pss` counts a page that several share once, `uss` only pages that no other process shares.
    """

    rss: int | None
    uss: int | None
    pss: int | None


class SizeClass(TypedDict):
    """The blocks of one size."""

    size: int
    pools: int
    blocks_used: int
    blocks_free: int


class Pinned(TypedDict):
    """The arenas of which at most a tenth is in use."""

    arenas: int
    bytes: int
    held_bytes: int


class HeapPeak(TypedDict):
    """The most of each, of all readings."""

    blocks_used: int
    bytes_used: int
    arenas: int
    arena_bytes: int


class HeapFigures(TypedDict):
    """An interpreter's heap, see app/analysis/heaps.py."""

    pid: int
    interpreter: int
    allocator: str
    at_s: float
    arenas: int
    arena_bytes: int
    pools: int
    pools_free: int
    blocks_used: int
    bytes_used: int
    raw_blocks: int | None
    fragmentation: Maybe
    size_classes: list[SizeClass]
    pinned: Pinned
    torn: int
    readings: int
    took_s: Maybe
    cpu_s: Maybe
    peak: HeapPeak
    growth: CountGrowth | None  # of bytes_used


class HeapRow(HeapFigures):
    """The same, and how it went."""

    course: CourseRows


class TypeRow(TypedDict):
    """The live objects of a type in one heap, see app/analysis/census.py.

    `low` and `high` are the interval of 95 % of `bytes`. `_per_s` is null where no change is sure.
    """

    pid: int
    interpreter: int
    type: str
    count: int
    count_low: int
    count_high: int
    bytes: int
    low: int
    high: int
    count_per_s: Maybe
    bytes_per_s: Maybe


class HolderRow(TypedDict):
    """A large container, and the names that lead to it."""

    pid: int
    path: str
    type: str
    items: int
    items_per_s: Maybe


class CensusRow(TypedDict):
    """How the types of a heap were read, see the types message."""

    pid: int
    interpreter: int
    at_s: float
    pages: int
    pages_read: int
    torn: int
    bytes_used: int
    object_bytes: int
    large_bytes: int | None  # in the C library's blocks of more than 512 bytes
    large_known: int
    large_read: int
    large_torn: int  # heaps of the C library that changed under the walk: their rest is left out
    large_cut: bool  # there were more blocks than are walked over
    allocator: str  # in whose blocks the objects lie: pymalloc, mimalloc, malloc
    readings: int
    took_s: Maybe
    cpu_s: Maybe


class PauseLengths(TypedDict):
    """Pauses of a collector, those whose length is known."""

    seen: int
    total_s: float
    max_s: Maybe


class GenerationPauses(PauseLengths):
    """Those of one generation; None: more than one collection fell between two samples."""

    generation: int | None
    count: int | None


class PauseFigures(PauseLengths):
    """All of them."""

    count: int
    p50_s: Maybe
    p99_s: Maybe
    stopped_share: Maybe
    generations: list[GenerationPauses]


class MovedRow(TypedDict):
    """A collection, or several between two readings, and what memory there was before and after.

    `given_back` is by how much RSS fell, negative where it rose; `freed` what was in use and is no more, the
    part that an allocator keeps with it, inferred; None where that cannot be told. `anonymous` is what of RSS
    belongs to no file: it moves as USS does but for what is shared since a fork. `arenas` are pymalloc's,
    `large_blocks` those of more than 512 bytes; None where the interpreter keeps no such count.
    """

    at_s: float
    length_s: Maybe  # None: samples saw no pause
    generation: int | None
    collections: int
    collected: int
    given_back: int
    freed: int | None
    rss_before: int
    rss_after: int
    anonymous_before: int
    anonymous_after: int
    arenas_before: int | None
    arenas_after: int | None
    large_blocks_before: int | None
    large_blocks_after: int | None


class CollectorMemory(TypedDict):
    """What memory moved with collections, see app/analysis/collected.py."""

    given_back: int | None  # bytes, by all collections that found anything
    held: int | None  # bytes that dead cycles hold now, inferred; None before any gave memory back
    largest: list[MovedRow]  # those that freed most, the most first


class NextCollection(TypedDict):
    """When the next collection is due at the present pace, see app/analysis/next_collection.py."""

    in_s: float  # from the instant of the figures on
    generation: int | None  # None: it is of no one generation
    count: int
    threshold: int
    objects_per_s: float
    at_least: bool  # it may be put off beyond that


class CollectorFigures(TypedDict):
    """An interpreter's collector, see app/analysis/collectors.py."""

    pid: int
    interpreter: int
    enabled: bool | None
    thresholds: list[int]
    counts: list[int]
    tracked: int | None
    collections: list[int]  # by generation, as are the two below
    collected: list[int]
    uncollectable: list[int]
    exact: bool
    pauses: PauseFigures
    memory: CollectorMemory
    next: NextCollection | None
    said: list[str]  # sentences on both, see app/analysis/collector_words.py


class CollectorRow(CollectorFigures):
    """The same, and how it went."""

    course: CourseRows


class HotRow(TypedDict):
    """A function that holders of the GIL were in, see app/analysis/hot.py."""

    function: str
    file: str | None
    line: int | None
    callers: list[list[str | int]]  # [function, file, line], innermost first, as those of a TimeRow
    held_share: float
    waited_share: Maybe


class Who(TypedDict):
    """A thread, or where `tid` is None what stands for one."""

    tid: int | None
    name: str


class WhoWaitsRow(TypedDict):
    """Who makes whom wait, see app/analysis/who_waits.py."""

    pid: int
    interpreter: int | None
    holder: Who
    waiter: Who
    wait_s: float


class Blamed(TypedDict):
    """The thread that held the lock longest during a wait."""

    tid: int
    name: str
    function: str | None


class StretchRow(TypedDict):
    """One of the longest waits or holds, see app/analysis/longest.py."""

    at_s: float
    length_s: float
    at_least: bool
    pid: int
    tid: int
    name: str
    function: str | None
    file: str | None
    line: int | None
    blamed: Blamed | None  # null of a hold


class Lag(TypedDict):
    """How late an event loop was."""

    p50: Maybe
    p99: Maybe
    max: Maybe


class At(TypedDict):
    """A line of a function, or None of what was not seen."""

    function: str | None
    file: str | None
    line: int | None


class StepRow(At):
    """A long step of an event loop."""

    at_s: float
    length_s: float
    state: State
    task: str | None


class BlockRow(At):
    """All long steps of one function."""

    task: str | None
    state: State
    importing: bool
    count: int
    total_s: float
    longest_s: float


class LoopRow(TypedDict):
    """An event loop, see app/analysis/loops.py."""

    pid: int
    tid: int
    name: str
    kind: str  # asyncio, uvloop, gevent, trio
    steps: Level
    tasks: Level
    observed_s: float
    lag_s: Lag
    longest: list[StepRow]
    blocks: list[BlockRow]


class Waiting(TypedDict):
    """How many tasks waited for a pool."""

    p50: Maybe
    max: Maybe
    growth_per_s: Maybe


class PoolRow(TypedDict):
    """A pool of threads, see app/analysis/pools.py."""

    pool: int
    at_s: float
    threads: int  # these three at the newest look
    at_work: int
    in_line: int | None
    pid: int
    name: str  # what the names of its threads have in common
    kind: str  # executor, ThreadPool, anyio
    workers: int
    looks: int
    observed_s: float
    full_share: float  # of the looks: all workers were busy
    busy_share: float
    waiting: Waiting
    begun_per_s: Maybe  # tasks, at least
    states: dict[State, float] | None  # of the busy workers


class PoolSummary(PoolRow):
    """With how it went over the run."""

    course: CourseRows


class FrameRow(TypedDict):
    """A frame of a stack."""

    function: str
    file: str
    line: int


class StuckRow(TypedDict):
    """A thread that stands still at a lock, see app/analysis/stuck.py."""

    pid: int
    tid: int
    name: str
    interpreter: int | None
    at_s: float
    length_s: float
    from_the_start: bool
    threads_there: int
    takes_lock: bool
    stack: list[FrameRow] | None


class SwitchedOnRow(TypedDict):
    """A free-threaded process that switched its GIL on."""

    pid: int
    at_s: float
    by: str | None  # the import that did it


class TrimRow(TypedDict):
    """A malloc_trim(0) that a workload called, beside what was foretold of it, see app/analysis/trims.py."""

    pid: int
    at_s: float
    foretold: int | None  # bytes; None where its C library was not read before
    foretold_at_s: Maybe
    given_back: int
    rss_before: int
    rss_after: int
    said: str


class FindingRow(TypedDict):
    """A finding, see app/model/findings.py."""

    code: str
    severity: Severity
    title: str
    detail: str
    evidence: Mapping[str, object]
    advice: str
    doc: str


class Deadlock(TypedDict):
    """A cycle of threads and locks that wait for one another."""

    cycle: list[str]
    at_s: float
    found_after_s: float


class Fairness(TypedDict):
    """How evenly roles got what they asked for."""

    jain: Maybe
    by_role: dict[str, float]


class Counts(TypedDict):
    """A shared number, as it should be and as it is."""

    expected: int
    actual: int
    lost: int


class MeasuredRow(TypedDict):
    """A figure that a workload made, as a person is shown it; units as in app/workloads/measured.py."""

    label: str
    value: object
    unit: str


class ColumnHead(TypedDict):
    """What stands above a column of a table, and the unit of its values."""

    label: str
    unit: str


class ResultTable(TypedDict, total=False):
    """A table that a workload made."""

    columns: list[str]
    heads: list[ColumnHead]  # a head a column, where the column's name is not one
    rows: list[list[object]]


class Reported(TypedDict, total=False):
    """What a workload reports of itself: some of these, and fields of its own that nobody else reads."""

    ops: int | None
    ops_per_s: Maybe
    showed: list[str]
    measured: list[MeasuredRow]
    op: str  # what one operation is
    table: ResultTable
    workers: int
    seconds: float
    deadlock: Deadlock | None
    wait_for: object
    blocked_workers: int
    raised_at_s: Maybe
    attempts: int
    progress: int
    fairness: Fairness
    waits_ms: dict[str, dict[str, float]]
    counts: Counts
    lock_wait_share: float


class Measurements(TypedDict):
    """A summary without what follows from it: what a rule of findings reads."""

    schema: int
    run: RunInfo
    target: TargetInfo
    capabilities: Capabilities
    sampling: SamplingInfo
    line: LineInfo | None  # None of a run that is observed from here
    gils: list[GilRow]
    threads: list[ThreadRow]
    threads_not_shown: int  # how many of the least active have no row
    threads_cpu_unlisted_s: (
        float  # CPU time of their processes that no row has: see app/analysis/processes.py
    )
    processes: list[ProcessRow]
    cpu_share: Maybe  # of all processes, of one CPU
    memory: list[MemoryRow]
    memory_peak: MemoryPeak
    memory_together: MemoryTogether | None
    heap: list[HeapRow] | None
    gc: list[CollectorRow] | None
    types: list[TypeRow] | None
    census: list[CensusRow] | None
    holders: list[HolderRow] | None
    readings: dict[
        str, list[dict[str, object]]
    ]  # by the message's type: rows as app/analysis/readings makes them
    hot: list[HotRow] | None
    flame: FlameNode | None
    where: TimeOfAll | None
    who_waits: list[WhoWaitsRow]
    longest_waits: list[StretchRow]
    longest_holds: list[StretchRow]
    loops: list[LoopRow]
    pools: list[PoolSummary]
    stuck: list[StuckRow]
    workers: list[WorkerRow]  # of a cluster; empty of all other runs
    unseen_workers: list[UnseenRow]
    tasks: list[TaskRow]
    gils_switched_on: list[SwitchedOnRow]
    trims: list[TrimRow]
    workload: Reported | None


class Summary(Measurements):
    """The whole of it."""

    findings: list[FindingRow]


def steps(histogram: list[list[Maybe]]) -> Iterator[HistogramStep]:
    """The steps of a histogram, from the first to the last that has any."""
    return map(HistogramStep._make, histogram)


def callers(rows: list[list[str | int]]) -> Iterator[Caller]:
    """Who called a function, outwards."""
    return map(Caller._make, rows)
