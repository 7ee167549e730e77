"""The messages of an observation: what the observer writes, a recording holds, and a viewer reads.

One message a line, compact JSON, an object with `"type"` and `"seq"` (0, 1, 2, ... without a gap in a
recording). A recording begins with a hello and ends with an end. Fields ending in `_us` are whole
microseconds: instants (`at_us`, `start_us`, `end_us`) count from the hello's `origin_ns`, which is on
CLOCK_MONOTONIC, the clock of every process concerned; the others are lengths. Sizes are in bytes.

Names are sent once: a thread gets a *lane* (a small integer, never used again in the run), a GIL, a function
and a stack an *index* each, stacks from 0 in their order. A state is its place in `states.STATES`.

    hello     v, origin_ns, started_at (s since the epoch), slice_us, run, sampling
    process   at_us, pid, parent, python, free_threaded, gil_enabled, switch_interval_us, command,
              capabilities, why, cpus, thread_pools, gone    sent again whenever one of these changes;
              host, worker        of a cluster's worker, and of what it started: null of all others
    names     at_us, threads [[lane, pid, tid, name, interpreter]], gils [[gil, pid, interpreter]],
              functions [[function, qualified name, file, first line]],
              stacks [[stack, [function, line, function, line, ...]]], leaf first,
              locks [stack],
              gone [lane]                 a lane sent again has a new name, or come to an interpreter
    frame     start_us, end_us, samples, failed, late,
              gils [[gil, switches, [holder, waiters, length_us, holder, waiters, length_us, ...]]],
              lanes [[lane, [state, length_us, state, length_us, ...]]]
    stacks    looks [[at_us, gil, holder, holder stack, waiter, waiter stack, waiters]]
    blocked   rows [[at_us, lane, state, since_us, stack, task]]
    loops     at_us, loops [[lane, kind, steps exact, tasks exact]],
              lags [[lane, idle_us, longest_us, [lag_us, length_us, ...]]],
              steps [[lane, start_us, length_us, state, task, over, [stack, length_us, ...]]]
    pools     at_us, pools [[pool, pid, kind, name]],
              looks [[at_us, pool, workers, busy, waiting, begun, [state, workers, ...]]]
    counters  at_us, processes [[pid, cpu_us, rss, peak_rss, minor_faults, major_faults]],
              threads [[lane, cpu_us, run_delay_us, voluntary_switches, involuntary_switches]],
              observer {cpu_us, gil_hz, late, cut_stacks, missed_blocks, looked}, ops
    heap      at_us, pid, interpreter, allocator, took_us, cpu_us, torn, arenas, arena_bytes, pools,
              pools_free, blocks_used, bytes_used, raw_blocks,
              classes [[size, pools, blocks_used, blocks_free]], pinned [arenas, bytes, held bytes],
              mapped, changed [[address, base64]], gone [address]
    collector at_us, rows [[pid, interpreter, enabled, [threshold], [count], [collections], [collected],
                            [uncollectable], tracked, long_lived, given_back]],
              pauses [[pid, interpreter, start_us, length_us, generation, collected]],
              moved [[pid, interpreter, start_us, length_us, generation, collections, collected,
                      before_us, [rss, anonymous, arenas, large_blocks], after_us, [the same]]]
    memory    at_us, pid, rss, uss, pss, swap, shared, kinds {kind: [size, rss, pss]}, huge, huge_waste,
              largest [[name, kind, rss]], unmapped [bytes, files]
    rollup    at_us, pid, rss, uss, pss, swap, shared
    c_library at_us, pid, took_us, cpu_us, allocator, version, arenas, system, free, absent, trimmable,
              mapped, mmap_threshold, chunks, torn, cut, why, moved
    types     at_us, pid, interpreter, took_us, cpu_us, pages, pages_read, torn, bytes_used, object_bytes,
              rows [[type, count, count_off, bytes, bytes_off]],
              large_bytes, large_known, large_read, large_torn, large_cut, allocator
    holders   at_us, pid, took_us, cpu_us, rows [[path, type, items]]
    open_files, and whatever else app/model/readings lists: its own module there says what is in it
    cluster   at_us, tasks [[pid, lane, begun_us, from_us, length_us, held_us, over, key, name]],
              own [[pid, length_us, contended_us]],
              clocks [[host, worker, pid, off_us, why]],
              unseen [[host, worker, pid, why]]
    line      at_us, state, detail, length_us, messages, clock    of an observer that is elsewhere, see below
    event     at_us, kind, pid, detail    kind: forked, exec, exited, unreadable, stopping,
                                          gil-on: a free-threaded build has switched its GIL on; the
                                          detail is the import that made it, or "",
                                          unheard: an action that the workload did not take,
                                          unobserved: the observer failed, and the program runs on
    report    at_us, data                 a line that the workload wrote; or what a program printed
    end       at_us, state, error, exit_code, cpu_us

A lane is an OS thread, from when the kernel first lists it to its end. Its interpreter is the first that it
was found in; null until then, as of a C library's own threads. A thread that enters Python for each call
keeps its lane between calls.

A track (a GIL's or a lane's pieces) begins at `start_us`, or at the `at_us` of the message that named it if
that is later, and its lengths add up to `end_us`, or less where the thread or the process went. `holder` is
a lane, or HOLDER_NONE or HOLDER_UNKNOWN; a piece of length 0 held by HOLDER_NONE says that between two
samples the lock changed hands and came back. `switches` is how far CPython's own counter moved in the slice:
exact at any sampling rate.

`locks` are stacks of threads that wait for a lock and whose innermost line takes one, as its source says:
`with lock:` or `lock.acquire()`, and not `queue.get()`. Waits with a timeout are not among them, nor those
for a lock that another process may release. In threading itself waits for the end of a thread count as well.

A look is at the Python stack of a GIL's holder and of the thread that has waited for it longest: `holder` and
`waiter` are lanes or HOLDER_NONE, a stack that could not be read whole is null, `waiters` is how many waited
at that instant. Without a GIL `gil` is null, and `holder` is one of the threads that run, each in its turn.
Looks are taken at random instants, one in each period; of a GIL that nobody holds or waits for there is none.
A stack has its 128 frames nearest the leaf at the most, and 8 once there are too many; `cut_stacks` counts
the latter.

A blocked row is a look at a thread that has been in `lock`, `io`, `sleep` or `native` since `since_us`: from
then, or from when it was first seen, to `at_us` its stack was the same, null where it could not be read.
Each such stretch is looked at once it has lasted LONG_BLOCK_US; at each random instant one thread is looked
at that has been in it for less. `task` is the name of the task that the thread runs, null where it
runs none. `missed_blocks` counts the long stretches of which no look was taken so far, those that last still
included: there were too many at once.

A loops message tells of threads that run an event loop, since the loops message before, and has a row of
`loops` for each that it tells of. `kind` is asyncio, uvloop, gevent or trio; `steps exact` says that single
callbacks are told apart, else a step is what the loop did between two looks for what is ready; `tasks exact`
that the interpreter itself tells which task runs. A lag is for how long, at some instant, the loop had not
looked for what is ready; `length_us` is the time in which it was so, `idle_us` that in which the loop waited
for what comes, and `longest_us` the longest iteration, or wait for the GIL before one. A step of 10 ms or
more is told, with the state that its thread was in most, the name of its task (null where it has none or that
cannot be told), and the stacks that it was seen with, the longest first. One that is not `over` is told
again, with the same start.

A pools message tells of pools of threads, since the pools message before, and has a row of `pools` for each
that it tells of. `kind` is executor (a ThreadPoolExecutor, asyncio's default one too, or an
InterpreterPoolExecutor), ThreadPool (multiprocessing's) or anyio (the worker threads of a loop), `name` what
the names of its threads have in common. Looks are taken at random instants, one in each quarter of a second:
how many `workers` it has (up to 256 of a process are looked at), how many of them were `busy`, and how many
tasks were `waiting` for one: those in its queue, or in line for anyio's default limiter; null where that
cannot be read, as of a queue of another class. `begun` is how many of them worked at something else than at
the look before, so no fewer tasks were begun in between; the last is how many of the busy were in each state.

A heap message is one reading of an interpreter's private heap, which took `took_us` to read (`cpu_us` of it
at work) beside everything else and ended at `at_us`: each pool is seen at one instant, the whole is not.
Interpreters that share a heap have one message, of the first of them. `allocator` is pymalloc or mimalloc; of
the latter, `arenas` are segments and `pools` pages. `pools` counts those in use, `pools_free` those that hold
no block or were never carved; `raw_blocks` those of more than 512 bytes, which the C library keeps (null
before 3.12, and of mimalloc, which keeps them itself). `torn` counts pools that contradicted themselves and
were left out. `classes` are always all of them; mimalloc's last, of size 0, is for blocks of more than 128
KiB, each as large as it is. `pinned` tells of the arenas of which at most a tenth is in use: how many, their
bytes, and the bytes in use that hold them. `mapped` says that the map is told, as it is each five seconds,
and in each reading while somebody looks at it: `changed` are then the arenas that differ from the map before
(all of them in the first, and in the first after a command that somebody looks), by address, two bytes a pool
(of mimalloc, a slice of 64 KiB) in base64: 0 for a pool that holds no block, else its size class's place from
1; and how full it is, from 0 to 255, or of a pool that holds no block 0 if it was
in use before, 255 if it was never carved. `gone` are the arenas given back. The map has 4,096 arenas at most.

A collector message tells of every interpreter whose numbers moved, and of the collections that ended since
the message before. Lists are by generation; `tracked` is how many objects the collector follows, where
CPython counts that, else null; `long_lived` are two: the objects that survived the last full collection, and
those that survived others since and wait for the next full one. A pause is exact where CPython publishes it
(3.15), else it is as long as it was seen, and `generation` is null where more than one collection fell
between two samples.

`moved` tells what memory the process had before and after collections: read at `before_us`, some 10 ms
before the first began, and at `after_us`, when the last was seen to have ended. `anonymous` is what of the
RSS belongs to no file, `arenas` how many pymalloc has, `large_blocks` how many of more than 512 bytes there
are; both are null where the interpreter keeps no such count. `length_us` is null where samples saw no pause;
`start_us` is then `before_us`. Told are collections with which the RSS moved by a MiB or more, those of 5 ms
or more, and of all others that found anything one in a quarter of a second. `given_back` is a running total,
over all collections that found anything: the bytes by which RSS fell with them, less those by which it rose.
Recordings of before have none of these three.

A memory message is a walk of one process's mappings: all of its sizes are of that walk. The kinds are those
of app/probe/kernel/mappings.py, null where one could not be told from other memory. `huge` are the bytes in
huge pages; `huge_waste` is how much of those in anonymous memory is zeros, judged by a sample, null where
that could not be read. `largest` are the mappings with most in memory, by their files or their addresses.
Recordings of before have no PSS of a kind, and none of these three.

A rollup message has the sums of one process's memory, read at one instant: those of a memory message, and far
more often. Recordings of before have none.

A c_library message is a reading of the C library's heap, right after a walk: `system` is what its arenas have
of the kernel, `free` what of that is in no block, `absent` the whole pages of it that are not in memory, and
`trimmable` those that malloc_trim(0) would give back. `mapped` are blocks that are mappings of their own, and
are not in `system`; a block of `mmap_threshold` bytes becomes one, as of now. `torn` counts lists that were
changed while they were read, `cut` those that were too long to be read to their end: what is in them counts
as in use. An arena that was in use meanwhile is walked some times; `moved` are the bytes by which these walks
lay from each other, in all arenas, so `free` may be off by as much. `allocator` is the one that serves the
program. Where it is not glibc, or glibc could not be read, the sizes are null and `why` says why; `trimmable`
alone is null where glibc's parameters were not found, which tell how it takes from the end of its heap.

A types message says what the live objects of a heap are, judged by `pages_read` of its `pages`: pools drawn
at random, of each size class some. Where all were read it is a count, else an estimate: `_off` is half of
its interval of 95 %. `bytes` is what sys.getsizeof() says of the objects, so a list's items and a dict's
table are its own. Rows are the types that take most. `bytes_used` is what all blocks of the heap take, and
`object_bytes` those of them that are objects; the others hold what belongs to objects, and `bytes` has it.
Blocks of more than 512 bytes lie in the C library, and count with a process's first heap: `large_bytes` is
what they take in all, null where its heap cannot be read, and the bytes of lists, dicts and sets in `bytes`
are then judged by the sizes that these objects tell. `large_read` blocks were looked at, the large ones and
some of the others, and `large_known` are the bytes of those that are objects or belong to some. `large_torn`
heaps changed while they were walked over, and with `large_cut` there were too many blocks to walk over all.
`torn` counts pages that changed while they were read, and were left out. `allocator` is whose blocks they
are: pymalloc's; mimalloc's, which has the larger ones in its pages too, so that `large_bytes` is null, and
whose pages of small blocks that are no objects are not among `pages`; or malloc's, where Python has no heap
of its own: there are no pages then, `large_bytes` is of blocks of any size, and `object_bytes` is 0.
Recordings of before are of pymalloc.

A holders message tells of containers with 1,000 items or more that a name holds, the largest first: in a
module, `app.cache: SESSIONS` or `app.cache: STORE.items`, or in a function that runs, `serve(): pending`.

A cluster message tells of the workers of a cluster, all of them one run: app/runs/cluster. Each row of
`tasks` is a piece of a task, from `from_us` for `length_us`, in which its thread held the GIL for `held_us`;
pieces of one task have the same `begun_us`, and the last one is `over`. `name` is what the scheduler calls
tasks of its kind by, the beginning of its `key`. `own` is what the cluster itself says of a worker's GIL: in
`length_us` it was busy for `contended_us`, null where the cluster does not measure that. `clocks` says of
each worker what its clock is set beside the run's by, and by how many microseconds at most it may have been
off up to then; it is told again as that grows.
`unseen` are workers of which nothing is known, and why; `pid` is null of one that has said nothing. One that
is seen later on has a row of `clocks` then.

A line message tells how the line to an observer that is elsewhere stands; it is not the observer's own, but
of what stands for it here (app/runs/line.py). `at_us` is up to when had been told then. `state` is

    clock   `clock` is [ahead_us, off_us]: the clock there is so far ahead of the one here, by the shortest of
            several round trips, and may have been so far off at most up to then. Told again as that grows
    cut     nothing has come for `length_us`, and it is tried again: `detail` says why. Told after each try
    back    after `length_us`; `messages` of that time had to be dropped there, and all others come now
    gap     of `length_us` up to `at_us` no slice has come, as they were among those dropped
    gone    it is not tried any more: `detail` says why

Counters are running totals since the process or thread began; null is what could not be read. Where there are
many threads they are read in turn, and not each has a row in each message. `looked` is the share of the
threads that have done something of late which a sample looked at, since the counters before. `ops` counts
what a workload got done, read from memory that it shares; null without one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Union, get_args

from app.model.readings import READINGS
from app.model.readings.reading import ProcessReading

VERSION = 1
SLICE_US = 50_000
LONGEST_SLICE_US = 1_000_000  # that an observer of many processes may be asked for
LONG_BLOCK_US = 50_000

Row = Sequence[object]  # as the schema above lists its columns: tracks.py decodes it
Json = dict[str, Any]


@dataclass(frozen=True)
class Hello:
    """Who is observed, on whose clock, and at what rate."""

    type: ClassVar[str] = "hello"
    origin_ns: int
    started_at: float
    run: Json  # {"id", "kind", "name", "params"}: what the caller said of the run, carried unread
    # {"gil_hz", "counters_hz", "stacks_hz"} as requested; of a large cluster also "less": why its observers
    # were asked for less
    sampling: Json
    slice_us: int = SLICE_US
    v: int = VERSION


@dataclass(frozen=True)
class Process:
    """A process of the target's tree: which CPython it runs, and what can be measured of it."""

    type: ClassVar[str] = "process"
    at_us: int
    pid: int
    parent: int | None
    command: list[str]
    python: str | None = None  # "3.12.1"; null while it is not (yet) a CPython that can be read
    free_threaded: bool | None = None
    gil_enabled: bool | None = None
    switch_interval_us: int | None = None
    capabilities: dict[str, str] = field(default_factory=dict)  # measure: exact, inferred, unavailable
    why: dict[str, str] = field(default_factory=dict)  # measure: the reason, where it is not exact
    cpus: float | None = None  # that it may use, by its affinity and its cgroup's quota
    thread_pools: list[str] = field(default_factory=list)  # "OpenBLAS": libraries with threads of their own
    gone: bool = False
    host: str | None = None  # these two of a cluster alone: where its worker runs, and what that is called
    worker: str | None = None


@dataclass(frozen=True)
class Names:
    """Lanes and GILs, named once."""

    type: ClassVar[str] = "names"
    at_us: int
    threads: Sequence[Row] = field(default_factory=list)
    gils: Sequence[Row] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    functions: Sequence[Row] = field(default_factory=list)
    stacks: Sequence[Row] = field(default_factory=list)
    locks: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Stacks:
    """Looks at what the holder of a GIL and its longest waiter were executing."""

    type: ClassVar[str] = "stacks"
    looks: Sequence[Row]


@dataclass(frozen=True)
class Blocked:
    """Looks at threads that are blocked, or run C code without the GIL."""

    type: ClassVar[str] = "blocked"
    rows: Sequence[Row]


@dataclass(frozen=True)
class Loops:
    """What event loops did, and the steps of them that took long."""

    type: ClassVar[str] = "loops"
    at_us: int
    loops: Sequence[Row] = field(default_factory=list)
    lags: Sequence[Row] = field(default_factory=list)
    steps: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Pools:
    """Looks at pools of threads."""

    type: ClassVar[str] = "pools"
    at_us: int
    pools: Sequence[Row] = field(default_factory=list)
    looks: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Frame:
    """What was seen in one slice of time."""

    type: ClassVar[str] = "frame"
    start_us: int
    end_us: int
    samples: int
    failed: int  # samples of a thread or a GIL that could not be read
    late: int  # samples taken more than one period after they were due
    gils: Sequence[Row] = field(default_factory=list)
    lanes: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Counters:
    """Running totals that the kernel and the workload keep."""

    type: ClassVar[str] = "counters"
    at_us: int
    processes: Sequence[Row] = field(default_factory=list)
    threads: Sequence[Row] = field(default_factory=list)
    observer: Json = field(default_factory=dict)
    ops: int | None = None


@dataclass(frozen=True)
class Heap:
    """One reading of an interpreter's private heap."""

    type: ClassVar[str] = "heap"
    at_us: int
    pid: int
    interpreter: int
    allocator: str
    took_us: int
    cpu_us: int
    torn: int
    arenas: int
    arena_bytes: int
    pools: int
    pools_free: int
    blocks_used: int
    bytes_used: int
    raw_blocks: int | None
    classes: Sequence[Row]
    pinned: Row
    mapped: bool = False
    changed: Sequence[Row] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Collector:
    """What the collectors of all interpreters have done."""

    type: ClassVar[str] = "collector"
    at_us: int
    rows: Sequence[Row] = field(default_factory=list)
    pauses: Sequence[Row] = field(default_factory=list)
    moved: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Memory:
    """A process's memory by kind of mapping."""

    type: ClassVar[str] = "memory"
    at_us: int
    pid: int
    rss: int
    uss: int
    pss: int
    swap: int
    shared: int  # of the RSS, what other processes map as well
    kinds: Mapping[str, Row | None]
    huge: int | None = None
    huge_waste: int | None = None
    largest: list[Row] = field(default_factory=list)
    dirty: int | None = None  # as of a rollup
    unmapped: Row | None = None  # shared memory that no process maps; told of the run's first process


@dataclass(frozen=True)
class Rollup:
    """The sums of a process's memory."""

    type: ClassVar[str] = "rollup"
    at_us: int
    pid: int
    rss: int
    uss: int
    pss: int
    swap: int
    shared: int  # of the RSS, what other processes map as well
    dirty: int | None = None  # of the USS, what was written to: no file's that nobody else maps just now


@dataclass(frozen=True)
class CLibrary:
    """One reading of the C library's heap."""

    type: ClassVar[str] = "c_library"
    at_us: int
    pid: int
    took_us: int
    cpu_us: int
    allocator: str | None  # glibc, musl, jemalloc, tcmalloc, mimalloc; null where none is mapped
    version: str | None = None
    arenas: int | None = None
    system: int | None = None
    free: int | None = None
    absent: int | None = None
    trimmable: int | None = None
    mapped: int | None = None
    mmap_threshold: int | None = None
    chunks: int = 0
    torn: int = 0
    cut: int = 0
    why: str = ""
    moved: int = 0


@dataclass(frozen=True)
class Types:
    """What the live objects of a heap are."""

    type: ClassVar[str] = "types"
    at_us: int
    pid: int
    interpreter: int
    took_us: int
    cpu_us: int
    pages: int
    pages_read: int
    torn: int
    bytes_used: int
    object_bytes: int
    rows: Sequence[Row] = field(default_factory=list)
    large_bytes: int | None = None
    large_known: int = 0
    large_read: int = 0
    large_torn: int = 0
    large_cut: bool = False
    allocator: str = "pymalloc"


@dataclass(frozen=True)
class ContainerHolders:
    """Which names hold the large containers of a process."""

    type: ClassVar[str] = "holders"
    at_us: int
    pid: int
    took_us: int
    cpu_us: int
    rows: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Cluster:
    """What the workers of a cluster did beside what is seen of their processes."""

    type: ClassVar[str] = "cluster"
    at_us: int
    tasks: Sequence[Row] = field(default_factory=list)
    own: Sequence[Row] = field(default_factory=list)
    clocks: Sequence[Row] = field(default_factory=list)
    unseen: Sequence[Row] = field(default_factory=list)


@dataclass(frozen=True)
class FarLine:
    """How the line to an observer that is elsewhere stands, as its near side tells it."""

    type: ClassVar[str] = "line"
    at_us: int
    state: str
    detail: str = ""
    length_us: int = 0
    messages: int = 0
    clock: Row | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened to a process of the tree."""

    type: ClassVar[str] = "event"
    at_us: int
    kind: str
    pid: int
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """A line of the workload about itself; its result is in `data["result"]`.

    Of a command or a script `{"output": text}`: what it wrote on its standard streams since the report
    before, with `"dropped"` bytes lost before it where there were too many.
    """

    type: ClassVar[str] = "report"
    at_us: int
    data: Json


@dataclass(frozen=True)
class End:
    """The observation is over. `exit_code` is the target's own; a signal's number is negative.

    `cpu_us` is CPU time of a program that was started and has ended, from its start on, as its parent had it
    of the kernel: with all processes that it started, but those that it left behind and that live on.
    """

    type: ClassVar[str] = "end"
    at_us: int
    state: str  # finished, stopped, timed_out, failed
    error: Json | None = None  # {"code", "title", "detail", "remedy"}
    exit_code: int | None = None
    cpu_us: int | None = None


Message = Union[
    Hello,
    Process,
    Names,
    Frame,
    Stacks,
    Blocked,
    Loops,
    Pools,
    Counters,
    Heap,
    Collector,
    Memory,
    Rollup,
    CLibrary,
    Types,
    ContainerHolders,
    ProcessReading,
    Cluster,
    FarLine,
    Event,
    Report,
    End,
]

# Messages that tell how things stand, up to the next of their kind with the same values in these fields. Who
# begins in the middle needs the last of each. All others name, or tell of a time of their own.
STANDING: Mapping[type[Any], tuple[str, ...]] = {
    Counters: (),
    Collector: (),  # its rows stand each for itself, see `standing`
    Heap: ("pid", "interpreter"),
    Memory: ("pid",),
    Rollup: ("pid",),
    CLibrary: ("pid",),
    Types: ("pid", "interpreter"),
    ContainerHolders: ("pid",),
    **dict.fromkeys(READINGS, ("pid",)),
}

About = tuple[Any, ...]  # of what is told how it stands: the kind of message, then pid and interpreter


def standing(message: Message) -> Iterator[tuple[About, Message]]:
    """How things stand, as a message tells it: of each what stands until the same is told again.

    Of a collector that is its row, which is told when it has changed; pauses tell of a time of their own.
    """
    if isinstance(message, Collector):
        for row in message.rows:
            yield (Collector, *row[:2]), Collector(message.at_us, [row])
    elif isinstance(message, Heap) and message.mapped:
        yield _about(message), replace(message, mapped=False, changed=[], gone=[])
    elif type(message) in STANDING:
        yield _about(message), message


def _about(message: Message) -> About:
    return (type(message), *(getattr(message, name) for name in STANDING[type(message)]))


_GLANCE = re.compile(
    r'\{"type":"(?:frame","seq":\d+,"start_us":(\d+),"end_us":(\d+)|counters","seq":\d+,"at_us":(\d+))\b'
)
KINDS: tuple[type[Any], ...] = (
    *(kind for kind in get_args(Message) if kind is not ProcessReading),
    *READINGS,
)
_BY_TYPE: dict[str, type[Any]] = {kind.type: kind for kind in KINDS}


def encode(message: Message, seq: int) -> str:
    """The message as one line of compact JSON, without the line's end."""
    body = {"type": message.type, "seq": seq, **message.__dict__}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def decode(line: str | bytes) -> Message:
    """The message that a line holds; ValueError says what is wrong with it."""
    return from_json(json.loads(line))


def glance(line: str) -> tuple[type[Frame] | type[Counters], int, int] | None:
    """From when to when a line with a frame or with counters tells, of its first fields alone.

    These are most of a recording. None for all others, and where the fields stand in another order.
    """
    seen = _GLANCE.match(line)
    if seen is None:
        return None
    start_us, end_us, at_us = seen.groups()
    return (Frame, int(start_us), int(end_us)) if at_us is None else (Counters, int(at_us), int(at_us))


def from_json(body: Json) -> Message:
    """The message in an object already parsed."""
    if not isinstance(body, dict) or body.get("type") not in _BY_TYPE:
        raise ValueError(f"not a message of an observation: {str(body)[:80]}")
    fields = {name: value for name, value in body.items() if name not in ("type", "seq")}
    try:
        message: Message = _BY_TYPE[body["type"]](**fields)
    except TypeError as error:
        raise ValueError(f"a {body['type']} message of another version: {error}") from None
    return message


def to_json(message: Message) -> Json:
    """The message as an object, without its sequence number."""
    return {"type": message.type, **asdict(message)}
