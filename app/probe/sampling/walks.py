"""When each process's mappings are walked, and what is told of them.

A process is walked when it is first seen, and then once a second, or so much more rarely that all walks
together take a hundredth of a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Callable

from app.model.frames import Memory as MemoryMessage
from app.model.frames import Message
from app.probe.kernel.mappings import Walk, walk
from app.probe.kernel.memory import AddressSpaceGone, Range, Unmapped

from .sampler import Sampler
from .slow import Cost, SlowReads

_PERIOD_US = 1_000_000
_REST = 100  # times the CPU that a walk took, between two


@dataclass
class _Walked:
    """A process: the walk that is in hand, or when the next one is due."""

    due_us: int
    in_hand: bool = False


class Walks:
    """The walks of all processes of a run."""

    def __init__(self, emit: Callable[[Message], None], slow: SlowReads) -> None:
        self._emit, self._slow = emit, slow
        self._walked: dict[int, _Walked] = {}

    def begin(self, pid: int, sampler: Sampler | None, arenas: Iterable[Range] | None, now_us: int) -> None:
        """Begins a walk of the process if one is due. A `sampler` tells that it is a CPython."""
        walked = self._walked.setdefault(pid, _Walked(now_us))
        if walked.in_hand or now_us < walked.due_us:
            return
        walked.in_hand = True
        memory = sampler.runtime.memory if sampler is not None else None
        threads = _threads(sampler) if sampler is not None else ()  # asked when the mappings have been seen
        self._slow.begin(walk(pid, memory, threads, arenas), partial(self._done, pid, walked, now_us))

    def forget(self, pid: int) -> None:
        """The process is gone."""
        self._walked.pop(pid, None)

    def _done(self, pid: int, walked: _Walked, began_us: int, found: Walk | None, cost: Cost) -> None:
        walked.in_hand = False
        walked.due_us = began_us + max(_PERIOD_US, cost.cpu_us * _REST * len(self._walked))
        if found is None or pid not in self._walked:
            return
        at_us = began_us + cost.took_us
        sizes = found.rss, found.uss, found.pss, found.swap, found.shared
        self._emit(MemoryMessage(at_us, pid, *sizes, found.kinds))


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
