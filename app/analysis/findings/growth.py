"""What grows without an end in sight: a process's memory, and whose it is; a heap; threads."""

from __future__ import annotations

from typing import NamedTuple

from app.analysis.findings.rows import OFTEN_ENDED_PER_S, Rule
from app.analysis.growth_words import NAMED_SHARE, growing, grows
from app.analysis.sources import imports
from app.analysis.verdict import unread
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import (
    CountGrowth,
    GrowthKind,
    GrowthRow,
    HeapRow,
    HolderRow,
    Measurements,
    MemoryRow,
    callers,
)
from app.model.units import count, seconds, size

FEW_READINGS = 8  # what is judged from fewer says so
_HOUR_S = 3600
_BRIEF_S = 2.0
_LEAST_CHURN_S = 2.0
_TYPES_NAMED = 2

# What grows is native where half of it is, and the doing of threads that grow in number where half of it is
# what comes with a thread, its stack and the C library's arena that it gets; or where all of it is no more
# than so much for each thread, which is made of some stack, objects, and part of an arena.
_MOST = 0.5
_LEAST_SIZES = 2  # of RSS, that tell whether it grew beside the heap
_A_THREAD = 256 << 10
_NATIVE: tuple[GrowthKind, ...] = ("native", "other")
_OF_THREADS: tuple[GrowthKind, ...] = ("stacks", "native", "c_library", "objects_free")
_MAPPED: tuple[GrowthKind, ...] = ("stacks", "files", "shared", "huge_waste", "other")


_SNAPSHOTS = "tracemalloc compares two snapshots and names the lines that allocated what is new"
_CONTAINER = (
    "Look for a container that outlives its content: a cache without a limit, a list of handlers, a "
    f"registry, tasks that never end. {_SNAPSHOTS}; functools.lru_cache(maxsize=...) and weak references put "
    "a bound to it."
)
_QUEUE = (
    "More is put into {path} than is taken out. Give the queue a bound (maxsize=..., which queue.Queue, "
    "asyncio.Queue and multiprocessing.Queue take), so that who puts waits for who takes; or take faster, "
    f"with more consumers. If more grows than what lies in it: {_SNAPSHOTS}."
)
# What queue.Queue and its like, asyncio.Queue and multiprocessing.Queue keep their items in.
_IN_QUEUES = {
    ".queue": ("collections.deque", "list"),
    "._queue": ("collections.deque", "list"),
    "._buffer": ("collections.deque",),
}
_NATIVE_PROFILER = (
    "A profiler that sees native allocations names who makes them: memray run --native, heaptrack, or "
    "jemalloc's."
)


# Where objects of more than 512 bytes grow and hardly become more, a few get larger: a buffer that is being
# filled, as what a long call of zlib makes, or a list that grows for ever. After so long it is the latter.
# zlib takes a block for each 32 or 64 MiB that it fills; what gets more of them is no buffer.
_BLOCK = 1 << 20
_FEW_BLOCKS = 8  # more of them, over the whole span
_FILLS_S = 15.0


class _Grown(NamedTuple):
    row: MemoryRow
    growth: GrowthRow

    def share(self, kinds: tuple[GrowthKind, ...]) -> float:
        """The part of the growth that these kinds make up."""
        known = self.growth["kinds"] or {}
        return sum(max(known.get(kind, 0.0), 0.0) for kind in kinds) / self.growth["bytes_per_s"]

    def is_of(self, threads_per_s: float) -> bool:
        """Whether so many threads more a second are what it comes of; it is, where no kind of it is known."""
        each = threads_per_s * _A_THREAD
        return threads_per_s > 0 and (
            not self.growth["kinds"] or self.share(_OF_THREADS) >= _MOST or self.growth["bytes_per_s"] <= each
        )

    @property
    def may_end(self) -> bool:
        """Whether it may be a buffer that is being filled."""
        growth, blocks = self.growth, self.growth["large_blocks_per_s"]
        lasts_s = growth["to_s"] - growth["from_s"]
        few = (
            blocks is not None and blocks * _BLOCK < growth["bytes_per_s"] and blocks * lasts_s < _FEW_BLOCKS
        )
        return few and lasts_s < _FILLS_S and self.share(("large_objects",)) >= _MOST

    @property
    def is_native(self) -> bool:
        """Most of it is none of Python's; where another allocator serves Python too, that cannot be told."""
        library = self.row["c_library"]
        kinds = _NATIVE if library is not None and library["allocator"] == "glibc" else ("native",)
        return self.share(tuple(kinds)) >= _MOST


def memory_growth(summary: Measurements) -> Finding | None:
    """A process's memory, where most of what grows is Python's objects, or not known to be another's."""
    found = [each for each in _grown(summary) if not each.is_native and not each.may_end]
    if not found:
        return None
    kinds = [kind for kind, _ in growing(found[0].growth)]
    advice = _bound(summary, found[0].row["pid"])
    if kinds and (kinds[0] == "c_library" or (kinds[0] == "other" and unread(found[0].row["c_library"]))):
        advice = f"{advice} If they name too little, it is native memory. {_NATIVE_PROFILER}"
    elif kinds and kinds[0] == "objects_free":
        advice = (
            "Objects that stay lie between those that go, so that no arena gets free: the heap map shows "
            "where. What lives long is better made before what does not, or in a process of its own."
        )
    elif kinds and kinds[0] in _MAPPED:
        advice = "Look for what maps memory and never unmaps it: files, segments of shared memory, threads."
    return Finding(
        code="memory-growth",
        severity="warning",
        title="Memory grows steadily",
        detail=_detail(summary, found),
        evidence=_evidence(found),
        advice=advice,
        doc="/memory",
    )


def native_memory_growth(summary: Measurements) -> Finding | None:
    """A process's memory, where most of what grows is none of Python's."""
    found = [each for each in _grown(summary) if each.is_native]
    if not found:
        return None
    return Finding(
        code="native-memory-growth",
        severity="warning",
        title="Native memory grows steadily",
        detail=_detail(summary, found),
        evidence=_evidence(found),
        advice=(
            "Look for objects of C extensions that are kept, such as arrays and tables, whose data is no "
            f"memory of Python's, and for an extension that allocates and never frees. {_NATIVE_PROFILER}"
        ),
        doc="/memory",
    )


def _detail(summary: Measurements, found: list[_Grown]) -> str:
    row, growth = found[0].row, found[0].growth
    per_s, kinds = growth["bytes_per_s"], grows(growth, unread(row["c_library"]))
    others = f" So it goes with {len(found)} processes." if len(found) > 1 else ""
    return (
        f"What process {own_pid(row['pid'])} alone has written to, its USS without the pages of files "
        "that it only "
        f"read, grew by {size(per_s)}/s, from {size(growth['bytes_from'])} at {growth['from_s']:.1f} s to "
        f"{size(growth['bytes_to'])} at {growth['to_s']:.1f} s"
        f"{_few(growth['readings'])}. {kinds}{_objects(summary, row['pid'], per_s)} At that pace it takes "
        f"{size(per_s * _HOUR_S)} more in an hour.{_cycles(summary, row['pid'])}{others}"
    )


def _objects(summary: Measurements, pid: int, per_s: float) -> str:
    """Which types of objects grow, and the container that gets most items, where those are known."""
    types = [
        (grows_by, row)
        for row in summary["types"] or ()
        if row["pid"] == pid and (grows_by := row["bytes_per_s"] or 0.0) >= NAMED_SHARE * per_s
    ]
    types.sort(key=lambda each: -each[0])
    said = ""
    if types:
        # Not how fast: that is of the times at which objects were counted, which are others.
        named = " and ".join(f"{row['type']}{_more(row['count_per_s'])}" for _, row in types[:_TYPES_NAMED])
        said = f" The type{'s that grow most are' if len(types) > 1 else ' that grows most is'} {named}."
    found = _fullest(summary, pid)
    return f"{said} {found[1]['path']} has {count(found[0])} more items each second." if found else said


def _fullest(summary: Measurements, pid: int) -> tuple[float, HolderRow] | None:
    """The container that gets most items, and how many of them a second."""
    found = [
        (items, row)
        for row in summary["holders"] or ()
        if row["pid"] == pid and (items := row["items_per_s"] or 0.0) >= 1
    ]
    return max(found, key=lambda each: each[0], default=None)


def _bound(summary: Measurements, pid: int) -> str:
    """What puts a bound to what grows: to a queue, where that gets most items, else to a container."""
    found = _fullest(summary, pid)
    if found is not None:
        _, dot, inside = found[1]["path"].rpartition(".")
        if found[1]["type"] in _IN_QUEUES.get(dot + inside, ()):
            return _QUEUE.format(path=found[1]["path"])
    return _CONTAINER


def _more(per_s: float | None) -> str:
    return f" ({count(per_s)} more a second)" if per_s and per_s >= 1 else ""


def _evidence(found: list[_Grown]) -> dict[str, object]:
    row, growth = found[0].row, found[0].growth
    return {
        "pid": row["pid"],
        **growth,
        "bytes_per_hour": growth["bytes_per_s"] * _HOUR_S,
        "processes": len(found),
    }


def _grown(summary: Measurements) -> list[_Grown]:
    """The processes whose memory grows otherwise than by their threads, the fastest first."""
    threads_per_s = {
        row["pid"]: threads["per_s"] for row in summary["processes"] if (threads := row.get("threads_growth"))
    }
    found = [
        _Grown(row, growth)
        for row in summary["memory"]
        if (growth := row.get("growth")) and _has_begun(summary, row["pid"], growth["from_s"])
    ]
    found = [each for each in found if not each.is_of(threads_per_s.get(each.row["pid"], 0.0))]
    return sorted(found, key=lambda each: -each.growth["bytes_per_s"])


def _has_begun(summary: Measurements, pid: int, at_s: float) -> bool:
    """Whether a process had done its imports by then: on a busy machine those alone may take seconds.

    For how long its main thread imported is estimated from the share of its time of which it is known where
    it was.
    """
    main = next((row for row in summary["threads"] if row["pid"] == row["tid"] == pid), None)
    if main is None:
        return True
    known = [row for row in main["blocked"] if row["function"] and row["file"]]
    known_s = sum(row["total_s"] for row in known)
    imports_s = sum(
        row["total_s"]
        for row in known
        if imports([row["file"] or "", *(caller.file for caller in callers(row["callers"]))])
    )
    return not known_s or imports_s / known_s * main["observed_s"] <= at_s


def _cycles(summary: Measurements, pid: int) -> str:
    """A word of warning where garbage in cycles may be what grows: nothing collects it, or has so far."""
    rows = [row for row in summary["gc"] or () if row["pid"] == pid]
    if not rows:
        return ""
    if all(row["enabled"] is False for row in rows):
        # Whatever was collected: by the imports before, by the program itself, or when it ended.
        return (
            " The collector is switched off (gc.disable()), so that much of it may be cycles that nobody "
            "uses: gc.collect() would give those back, and gc.enable() keep them from growing."
        )
    if any(sum(row["collections"]) for row in rows):
        return ""
    return (
        " The collector has not run so far, so that part of it may be cycles that nobody uses: "
        "gc.collect() would give those back."
    )


def heap_growth(summary: Measurements) -> Finding | None:
    """A heap that grows though its process does not, or was read too seldom to say."""
    growing_pids = {row["pid"] for row in summary["memory"] if row.get("growth")}
    grown = [
        (growth["per_s"], heap, growth)
        for heap in summary["heap"] or ()
        if (growth := heap.get("growth"))
        and heap["pid"] not in growing_pids
        and _has_begun(summary, heap["pid"], growth["from_s"])
    ]
    if not grown:
        return None
    per_s, heap, growth = max(grown, key=lambda found: found[0])
    return Finding(
        code="heap-growth",
        severity="warning",
        title="Python's heap grows steadily",
        detail=(
            f"From {growth['from_s']:.1f} s to {growth['to_s']:.1f} s what is in use of the heap of "
            f"{whose(heap)} grew by {size(per_s)}/s, from {size(growth['first'])} to "
            f"{size(growth['last'])}{_few(growth['readings'])}{_beside(summary, heap['pid'], growth)} "
            f"At that pace it takes {size(per_s * _HOUR_S)} more in an hour."
        ),
        evidence={
            "pid": heap["pid"],
            "interpreter": heap["interpreter"],
            "from_s": growth["from_s"],
            "to_s": growth["to_s"],
            "bytes_from": growth["first"],
            "bytes_to": growth["last"],
            "bytes_per_s": per_s,
            "readings": growth["readings"],
        },
        advice=_bound(summary, heap["pid"]),
        doc="/memory",
    )


def _beside(summary: Measurements, pid: int, growth: CountGrowth) -> str:
    """What became of the RSS meanwhile."""
    row = next((row for row in summary["memory"] if row["pid"] == pid), None)
    course = row.get("course") if row else None  # summaries of before have none
    sizes = [
        rss
        for at_us, rss, *_ in (course["rows"] if course else ())
        if at_us is not None and rss is not None and growth["from_s"] <= at_us / 1e6 <= growth["to_s"]
    ]
    if len(sizes) < _LEAST_SIZES:
        return "."
    grown = sizes[-1] - sizes[0]
    if grown >= _MOST * (growth["last"] - growth["first"]):
        return f", and RSS by {size(grown)} with it."
    return ", while the process did not: it takes what is free in its arenas."


def threads_grow(summary: Measurements) -> Finding | None:
    """Threads that are started and never end."""
    found = [
        (growth["per_s"], row["pid"], growth)
        for row in summary["processes"]
        if (growth := row.get("threads_growth"))
    ]
    if not found:
        return None
    per_s, pid, growth = max(found, key=lambda each: each[0])
    memory = next((row for row in summary["memory"] if row["pid"] == pid), None)
    grown = memory.get("growth") if memory else None
    return Finding(
        code="threads-grow",
        severity="warning",
        title="Threads are started and do not end",
        detail=(
            f"Process {own_pid(pid)} had {count(growth['first'])} threads at {growth['from_s']:.1f} s and "
            f"{count(growth['last'])} at {growth['to_s']:.1f} s: {per_s:.1f} more a second, "
            f"{count(per_s * _HOUR_S)} in an hour.{_with_threads(memory, growth)}"
        ),
        evidence={
            "pid": pid,
            "threads_from": growth["first"],
            "threads_to": growth["last"],
            "from_s": growth["from_s"],
            "to_s": growth["to_s"],
            "threads_per_s": per_s,
            "bytes_per_s": grown["bytes_per_s"] if grown else None,
            "stacks": (memory["parts"] or {}).get("stacks") if memory else None,
        },
        advice=(
            "A pool (ThreadPoolExecutor(max_workers=...)) bounds how many there are and uses them again. "
            "Where a thread is meant to end, see in the table of threads what it waits for: a queue that "
            "nobody closes, an answer without a timeout."
        ),
        doc="/memory",
    )


def threads_come_and_go(summary: Measurements) -> Finding | None:
    """Threads that are started all the time, do little and end."""
    found = [
        (ended["count"], row["pid"], ended["lived_s"])
        for row in summary["processes"]
        if (ended := row.get("threads_ended")) and ended["lived_s"] <= _BRIEF_S
    ]
    if not found:
        return None
    number, pid, lived_s = max(found)
    lasted_s = summary["run"]["duration_s"]
    if lasted_s < _LEAST_CHURN_S or number < OFTEN_ENDED_PER_S * lasted_s:
        return None
    return Finding(
        code="threads-come-and-go",
        severity="warning",
        title="Threads are started and end all the time",
        detail=(
            f"{count(number)} threads of process {own_pid(pid)} ended in {lasted_s:.1f} s, "
            f"{count(number / lasted_s)} a second, each {seconds(lived_s)} after it was first seen, on "
            "average. Each costs its start, a stack, and two times or more at which the GIL is handed on, "
            "whatever it does."
        ),
        evidence={"pid": pid, "ended": number, "ended_per_s": number / lasted_s, "lived_s": lived_s},
        advice=(
            "A pool (ThreadPoolExecutor(max_workers=...)) uses its threads again: one job is then no thread. "
            "Many timers need one thread that waits for the next: sched.scheduler, or call_later of an event "
            "loop, instead of a threading.Timer each."
        ),
        doc="/runs",
    )


def _with_threads(memory: MemoryRow | None, growth: CountGrowth) -> str:
    """What memory they take."""
    if memory is None:
        return ""
    said = ""
    grown, stacks = memory.get("growth"), (memory["parts"] or {}).get("stacks")
    if grown is not None:
        each = grown["bytes_per_s"] / growth["per_s"]
        said = f" Memory grows by {size(grown['bytes_per_s'])}/s with them, {size(each)} for each."
    if stacks is not None:
        said += f" {size(stacks)} of it are their stacks."
    return said


def _few(readings: int) -> str:
    return f" (judged from {readings} readings only)" if readings < FEW_READINGS else ""


def whose(row: HeapRow) -> str:
    """A heap's process, and its interpreter where it is not the main one."""
    interpreter = f", interpreter {row['interpreter']}" if row["interpreter"] else ""
    return f"process {own_pid(row['pid'])}{interpreter}"


RULES: tuple[Rule, ...] = (
    memory_growth,
    native_memory_growth,
    heap_growth,
    threads_grow,
    threads_come_and_go,
)
