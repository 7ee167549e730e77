"""The processes of a run: found, sampled when they are CPythons, and followed through exec and exit."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from app.model.errors import GilscopeError, NoSuchProcess
from app.model.frames import (
    Blocked,
    Collector,
    Counters,
    Event,
    Frame,
    Loops,
    Message,
    Names,
    Process,
    Stacks,
)
from app.model.states import MEASURES

from .cpython.runtime import Doubtful, NoInterpreter, NotYet, locate
from .cpython.survey import Inconsistent
from .cpython.vocabulary import Vocabulary
from .kernel import cpus, procfs
from .kernel.memory import AddressSpaceGone, Unmapped
from .sampling.blocked import Budget
from .sampling.reader import Reader
from .sampling.slow import SlowReads
from .sampling.walks import Walks

Emit = Callable[[Message], None]
Taken = tuple[list[Any], list[Any], list[Any]]  # loops, lags and steps of a loops message
Left = tuple[list[Any], list[Any], list[int]]  # GIL entries, lane entries, lanes that have gone

# What an interpreter says of itself while it starts makes no sense yet; after so long it is believed, and the
# process given up until it calls exec.
_SETTLE_US = 5_000_000
# Between two tries to find the interpreter of a process: a tenth of the time since it was started or called
# exec, within these bounds. So one that comes at once is found at once, and a shell costs next to nothing.
_LOOK_PART = 10
_LOOK_FIRST_US = 5_000
_LOOK_LAST_US = 250_000
_ASK_US = 1_000_000  # how often the CPUs that a process may use are asked, and the libraries that it has


@dataclass
class Watched:
    """A process of the run. `reader` is None while it is not, or not yet, a CPython that can be read."""

    pid: int
    parent: int | None
    since_us: int
    command: list[str] = field(init=False)
    program: str | None = field(init=False)  # the file that it runs
    start_ticks: int | None = field(init=False)  # tells it from a later process of the same pid
    reader: Reader | None = None
    refusal: GilscopeError | None = None  # why it is not read, and will not be unless it calls exec
    why: GilscopeError | NotYet | None = None  # it has not been read so far
    look_at_us: int = 0  # when to try again to find its interpreter
    lost: bool = False  # its address space went away: it is ending, or becoming another program
    announced: Process = field(init=False)  # what was last told of it, or would be
    told: bool = False  # the server has heard of it
    cpus: float | None = None  # as last asked, see cpus.py
    thread_pools: list[str] = field(default_factory=list)
    asked_us: int = -_ASK_US

    def __post_init__(self) -> None:
        now = procfs.stat(self.pid)
        self.start_ticks = now.start_ticks if now else None
        self.program = procfs.program(self.pid)
        self.command = procfs.command(self.pid)
        self.announced = Process(self.since_us, self.pid, self.parent, self.command)

    @property
    def ended(self) -> bool:
        """It is there no more, or but as a zombie."""
        now = procfs.stat(self.pid)
        return now is None or now.state in "ZX" or now.start_ticks != self.start_ticks

    def renewed(self, now_us: int) -> None:
        """It is another program since just now."""
        self.lost, self.refusal, self.why = False, None, None
        self.since_us = self.look_at_us = now_us
        self.program, self.command = procfs.program(self.pid), procfs.command(self.pid)
        self.announced = Process(now_us, self.pid, self.parent, self.command)


class Processes:
    """Every process of the run, and the messages that tell of them."""

    def __init__(self, emit: Emit, slow: SlowReads, stacks: bool, is_left_out: Callable[[int], bool]) -> None:
        """`is_left_out`: whether a process that comes below the others is none of the run's."""
        self._emit = emit
        self._is_left_out = is_left_out
        self._slow = slow
        self._stacks = stacks
        self.origin_ns = 0  # of the run; known once it has said hello
        self._walks = Walks(emit, slow)
        self._watched: dict[int, Watched] = {}
        self._lanes = itertools.count()
        self._gils = itertools.count()
        self._failed = 0  # by samplers that are closed, and up to the last frame by those that are not
        self._left: Left = ([], [], [])  # what closed samplers still have to say in the next frame
        self._vocabulary = Vocabulary()
        self._looks: list[Any] = []  # since the last frame
        self._blocked: list[Any] = []  # the same, of threads that are blocked
        self._budget = Budget()
        self._heap_looked_at = False

    # ---- who is there

    def watch(self, pid: int, parent: int | None, now_us: int) -> Watched:
        """Follows `pid` from now on; it is looked for in `look` until it can be read."""
        if pid not in self._watched:
            self._watched[pid] = Watched(pid, parent, now_us)
        return self._watched[pid]

    def announce(self, pid: int) -> None:
        """Tells of a process that may be no CPython, now or ever."""
        watched = self._watched.get(pid)
        if watched is not None and not watched.told:
            self._tell(watched)

    def look(self, now_us: int) -> None:
        """Tries again to find the interpreter of each process that has none yet."""
        for watched in list(self._watched.values()):
            if watched.reader is not None:
                continue
            if not watched.lost and procfs.program(watched.pid) not in (None, watched.program):
                self._called_exec(watched, now_us)
            if watched.refusal is None and now_us >= watched.look_at_us:
                self._try(watched, now_us)
                wait_us = (now_us - watched.since_us) // _LOOK_PART
                watched.look_at_us = now_us + min(max(wait_us, _LOOK_FIRST_US), _LOOK_LAST_US)

    def follow_children(self, roots: Iterable[int], now_us: int) -> None:
        """Takes in processes that were started since, and lets go of those that have ended.

        One whose parent has ended is followed on, and what it starts too.
        """
        for watched in [watched for watched in self._watched.values() if watched.ended]:
            self._forget(watched, now_us)
        known = dict.fromkeys((*roots, *self._watched))
        for pid in (*known, *procfs.descendants(*known)):
            self._take_in(pid, now_us)

    def _take_in(self, pid: int, now_us: int) -> None:
        if pid in self._watched or self._is_left_out(pid):
            return
        parent = procfs.parent(pid)
        watched = Watched(pid, parent, now_us)
        if watched.ended:  # a zombie that nobody has reaped
            return
        self._watched[pid] = watched
        self._emit(Event(now_us, "forked", pid, f"by {parent}"))

    def _try(self, watched: Watched, now_us: int) -> None:
        if watched.lost and not self._became_another(watched, now_us):
            return
        try:
            runtime = locate(watched.pid)
        except NoSuchProcess:
            return  # follow_children tells of its end
        except (NotYet, NoInterpreter) as reason:
            watched.why = reason
            return
        except GilscopeError as refusal:
            watched.why = refusal
            if now_us - watched.since_us > _SETTLE_US or not isinstance(refusal, Doubtful):
                self._refuse(watched, refusal, now_us)
            return
        try:
            watched.reader = Reader(
                watched.pid,
                runtime,
                (self._lanes.__next__, self._gils.__next__),
                self._vocabulary,
                self.origin_ns,
                (self._slow, self._emit, self._heap_looked_at),
                now_us,
            )
        except (AddressSpaceGone, Inconsistent, Unmapped):
            runtime.memory.close()
            watched.why = NotYet(f"process {watched.pid} changes while it is being looked at")
            return
        watched.why, watched.command = None, procfs.command(watched.pid)
        self._announce(watched, watched.reader, now_us)
        self._sample(watched, watched.reader, now_us)

    def _refuse(self, watched: Watched, refusal: GilscopeError, now_us: int) -> None:
        watched.refusal = refusal
        self._emit(Event(now_us, "unreadable", watched.pid, str(refusal)))
        watched.announced = replace(
            watched.announced, at_us=now_us, why=dict.fromkeys(MEASURES, str(refusal))
        )
        if watched.told:
            self._emit(watched.announced)

    def _forget(self, watched: Watched, now_us: int) -> None:
        self._let_go(watched, now_us)
        del self._watched[watched.pid]
        self._walks.forget(watched.pid)
        self._emit(Event(now_us, "exited", watched.pid))
        self._emit(self._process(watched, now_us, gone=True))

    def _let_go(self, watched: Watched, now_us: int) -> None:
        """Closes the sampler; what it has seen since the last frame goes into the next one."""
        reader, watched.reader = watched.reader, None
        if reader is None:
            return
        collectors, roster = reader.collectors, reader.roster
        self._tell_collectors(collectors.take_last(), collectors.take_pauses(now_us), now_us)
        self._tell_loops([reader.loops.take(now_us)], now_us)
        gils, lanes, gone = self._left
        more_gils, more_lanes = reader.sampler.flush(now_us)
        gils += more_gils
        lanes += more_lanes
        gone += [lane.number for lane in (*roster.gone, *roster.lanes.values())]
        self._failed += reader.sampler.take_failed()
        reader.close()

    def close(self) -> None:
        """Gives every descriptor back."""
        for _, reader in self._read():
            reader.close()

    def _read(self) -> Iterator[tuple[Watched, Reader]]:
        """Those that are read; one may cease to be while this goes on."""
        for watched in list(self._watched.values()):
            if watched.reader is not None:
                yield watched, watched.reader

    # ---- what is asked of them

    @property
    def pending(self) -> list[int]:
        """The pids that are neither sampled nor refused."""
        return [
            pid
            for pid, watched in self._watched.items()
            if watched.reader is None and watched.refusal is None
        ]

    @property
    def reads_any(self) -> bool:
        """Whether there is a CPython that is read."""
        return any(watched.reader is not None for watched in self._watched.values())

    @property
    def starting(self) -> bool:
        """Whether there is an interpreter that cannot be read yet."""
        return any(isinstance(watched.why, NotYet) for watched in self._watched.values())

    @property
    def refusals(self) -> list[GilscopeError]:
        """Why those are not read that are CPythons, or may be."""
        whys = (watched.why for watched in self._watched.values())
        return [why for why in whys if isinstance(why, GilscopeError) and not isinstance(why, NoInterpreter)]

    def refusal(self, pid: int) -> GilscopeError | None:
        """Why `pid` is not read, and will not be; None while it is, or may yet be."""
        watched = self._watched.get(pid)
        return watched.refusal if watched else None

    def why_not(self, pid: int) -> GilscopeError | NotYet | None:
        """Why `pid` is not read, or not yet; None where it is, or was not looked at."""
        watched = self._watched.get(pid)
        return watched.why if watched and watched.reader is None else None

    def sample(self, now_us: int) -> None:
        """Looks at every CPython once."""
        for watched, reader in self._read():
            self._sample(watched, reader, now_us)

    def _sample(self, watched: Watched, reader: Reader, now_us: int) -> None:
        try:
            reader.sample(now_us)
        except AddressSpaceGone:
            self._lost(watched, now_us)
            return
        if reader.unnamed:
            self._name(reader, now_us)
        if reader.gil_switch.switched is not None:
            self._emit(Event(now_us, "gil-on", watched.pid, reader.gil_switch.switched))
            reader.gil_switch.switched = None
            self._review(watched, reader, now_us)

    def look_at_stacks(self, now_us: int) -> None:
        """Looks at what holds each GIL, at what waits for it, and at threads that are blocked elsewhere."""
        self._budget.refill(now_us)
        short = 0  # how many threads have been blocked for a short while
        for watched, reader in self._read():
            try:
                reader.stacks.refresh(now_us)
                self._looks += reader.looker.look(now_us)
                self._blocked += reader.blocked.look(now_us, self._budget)
                short += len(reader.blocked.short)
            except AddressSpaceGone:
                self._lost(watched, now_us)
        if short:
            self._look_at_one_blocked(random.randrange(short), now_us)

    def _look_at_one_blocked(self, which: int, now_us: int) -> None:
        """One thread of the run is looked at though it is blocked for a short while only."""
        for watched, reader in self._read():
            short = reader.blocked.short
            if which < len(short):
                try:
                    self._blocked += reader.blocked.look_at(short[which], now_us)
                except AddressSpaceGone:
                    self._lost(watched, now_us)
                return
            which -= len(short)

    def begin(self, now_us: int) -> None:
        """The first frame begins now; what the samplers saw of the time before is dropped."""
        for _, reader in self._read():
            reader.sampler.flush(now_us)

    def looks(self) -> int:
        """How many threads are looked at in a sample."""
        return sum(reader.sampler.looks for _, reader in self._read())

    def share_looks(self, most: int) -> None:
        """Shares out how many threads may be looked at in a sample, by how many each process has at work."""
        active = [(reader, len(reader.roster.active)) for _, reader in self._read()]
        total = sum(count for _, count in active)
        for reader, count in active:
            reader.sampler.turns.most = most if total <= most else max(1, most * count // total)

    def _take_looked(self) -> float | None:
        """The share of the active threads that a sample has looked at, since the last call."""
        counts = [reader.sampler.take_looked() for _, reader in self._read()]
        lookable = sum(count for _, count in counts)
        return sum(looked for looked, _ in counts) / lookable if lookable else None

    def gap(self, from_us: int) -> None:
        """The observer did not run since `from_us`."""
        for _, reader in self._read():
            reader.gap(from_us)

    def _lost(self, watched: Watched, now_us: int) -> None:
        """The address space is gone: by the process's end, or by exec, and then it is another program now."""
        self._let_go(watched, now_us)
        watched.lost = True
        watched.since_us = watched.look_at_us = now_us

    def _became_another(self, watched: Watched, now_us: int) -> bool:
        """Whether a process that lost its address space has a new one; one that is ending never has."""
        if not procfs.command(watched.pid):
            return False
        self._called_exec(watched, now_us)
        return True

    def _called_exec(self, watched: Watched, now_us: int) -> None:
        watched.renewed(now_us)
        if watched.told:  # else nobody knows what it was before
            self._emit(Event(now_us, "exec", watched.pid, " ".join(watched.command)))
            self._tell(watched)

    # ---- what is told of them

    def frame(self, start_us: int, end_us: int, samples: int, late: int) -> None:
        """Tells what was seen between the two times, then new names, and which lanes have gone."""
        (gils, lanes, gone), self._left = self._left, ([], [], [])
        failed, self._failed = self._failed, 0
        for _, reader in self._read():
            more_gils, more_lanes = reader.sampler.flush(end_us)
            gils += more_gils
            lanes += more_lanes
            gone += [lane.number for lane in reader.roster.gone]
            reader.roster.gone.clear()
            failed += reader.sampler.take_failed()
        self._emit(Frame(start_us, end_us, samples, failed, late, gils, lanes))
        self._tell_looks(end_us)
        self._tell_collectors([], self._pauses(end_us), end_us)
        self._rename(end_us)
        if gone:
            self._emit(Names(end_us, gone=gone))

    def look_at_heaps(self, looked_at: bool) -> None:
        """Somebody looks at the map of the heaps from now on, or nobody."""
        self._heap_looked_at = looked_at
        for _, reader in self._read():
            reader.heaps.look_at(looked_at)

    def read_heaps(self, now_us: int) -> None:
        """Begins to read the heaps of each process whose turn it is."""
        for _, reader in self._read():
            reader.heaps.read_if_due(now_us)

    def read_heaps_for_the_end(self, now_us: int) -> None:
        """Begins to read those heaps once more of which the summary would tell what is old."""
        for _, reader in self._read():
            reader.heaps.read_for_the_end(now_us)

    def walk_mappings(self, now_us: int) -> None:
        """Begins to walk the mappings of each process whose turn it is."""
        for watched in self._watched.values():
            reader = watched.reader
            arenas = reader.heaps.arenas if reader is not None else None
            self._walks.begin(watched.pid, reader.sampler if reader is not None else None, arenas, now_us)

    def counters(self, now_us: int, observer: dict[str, Any], ops: int | None, every: bool) -> None:
        """Tells the running totals of the kernel and of the collectors; of threads some, or `every` one."""
        processes, threads = [], []
        for watched in self._watched.values():
            now = procfs.stat(watched.pid)
            if now is None:
                continue
            peak = procfs.peak_rss(watched.pid)
            processes.append([watched.pid, now.cpu_us, now.rss, peak, now.minor_faults, now.major_faults])
            if watched.reader is not None:
                threads += watched.reader.thread_counters(every)
                self._review(watched, watched.reader, now_us)
        observer = {
            **observer,
            "cut_stacks": self._vocabulary.cut,
            "missed_blocks": self._budget.missed,
            "looked": self._take_looked(),
        }
        self._emit(Counters(now_us, processes, threads, observer, ops))
        self._tell_loops([reader.loops.take(now_us) for _, reader in self._read()], now_us)
        pauses = self._pauses(now_us)  # first: an interpreter that has ended is let go of with its last row
        self._tell_collectors(self._collector_rows(now_us), pauses, now_us)

    def _collector_rows(self, now_us: int) -> list[Any]:
        rows = []
        for watched, reader in self._read():
            try:
                rows += reader.collectors.take_totals()
            except AddressSpaceGone:
                self._lost(watched, now_us)
        return rows

    def _pauses(self, now_us: int) -> list[Any]:
        return [pause for _, reader in self._read() for pause in reader.collectors.take_pauses(now_us)]

    def _tell_collectors(self, rows: list[Any], pauses: list[Any], now_us: int) -> None:
        if rows or pauses:
            self._emit(Collector(now_us, rows, pauses))

    def _tell(self, watched: Watched) -> None:
        watched.told = True
        self._emit(watched.announced)

    def _announce(self, watched: Watched, reader: Reader, now_us: int) -> None:
        watched.announced = self._process(watched, now_us)
        self._tell(watched)
        self._name(reader, now_us, in_full=True)

    def _name(self, reader: Reader, now_us: int, in_full: bool = False) -> None:
        threads, gils = reader.take_names(now_us, in_full)
        self._emit(Names(now_us, threads=threads, gils=gils))

    def _rename(self, now_us: int) -> None:
        """Tells again of lanes whose names are found to be others than they were."""
        threads = []
        for watched, reader in self._read():
            try:
                threads += reader.renamed(now_us)
            except AddressSpaceGone:
                self._lost(watched, now_us)
        if threads:
            self._emit(Names(now_us, threads=threads))

    def _tell_loops(self, taken: list[Taken], now_us: int) -> None:
        loops, lags, steps = ([row for rows in taken for row in rows[each]] for each in range(3))
        if loops or lags or steps:
            self._tell_vocabulary(now_us)
            self._emit(Loops(now_us, loops, lags, steps))

    def _tell_vocabulary(self, now_us: int) -> None:
        named = self._vocabulary.take(now_us)
        if named is not None:
            self._emit(named)

    def _tell_looks(self, now_us: int) -> None:
        self._tell_vocabulary(now_us)
        if self._looks:
            self._emit(Stacks(self._looks))
            self._looks = []
        if self._blocked:
            self._emit(Blocked(self._blocked))
            self._blocked = []

    def _review(self, watched: Watched, reader: Reader, now_us: int) -> None:
        """Tells again of a process whose switch interval was changed, or its GIL switched on or off."""
        try:
            reader.sampler.review(now_us)
        except AddressSpaceGone:
            self._lost(watched, now_us)
            return
        if self._process(watched, now_us) != replace(watched.announced, at_us=now_us):
            self._announce(watched, reader, now_us)

    def _process(self, watched: Watched, now_us: int, gone: bool = False) -> Process:
        if watched.reader is None:
            return replace(watched.announced, at_us=now_us, gone=gone)
        if not gone and now_us - watched.asked_us >= _ASK_US:
            watched.asked_us = now_us
            watched.cpus, watched.thread_pools = cpus.cpus(watched.pid), cpus.thread_pools(watched.pid)
        facts = watched.reader.facts(self._stacks)
        return Process(
            now_us,
            watched.pid,
            watched.parent,
            watched.command,
            cpus=watched.cpus,
            thread_pools=watched.thread_pools,
            gone=gone,
            **facts,
        )
