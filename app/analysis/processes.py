"""What each process of the target's tree is, and what it uses.

The rows are a ProcessRow and MemoryFigures of app/model/summary.py.

Of the former, `cpu_s` is the CPU time of all of its threads, those that have ended with them, in the
`counted_s` between two readings of the kernel's totals; `cpus` how many CPUs it may use, `thread_pools` the
libraries that it has whose threads are their own.

Sizes of the latter are of the instant `at_s`. That is the last walk of the process's mappings after which its
C library was read, so that `parts` adds up to `rss`. Where many processes, or large ones, let that be long
ago, it is the last reading of its sums, and what the walk alone tells is of `parts_at_s`. Where there was
neither, `rss` alone is known.
What `parts` has of Python's heaps is of `objects_at_s`.
`peak_rss` and the faults are the kernel's, of the whole life of the process. `shared` is how much of the RSS
other processes map as well; `kinds` are those of the memory message, [size, rss, pss] each; `parts` are those
of parts.py, `growth` is that of growth.py. `ended_s` is null while the process is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypedDict

from app.analysis.course import Course
from app.analysis.growth import DeadCycles, Growth, HeapNow, LargeObjects, settled
from app.analysis.lows import Lows
from app.analysis.parts import PARTS, by_pss, parts_of, together
from app.analysis.threads import NAMED_US
from app.analysis.totals import Totals, seconds
from app.analysis.verdict import Objects, verdict
from app.model.frames import CLibrary, Counters, Memory, Process, Rollup, from_json, to_json
from app.model.summary import (
    CLibraryRow,
    GrowthRow,
    MemoryFigures,
    MemoryPeak,
    MemoryTogether,
    Parts,
    ProcessRow,
    ThreadFigures,
    ThreadsEnded,
)
from app.model.tracks import ProcessTotals, kinds_of, largest_of, process_totals, unmapped_of

PARTS_COURSE = ("at_us", *PARTS)
_ADDED_UP = 8  # times that the sums of all are added up while those of each are read once, at the least
UNLISTED_US = 50_000
KEPT_PROCESSES = 500  # of those that have gone; a pool that forks for each task starts thousands

# A walk that is older than the sums by so much is told as what it is: old. Each process is walked once a
# second, where that does not cost too much.
_WALK_IS_OLD_US = 2_500_000

# How many more threads make a growth, and which part of what there was.
THREADS = 10
THREADS_SHARE = 0.25

_CPU, _MINOR_FAULTS, _MAJOR_FAULTS = range(3)


class MemoryReading(NamedTuple):
    """A row of the course: of the counters, of a walk of the mappings, or of the sums alone."""

    at_us: int
    rss: int | None
    uss: int | None
    pss: int | None


class LiveProcessRow(TypedDict):
    """A process in the figures of a moment."""

    pid: int
    python: str | None
    cpu_share: float | None


class ProcessUse:
    """One process: the newest message of it, None before the first, and what it used. Sizes in bytes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.message: Process | None = None
        self.rss: int | None = None  # the newest, of `counted_us`
        self.counted_us: int | None = None
        self.peak_rss: int | None = None
        self.mappings: Memory | None = None  # the last walk that is told
        self.walk: Memory | None = None  # a newer one, until the C library's heap has been read after it
        self.sums: Memory | Rollup | None = None  # the newest of walks and sums
        self.library: CLibrary | None = None  # the last reading of the C library's heap
        self.heap: HeapNow | None = None  # of Python's own, as known at that reading
        self.growth = Growth()
        self._grown: tuple[GrowthRow | None] | None = None  # its row, until something else is read
        self.threads = Lows()
        self._told: set[str] = set()  # what was read in this piece of the observation
        self.totals = Totals(3)
        self.course = Course()
        self.parts_course = Course()
        self._counted_from_us: int | None = None
        self._counted_to_us: int | None = None

    def read(self, at_us: int, use: ProcessTotals) -> None:
        """Take its row of a counters message. A size that was not read this time keeps its last value.

        One that ends gives its memory back before it goes: an RSS of 0 says nothing of what it used.
        """
        self.totals.read((use.cpu_us, use.minor_faults, use.major_faults))
        self._counted_to_us = at_us
        if self._counted_from_us is None:
            self._counted_from_us = at_us
        if use.rss:
            self.rss, self.counted_us = use.rss, at_us
        self.peak_rss = self.peak_rss if use.peak_rss is None else use.peak_rss
        if self.sums is None:
            self.course.add(MemoryReading(at_us, self.rss, None, None))
            if use.rss:
                self.growth.rss_read(at_us, use.rss)
                self._grown = None

    def walked(self, message: Memory) -> None:
        """Take a walk of its mappings.

        Where the C library was read before, what it had free then says nothing of these mappings: the walk is
        told with the reading that follows it. If none does, it is told once there is the next.
        """
        library = self.library
        if library is None or library.free is None:
            self.mappings = message
            self._told.add("mappings")
        else:
            self._tell_walk()
            self.walk = message
            self._told.add("walk")
        self.summed(message)

    def _tell_walk(self) -> None:
        walk, told = self.walk, self.mappings
        self.walk = None
        self._told.discard("walk")
        if walk is not None and (told is None or walk.at_us > told.at_us):
            self.mappings = walk
            self._told.add("mappings")

    def summed(self, message: Memory | Rollup) -> None:
        """Take the sums of its memory."""
        self.sums = message
        self._told.add("sums")
        self.course.add(MemoryReading(message.at_us, message.rss, message.uss, message.pss))
        # Pages of files are its own as long as nobody else maps them, and none that grow.
        own = message.uss if message.dirty is None else message.dirty
        self.growth.sums_read(message.at_us, message.rss + message.swap, own + message.swap)
        self._grown = None

    def library_read(self, message: CLibrary, heap: HeapNow | None) -> None:
        """Take a reading of its C library's heap, and the last one of Python's own."""
        last, self.library, self.heap = self.heap, message, heap
        self._told.add("library")
        self._tell_walk()
        self._grown = None
        parts = self.parts
        if parts is not None:
            if heap is not None and (last is None or heap.at_us > last.at_us):
                self.growth.heap_read(heap)
            self.parts_course.add((message.at_us, *(parts[name] for name in PARTS)))

    @property
    def objects(self) -> int | None:
        """Bytes in use of Python's own allocator."""
        return self.heap.bytes_used if self.heap else None

    @property
    def parts(self) -> Parts | None:
        """What its RSS is made of."""
        return parts_of(self.mappings, self.objects, self.library) if self.mappings else None

    @property
    def in_use(self) -> int | None:
        """Bytes of blocks in use, of Python's own allocator and the C library's; None if one is unknown."""
        library = self.library
        if library is None or self.objects is None or library.system is None or library.free is None:
            return None
        return self.objects + library.system - library.free + (library.mapped or 0)

    @property
    def parts_by_pss(self) -> Parts | None:
        """What its PSS is made of."""
        parts = self.parts
        return by_pss(self.mappings, parts) if self.mappings and parts else None

    @property
    def shown(self) -> Memory | Rollup | None:
        """The last walk, or where that is old the sums that were read since."""
        if self.mappings and self.sums and self.sums.at_us - self.mappings.at_us < _WALK_IS_OLD_US:
            return self.mappings
        return self.sums

    @property
    def pss(self) -> int | None:
        """As it was read last."""
        return self.sums.pss if self.sums else None

    @property
    def gone(self) -> bool:
        """It has ended."""
        return self.message is not None and self.message.gone

    @property
    def cpu_us(self) -> int:
        """CPU time used in the measured time."""
        return self.totals.moved(_CPU) or 0

    def rebase(self) -> None:
        """Count the running totals from their newest reading on."""
        self.totals.rebase()
        self._counted_from_us = self._counted_to_us

    def know(self, before: ProcessUse) -> None:
        """Of a piece of an observation (pieces.py): know what was read of it before."""
        self.message, self.rss, self.heap = before.message, before.rss, before.heap
        self.mappings, self.sums, self.library = before.mappings, before.sums, before.library
        self.walk = before.walk

    def state(self) -> list[Any] | None:
        """All of it but its message, to be stored; None where nothing was told of it."""
        if self._counted_to_us is None and not self._told:
            return None
        standing = {name: to_json(getattr(self, name)) for name in sorted(self._told)}
        return [
            *(self.pid, self.rss, self.counted_us, self.peak_rss, standing, self.heap),
            *(self.totals.state(), self.growth.state(), self.threads.state()),
            *(self.course.state(), self.parts_course.state()),
            *(self._counted_from_us, self._counted_to_us),
        ]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        _, rss, counted_us, peak_rss, standing, heap, totals, growth, threads, *courses, from_us, to_us = (
            state
        )
        for name, message in standing.items():
            setattr(self, name, from_json(message))
            self._told.add(name)
        if "library" in standing:
            self.heap = HeapNow(*heap) if heap else None
        self.totals.read(totals)
        self._counted_from_us = from_us if self._counted_from_us is None else self._counted_from_us
        self._counted_to_us = self._counted_to_us if to_us is None else to_us
        if counted_us is not None:
            self.rss, self.counted_us = rss, counted_us
        self.peak_rss = self.peak_rss if peak_rss is None else peak_rss
        self.growth.absorb(growth)
        self._grown = None
        self.threads.absorb(threads)
        for course, told in zip((self.course, self.parts_course), courses, strict=True):
            course.absorb(told)

    def use_row(self, ended: ThreadsEnded | None = None) -> ProcessRow:
        """What it runs on, its CPU time, and which of its threads ended."""
        message, from_us, to_us = self.message, self._counted_from_us, self._counted_to_us
        grown = self.threads.trend(THREADS, THREADS_SHARE)
        return {
            "pid": self.pid,
            "python": message.python if message else None,
            "free_threaded": message.free_threaded if message else None,
            "gil_enabled": message.gil_enabled if message else None,
            "counted_s": None if from_us is None or to_us is None else (to_us - from_us) / 1e6,
            "cpu_s": self.cpu_us / 1e6,
            "cpus": message.cpus if message else None,
            "thread_pools": message.thread_pools if message else [],
            "threads_growth": grown.to_json() if grown else None,
            "threads_ended": ended,
            "host": message.host if message else None,
            "worker": message.worker if message else None,
        }

    def memory_row(self, large: LargeObjects | None, cycles: DeadCycles | None) -> MemoryFigures:
        """Its memory, where so much is known of its objects."""
        message, mappings, sums = self.message, self.mappings, self.shown
        largest = largest_of(mappings) if mappings else []
        library = library_row(self.library) if self.library else None
        parts = self.parts
        if self._grown is None:
            threshold = library["mmap_threshold"] if library else None
            self._grown = (self.growth.row(self.parts_course, threshold),)
        (growth,) = self._grown
        growth = settled(growth, large, cycles) if growth else None
        return {
            "pid": self.pid,
            "parent": message.parent if message else None,
            "ended_s": message.at_us / 1e6 if message and message.gone else None,
            "at_s": seconds(sums.at_us if sums else self.counted_us),
            "rss": sums.rss if sums else self.rss,
            "uss": sums.uss if sums else None,
            "pss": sums.pss if sums else None,
            "peak_rss": self.peak_rss,
            "swap": sums.swap if sums else None,
            "shared": sums.shared if sums else None,
            "kinds": kinds_of(mappings) if mappings else None,
            "huge": mappings.huge if mappings else None,
            "largest": largest,
            "parts": parts,
            "c_library": library,
            "parts_at_s": seconds(mappings.at_us if mappings else None),
            "objects_at_s": seconds(self.heap.at_us if self.heap else None),
            "growth": growth,
            "verdict": verdict(
                *(mappings.rss, parts, library, largest, growth, unmapped_of(mappings)),
                Objects(self.heap.allocator if self.heap else None, large),
            )
            if mappings and parts
            else [],
            "minor_faults": self.totals.moved(_MINOR_FAULTS),
            "major_faults": self.totals.moved(_MAJOR_FAULTS),
        }


def library_row(message: CLibrary) -> CLibraryRow:
    """The row of a reading."""
    known = message.system is not None and message.free is not None
    return {
        "at_s": message.at_us / 1e6,
        "allocator": message.allocator,
        "version": message.version,
        "arenas": message.arenas,
        "system": message.system,
        "in_use": (message.system or 0) - (message.free or 0) if known else None,
        "free": message.free,
        "absent": message.absent,
        "trimmable": message.trimmable,
        "mapped": message.mapped,
        "mmap_threshold": message.mmap_threshold,
        "chunks": message.chunks,
        "torn": message.torn,
        "cut": message.cut,
        "moved": message.moved,
        "took_s": message.took_us / 1e6,
        "cpu_s": message.cpu_us / 1e6,
        "why": message.why,
    }


class Processes:
    """The target's tree, in the order in which its processes were first seen."""

    def __init__(self) -> None:
        self._processes: dict[int, ProcessUse] = {}
        self._forget_at = 2 * KEPT_PROCESSES
        self._stopping_us: int | None = None
        self._peak: MemoryPeak = {"rss": None, "uss": None, "pss": None}
        self._unadded = 0  # sums of processes that came since those of all were added up

    def __iter__(self) -> Iterator[ProcessUse]:
        return iter(self._processes.values())

    @property
    def peak(self) -> MemoryPeak:
        """The most that all processes had together, each as it was read last."""
        if self._unadded:
            self._note_sums()
        return self._peak

    def copy_names(self, other: Processes) -> None:
        """Know the processes that are there as another knows them, and what they have."""
        for known in other.live():
            self._of(known.pid).know(known)

    def state(self) -> dict[str, Any]:
        """All of it but messages of processes, to be stored."""
        told = [state for process in self if (state := process.state()) is not None]
        return {"processes": told, "peak": self.peak}

    def absorb(self, state: dict[str, Any]) -> None:
        """Add the piece that follows."""
        for process in state["processes"]:
            self._of(process[0]).absorb(process)
        for name, size in state["peak"].items():
            self._note_peak(name, size)

    def note(self, message: Process) -> set[int]:
        """Take a process message; the pids that were forgotten to make room for it."""
        process = self._of(message.pid)
        if process.gone and not message.gone:  # the kernel gave the pid away again
            process = self._processes[message.pid] = ProcessUse(message.pid)
        process.message = message
        return self._forget(message.at_us) if message.gone else set()

    def rebase(self) -> None:
        """Count all running totals from their newest reading on."""
        for process in self:
            process.rebase()

    def read(self, message: Counters) -> None:
        """Take a counters message; a process that is no CPython (yet) may have nothing else."""
        for use in process_totals(message):
            self._of(use.pid).read(message.at_us, use)
        self._note_peak("rss", self._rss())

    def walked(self, message: Memory) -> None:
        """Take a walk of a process's mappings."""
        self._of(message.pid).walked(message)
        self._came()

    def summed(self, message: Rollup) -> None:
        """Take the sums of a process's memory."""
        self._of(message.pid).summed(message)
        self._came()

    def library_read(self, message: CLibrary, heap: HeapNow | None) -> None:
        """Take a reading of a process's C library; `heap` as of ProcessUse."""
        self._of(message.pid).library_read(message, heap)

    def count_threads(self, at_us: int, counts: Mapping[int, int]) -> None:
        """How many threads each process has."""
        for process in self.live():
            if process.pid in counts:
                process.threads.add(at_us, counts[process.pid])

    def in_use(self, pid: int) -> int | None:
        """The bytes that a process has in use, by the last reading of its C library."""
        process = self.get(pid)
        return process.in_use if process else None

    def together(self) -> MemoryTogether | None:
        """Of all that are there, or of the last; None unless the PSS is known of each."""
        there = [each for each in self._there() if each.sums or each.rss is not None]
        sums = [shown for each in there if (shown := each.shown)]
        if not sums or len(sums) < len(there):
            return None
        parts = together([each.parts_by_pss for each in there])
        walks = [each.mappings.at_us for each in there if each.mappings]
        return {
            "processes": len(there),
            "from_s": min(each.at_us for each in sums) / 1e6,
            "to_s": max(each.at_us for each in sums) / 1e6,
            "pss": sum(each.pss for each in sums),
            "parts": parts,
            "parts_from_s": min(walks) / 1e6 if parts else None,
            "parts_to_s": max(walks) / 1e6 if parts else None,
            "parts_pss": sum(filter(None, parts.values())) if parts else None,
            "unread": len(there) - len(walks),
        }

    def stopping(self, at_us: int) -> None:
        """They are asked to end."""
        self._stopping_us = at_us

    def _there(self) -> list[ProcessUse]:
        """Those that are there; of a run that ends or has ended those that were, when all of them were."""
        live, at_us = self.live(), self._stopping_us
        if live and at_us is None:
            return live
        if at_us is None:
            at_us = max((process.sums.at_us for process in self if process.sums), default=0)
        return [
            process
            for process in self
            if not process.gone or (process.message and process.message.at_us >= at_us)
        ]

    def get(self, pid: int) -> ProcessUse | None:
        """A process; None where it was never seen, or is forgotten."""
        return self._processes.get(pid)

    def message(self, pid: int) -> Process | None:
        """The newest message of a process."""
        process = self.get(pid)
        return process.message if process else None

    def messages(self) -> list[Process]:
        """The newest message of each process."""
        return [process.message for process in self if process.message]

    def root(self) -> Process | None:
        """The process at which the tree begins; a workload's workers may be told of before it."""
        messages = self.messages()
        return next((message for message in messages if message.parent is None), next(iter(messages), None))

    def target(self) -> Process | None:
        """The root where it runs a CPython; else the first process that does; else the root."""
        root = self.root()
        return next((message for message in (root, *self.messages()) if message and message.python), root)

    def unlisted_cpu_s(self, rows: Iterable[ThreadFigures]) -> float:
        """CPU time that none of these rows has, of the processes of which there is one.

        A thread's is read some times a second, so what one used since its last reading before it ended is in
        its process's alone. That is counted in ticks of 10 ms, so a difference of UNLISTED_US is none.
        """
        listed_us: dict[int, float] = {}
        for row in rows:
            listed_us[row["pid"]] = listed_us.get(row["pid"], 0) + 1e6 * (row["cpu_s"] or 0)
        left_us = [process.cpu_us - listed_us[process.pid] for process in self if process.pid in listed_us]
        return sum(us for us in left_us if us > UNLISTED_US) / 1e6

    def live(self) -> list[ProcessUse]:
        """Those that are there."""
        return [process for process in self if not process.gone]

    def _came(self) -> None:
        """The sums of one came: of many processes not each of them is worth adding up those of all."""
        self._unadded += 1
        if self._unadded * _ADDED_UP >= len(self._processes):
            self._note_sums()

    def _note_sums(self) -> None:
        self._unadded = 0
        self._note_peak("pss", self.pss())
        self._note_peak("uss", self.uss())

    def _note_peak(self, name: Literal["rss", "uss", "pss"], size: int | None) -> None:
        if size is not None:
            self._peak[name] = max(size, self._peak[name] or 0)

    def _rss(self) -> int | None:
        sizes = [process.rss for process in self.live() if process.rss is not None]
        return sum(sizes) if sizes else None

    def pss(self) -> int | None:
        """Resident bytes of all that are there, shared pages counted once; None if one was not read."""
        return _sum_of_all(process.pss for process in self.live() if process.rss is not None)

    def uss(self) -> int | None:
        """Resident bytes that no other process shares, of all that are there; None if one was not read."""
        return _sum_of_all(
            process.sums.uss if process.sums else None for process in self.live() if process.rss is not None
        )

    def live_rows(self, cpu_shares: dict[int, float | None]) -> list[LiveProcessRow]:
        """A row for each process that is there."""
        return [
            {
                "pid": process.pid,
                "python": process.message.python if process.message else None,
                "cpu_share": cpu_shares.get(process.pid),
            }
            for process in self.live()
        ]

    def _of(self, pid: int) -> ProcessUse:
        if pid not in self._processes:
            self._processes[pid] = ProcessUse(pid)
        return self._processes[pid]

    def _forget(self, at_us: int) -> set[int]:
        """Forget the least busy of those that went long ago, once for every KEPT_PROCESSES that came."""
        if len(self._processes) <= self._forget_at:
            return set()
        target = self.target()
        gone = [
            process
            for process in self
            if (message := process.message)
            and message.gone
            and message is not target
            and at_us - message.at_us > NAMED_US
        ]
        gone.sort(key=lambda process: process.cpu_us)
        pids = {process.pid for process in gone[:-KEPT_PROCESSES]}
        for pid in pids:
            del self._processes[pid]
        self._forget_at = len(self._processes) + KEPT_PROCESSES
        return pids


def _sum_of_all(sizes: Iterable[int | None]) -> int | None:
    """None if one is not known, or there is none."""
    found = list(sizes)
    known = [size for size in found if size is not None]
    return sum(known) if known and len(known) == len(found) else None
