"""The pools of threads of one process: found among its threads, looked at, and told of.

The stack of each thread is walked once, some time after it is met, and again only where that failed: a worker
runs its pool's function for as long as it lives. A look costs one read for each worker and one or two for the
queue, some four times a second; nothing where there is no pool.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from app.model.states import LOCK
from app.probe.cpython.frame_words import Lost
from app.probe.cpython.layouts import TSTATE_INTERP
from app.probe.cpython.numbered import NumberedStacks
from app.probe.cpython.pools.limiter import Limiters
from app.probe.cpython.pools.simple_queue import SimpleQueues
from app.probe.cpython.pools.workers import PoolWorker, kind_of
from app.probe.cpython.stacks import MAX_DEPTH
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import Unmapped

from .looks import Moments
from .roster import Roster
from .tracks import Lane
from .walks import AT_A_TIME, PERIOD_US, Walks

LOOKS_HZ = 4.0
MOST = 256  # workers of a process that are looked at: some 2 us each
_FIRST_US = 100_000  # from when a thread is first seen until its stack is walked, and twice as long each time
_TRIES = 8  # walks of one thread: its stack could not be read, or was too deep to be read whole
_NEVER = 1 << 62
_OUTER = 8  # frames from the outermost, among which a pool's function is
_NUMBER = re.compile(r"[-_ ]*\d*$")  # at the end of a worker's name

Row = list[Any]


class _Worker:
    """A thread of a pool."""

    __slots__ = ("frame", "item", "lane", "state", "waited")

    def __init__(self, lane: Lane, frame: PoolWorker, state: int) -> None:
        self.lane, self.frame = lane, frame
        self.state = state  # PyThreadState *
        self.item = -1  # what it worked at in the look before, 0 for nothing; -1 before the first
        self.waited: tuple[int, bool] | None = None  # (when the thread came into a wait, whether for work)


class _Pool:
    """Workers that share a queue. It has the number of its first worker's lane, which no other ever has."""

    def __init__(self, number: int, kind: str, queue: int, interpreter: int) -> None:
        self.number, self.kind, self.queue, self.interpreter = number, kind, queue, interpreter
        self.workers: list[_Worker] = []
        self.readable: bool | None = None  # whether what waits can be counted; None while that is not known
        self.line = 0  # of anyio: the dict of those that wait
        self.looks: list[Row] = []
        self._name = ""

    @property
    def name(self) -> str:
        """What the names of its threads have in common; the kernel knows no more than their beginning."""
        common = self._common()
        if not self._name.startswith(common):
            self._name = common
        return self._name or self.kind

    def _common(self) -> str:
        """Without the numbers at the end; "" where there is nothing."""
        names = [_NUMBER.sub("", worker.lane.name) for worker in self.workers if worker.lane.name]
        if not names:
            return ""
        common, last = min(names), max(names)
        if common == last:
            return common
        while not last.startswith(common):
            common = common[:-1]
        return _NUMBER.sub("", common)


class ThreadPools:
    """The pools of one process. `clock_us` tells the time from the run's origin."""

    def __init__(self, roster: Roster, stacks: NumberedStacks, clock_us: Callable[[], int]) -> None:
        self._roster, self._stacks, self._clock_us = roster, stacks, clock_us
        self._memory, self._layout = roster.runtime.memory, roster.runtime.layout
        self._queues = SimpleQueues(self._memory, self._layout)
        self._limiters = Limiters(self._memory, self._layout)
        self._moments = Moments(LOOKS_HZ)
        self._pools: dict[tuple[str, int], _Pool] = {}
        self._left: list[_Pool] = []  # that have ended, with looks that are not told yet
        self._walks = Walks(roster)
        self._search_us = _NEVER  # when threads are searched next
        self._next_us = _NEVER  # before then nothing is to be done

    def meet(self, lanes: list[Lane], now_us: int) -> None:
        """Takes in new threads: any may be a worker."""
        for lane in lanes:
            self._walks.add(lane, _FIRST_US, now_us + _FIRST_US)
        if lanes:
            self._search_us = min(self._search_us, now_us + _FIRST_US)
            self._next_us = min(self._next_us, self._search_us)

    def sample(self, now_us: int) -> None:
        """Searches and looks where that is due; AddressSpaceGone."""
        if now_us < self._next_us:
            return
        if now_us >= self._search_us:
            self._search(now_us)
            next_us = self._walks.next_us
            self._search_us = _NEVER if next_us is None else max(now_us + PERIOD_US, next_us)
        if self._pools and self._moments.due(now_us, 1.0):
            for pool in [*self._pools.values()]:
                self._look(pool, now_us)
        self._next_us = min(self._search_us, self._moments.due_us) if self._pools else self._search_us

    def take(self) -> tuple[list[Row], list[Row]]:
        """(pools, looks) of a pools message, since the last call."""
        told = [pool for pool in (*self._left, *self._pools.values()) if pool.looks]
        self._left = []
        looks = [look for pool in told for look in pool.looks]
        for pool in told:
            pool.looks = []
        return [[pool.number, self._memory.pid, pool.kind, pool.name] for pool in told], looks

    # ---- looking

    def _look(self, pool: _Pool, now_us: int) -> None:
        """One look at all workers of a pool, and at what waits for them."""
        states: Counter[int] = Counter()
        begun = 0
        gone: list[_Worker] = []
        for worker in pool.workers:
            lane = worker.lane
            try:
                if self._roster.lanes.get(lane.tid) is not lane:
                    raise Lost
                item = worker.frame.item()
            except Lost:
                gone.append(worker)
                continue
            if item and pool.kind == "anyio" and self._waits_for_work(worker):
                item = 0
            if item:
                states[lane.state] += 1
                begun += worker.item not in (-1, item)
            worker.item = item
        if gone:
            self._drop(pool, gone, now_us)
        if pool.workers:
            waiting = self._waiting(pool)
            pool.looks.append(
                [
                    self._clock_us(),  # on a busy machine a look may be later than its beat
                    pool.number,
                    len(pool.workers),
                    sum(states.values()),
                    waiting,
                    begun,
                    [number for pair in sorted(states.items()) for number in pair],
                ]
            )

    def _waits_for_work(self, worker: _Worker) -> bool:
        """Whether a worker of anyio waits, though it has an item: before 4.9 or so it kept the last one.

        Its stack is walked for that, once for each time that its thread came to wait for a lock.
        """
        lane = worker.lane
        if lane.state != LOCK:
            return False
        if worker.waited is None or worker.waited[0] != lane.entered:
            try:
                frames = self._stacks.reader.copy(worker.state)
                names = [self._stacks.reader.code(frame[0]).function[0] for frame in frames]
            except (Inconsistent, Unmapped):
                return False
            run = names.index("WorkerThread.run") if "WorkerThread.run" in names else 0
            worker.waited = lane.entered, run > 0 and names[run - 1] == "Queue.get"
        return worker.waited[1]

    def _waiting(self, pool: _Pool) -> int | None:
        if pool.readable is None:
            self._judge(pool)
        if not pool.readable:
            return None
        return self._limiters.waiting(pool.line) if pool.line else self._queues.length(pool.queue)

    def _judge(self, pool: _Pool) -> None:
        """Whether what waits for a pool can be counted, and where."""
        if pool.kind == "anyio":
            pool.line = self._limiters.line(pool.interpreter, pool.queue) or 0
            pool.readable = bool(pool.line)
            return
        try:
            pool.readable = self._queues.is_one(pool.queue)
        except Unmapped:
            pool.readable = False

    def _drop(self, pool: _Pool, gone: list[_Worker], now_us: int) -> None:
        """Their threads have ended, or run something else by now."""
        pool.workers = [worker for worker in pool.workers if worker not in gone]
        self.meet([worker.lane for worker in gone], now_us)
        if not pool.workers:
            del self._pools[pool.kind, pool.queue]
            self._left.append(pool)

    # ---- finding them

    def _search(self, now_us: int) -> None:
        """Walks the stacks of some threads whose turn it is."""
        self._stacks.refresh(now_us)
        for lane, delay in itertools.islice(self._walks.due(now_us), AT_A_TIME):
            if not self._found(lane) and delay < _FIRST_US << _TRIES:
                self._walks.add(lane, 2 * delay, now_us + 2 * delay)

    def _found(self, lane: Lane) -> bool:
        """Whether it is known now if it is a worker: it is among its pool's then."""
        known = False
        for state in lane.states:
            try:
                frames = self._stacks.reader.copy(state.address)
                for frame in frames[-_OUTER:]:
                    name, file, _ = self._stacks.reader.code(frame[0]).function
                    kind = kind_of(name, file)
                    if kind is not None:
                        worker = PoolWorker(self._memory, self._layout, self._stacks.reader, frame, kind)
                        interpreter = self._memory.u64(state.address + TSTATE_INTERP)
                        self._take_in(_Worker(lane, worker, state.address), interpreter)
                        return True
            except (Inconsistent, Unmapped, Lost):
                continue
            known = known or 0 < len(frames) < MAX_DEPTH
        return known

    def _take_in(self, worker: _Worker, interpreter: int) -> None:
        if sum(len(pool.workers) for pool in self._pools.values()) >= MOST:
            return
        key = worker.frame.kind, worker.frame.queue
        if key not in self._pools:
            self._pools[key] = _Pool(worker.lane.number, *key, interpreter)
        self._pools[key].workers.append(worker)
