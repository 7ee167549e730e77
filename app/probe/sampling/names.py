"""Python's own names of threads: `threading._active`, which maps a thread's ident to its Thread.

The kernel's name is the program's on every thread before CPython 3.14, and later only what the thread was
called as it started. What `threading` says is right in every version; but it comes a moment after the thread,
it changes when the program renames one, and some threads it has never heard of. So each thread is asked for
when it appears, more and more seldom while the answer is none, and once a second ever after.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools

from app.probe.cpython.layouts import TSTATE_INTERP
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel import procfs
from app.probe.kernel.memory import AddressSpaceGone, Unmapped

from .roster import Roster
from .tracks import Lane

_FIRST_US = 20_000  # a thread enters itself in `_active` as soon as it first gets the GIL
_PERIOD_US = 1_000_000
# A name takes some 40 us, and the next sample waits for all that are asked for: of threads that have none
# yet, then of those that may have been given another.
_NEW_AT_A_TIME, _OLD_AT_A_TIME = 8, 4
_MAIN = "MainThread"

Queue = list[tuple[int, int, int, Lane]]  # a heap: when to ask, order, after how long again, lane


class Naming:
    """The names of one process's threads, kept current a few at a time."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._threading = _Threading(roster)
        self._order = itertools.count()  # so that the queue never has to compare two lanes
        self._unnamed: Queue = []
        self._named: Queue = []

    def name(self, new: list[Lane], entered: list[Lane], now_us: int, in_full: bool) -> list[Lane]:
        """Gives new lanes the kernel's names, and Python's if `in_full`; else `renamed` finds those out.

        `entered` are those that have come to Python; no other is asked for. The lanes to tell of: both, and
        what was found renamed on the way.
        """
        for lane in new:
            lane.name = _kernels_name(self._roster.pid, lane.tid)
        for lane in entered:
            heapq.heappush(self._unnamed, (now_us, next(self._order), _FIRST_US, lane))
        told = dict.fromkeys([*new, *(lane for lane in entered if self._lives(lane))])
        if in_full:
            with contextlib.suppress(AddressSpaceGone):  # the next sample finds that, and tells
                told.update(dict.fromkeys(self.renamed(now_us, in_full=True)))
        return list(told)

    def _lives(self, lane: Lane) -> bool:
        return self._roster.lanes.get(lane.tid) is lane

    def renamed(self, now_us: int, in_full: bool = False) -> list[Lane]:
        """The lanes whose names are found to be other than they were; AddressSpaceGone.

        Of those that are due some, or all of them `in_full`; those that have no name yet do not wait.
        """
        self._threading.forget()
        changed = self._ask(self._unnamed, len(self._unnamed) if in_full else _NEW_AT_A_TIME, now_us)
        return changed + self._ask(self._named, len(self._named) if in_full else _OLD_AT_A_TIME, now_us)

    def _ask(self, queue: Queue, at_most: int, now_us: int) -> list[Lane]:
        changed = []
        asked = 0
        while asked < at_most and queue and queue[0][0] <= now_us:
            _, _, delay, lane = heapq.heappop(queue)
            if not self._lives(lane):
                continue  # it has ended; of these there can be thousands between two calls
            asked += 1
            name = self._threading.name_of(lane)
            delay = _PERIOD_US if name else min(delay * 2, _PERIOD_US)
            into = self._named if name or queue is self._named else self._unnamed
            heapq.heappush(into, (now_us + delay, next(self._order), delay, lane))
            if name and name != lane.name:
                lane.name = name
                changed.append(lane)
        return changed


class _Threading:
    """What the `threading` modules of a process's interpreters know."""

    def __init__(self, roster: Roster) -> None:
        layout, self._memory = roster.runtime.layout, roster.runtime.memory
        self._objects = ObjectReader(self._memory, layout)
        self._ident, self._modules = layout.thread_state.thread_id, layout.interpreter_state.imports_modules
        self._active: dict[int, int] = {}  # the dict, by interpreter: the module never makes another
        self._idents: dict[int, dict[int, int]] = {}  # {ident: Thread}, by interpreter
        self._main = roster.pid

    def forget(self) -> None:
        """Reads `_active` anew when it is next needed."""
        self._idents.clear()

    def name_of(self, lane: Lane) -> str | None:
        """None where `threading` does not know the thread, or not yet."""
        for state in lane.states:
            try:
                name = self._read(state.address)
            except (Inconsistent, Unmapped):
                continue
            if name:
                return "main" if name == _MAIN and lane.tid == self._main else name
        return None

    def _read(self, state: int) -> str | None:
        interp = self._memory.u64(state + TSTATE_INTERP)
        if interp not in self._idents:
            self._idents[interp] = {}  # where reading it fails, it is not tried for each thread
            self._idents[interp] = self._read_active(interp)
        thread = self._idents[interp].get(self._memory.u64(state + self._ident))
        name = thread and self._objects.attribute(thread, b"_name")
        return self._objects.text(name) if name else None

    def _read_active(self, interp: int) -> dict[int, int]:
        active = self._active.pop(interp, None) or self._find_active(interp)
        if active is None:
            return {}
        # The hash of an int below 2 ** 61 is the int itself, and a table whose keys are no str keeps it.
        threads = {ident: thread for ident, _, thread in self._objects.entries(active)}
        self._active[interp] = active
        return threads

    def _find_active(self, interp: int) -> int | None:
        module = self._objects.item(self._memory.u64(interp + self._modules), b"threading")
        return self._objects.module_attribute(module, b"_active") if module else None


def _kernels_name(pid: int, tid: int) -> str:
    """The kernel's name where the program gave one; else the main thread is main, and others their tid.

    A process's main thread is named after its program, and so is every other thread before CPython 3.14.
    """
    name = procfs.thread_name(pid, tid)
    if tid == pid:
        return "main" if name.startswith("python") else name
    return name if name and name != procfs.thread_name(pid, pid) else f"thread {tid}"
