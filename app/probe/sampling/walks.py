"""When each process's mappings are walked and its C library's heap is read, and what is told of them.

A process is walked when it is first seen, and then once a second, or so much more rarely that all of it
together takes a hundredth of a CPU. The heap of its C library is read right after, so that both are of nearly
the same instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Callable

from app.model.errors import GilscopeError
from app.model.frames import CLibrary, Message
from app.model.frames import Memory as MemoryMessage
from app.probe.kernel.mappings import Walk, walk
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from app.probe.libc.heap import LibraryReader, LibraryReading

from .sampler import Sampler
from .slow import Cost, SlowReads

_PERIOD_US = 1_000_000
_REST = 100  # times the CPU that a walk took, between two

Arenas = Callable[[], "Iterable[Range] | None"]


@dataclass
class _Walked:
    """A process: the walk that is in hand, or when the next one is due."""

    due_us: int
    in_hand: bool = False
    began_us: int = 0
    walk_cost: Cost = field(default_factory=lambda: Cost(0, 0))
    memory: ProcessMemory | None = None
    is_own: bool = False  # the memory was opened for this walk
    reader: LibraryReader | None = None


class Walks:
    """The walks of all processes of a run."""

    def __init__(self, emit: Callable[[Message], None], slow: SlowReads) -> None:
        self._emit, self._slow = emit, slow
        self._walked: dict[int, _Walked] = {}

    def begin(self, pid: int, sampler: Sampler | None, arenas: Arenas, now_us: int) -> None:
        """Begins a walk of the process if one is due. A `sampler` tells that it is a CPython."""
        walked = self._walked.setdefault(pid, _Walked(now_us))
        if walked.in_hand or now_us < walked.due_us:
            return
        walked.in_hand, walked.began_us = True, now_us
        self._open(walked, pid, sampler)
        threads = _threads(sampler) if sampler is not None else ()  # asked when the mappings have been seen
        steps = walk(pid, walked.memory, threads, arenas)
        self._slow.begin(steps, partial(self._walked_through, pid, walked))

    def forget(self, pid: int) -> None:
        """The process is gone."""
        walked = self._walked.pop(pid, None)
        if walked is not None and not walked.in_hand:
            _close(walked)

    def _open(self, walked: _Walked, pid: int, sampler: Sampler | None) -> None:
        """Its memory: the sampler's, or one of its own for as long as this walk takes."""
        if sampler is not None:
            memory = sampler.runtime.memory
        else:
            try:
                memory = ProcessMemory(pid)
            except GilscopeError:
                walked.memory = walked.reader = None
                return
        walked.is_own = sampler is None
        if walked.memory is not memory:
            walked.memory, walked.reader = memory, LibraryReader(memory)

    def _walked_through(self, pid: int, walked: _Walked, found: Walk | None, cost: Cost) -> None:
        walked.walk_cost = cost
        if found is not None and pid in self._walked:
            sizes = found.rss, found.uss, found.pss, found.swap, found.shared
            at_us, huge = walked.began_us + cost.took_us, (found.huge, found.huge_waste)
            self._emit(MemoryMessage(at_us, pid, *sizes, found.kinds, *huge, found.largest))
            if walked.reader is not None:
                self._slow.begin(walked.reader.read(), partial(self._read_through, pid, walked))
                return
        self._end(walked, cost)

    def _read_through(self, pid: int, walked: _Walked, found: LibraryReading | None, cost: Cost) -> None:
        if found is not None and pid in self._walked:
            at_us = walked.began_us + walked.walk_cost.took_us + cost.took_us
            self._emit(CLibrary(at_us, pid, cost.took_us, cost.cpu_us, **vars(found)))
        self._end(walked, Cost(0, walked.walk_cost.cpu_us + cost.cpu_us))

    def _end(self, walked: _Walked, cost: Cost) -> None:
        walked.in_hand = False
        walked.due_us = walked.began_us + max(_PERIOD_US, cost.cpu_us * _REST * len(self._walked))
        _close(walked)


def _close(walked: _Walked) -> None:
    if walked.is_own and walked.memory is not None:
        walked.memory.close()
        walked.memory = walked.reader = None
        walked.is_own = False


def _threads(sampler: Sampler) -> Iterator[int]:
    """The pthread_t of each thread that has a stack of its own; the main thread's is the kernel's."""
    thread_id = sampler.runtime.layout.thread_state.thread_id
    for lane in sampler.roster.lanes.values():
        if lane.tid == sampler.pid or not lane.states:
            continue
        try:
            yield sampler.runtime.memory.u64(lane.states[0].address + thread_id)
        except (AddressSpaceGone, Unmapped):
            continue  # it has just ended
