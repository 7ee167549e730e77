"""A walk of a process's mappings, and a reading of its C library's heap right after.

So both are of nearly the same instant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Callable

from app.model.errors import GilscopeError
from app.model.frames import CLibrary, Memory
from app.probe.cpython.runtime import NotYet
from app.probe.kernel.mappings import Walk, walk
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped
from app.probe.kernel.unmapped import unmapped
from app.probe.libc.heap import LibraryReader, LibraryReading
from app.probe.processes.watched import Watched
from app.probe.sampling.sampler import Sampler
from app.probe.sampling.slow import Cost, Steps

from .read import Parts, SeldomRead

_HEAP_LIMIT_US = 20_000_000  # for the first reading of Python's heap: where there are many it takes its time

# After that the last walk is out of date.
_MOVED_BYTES = 4 << 20
_MOVED_SHARE = 0.1

# And after that it was read in the middle of a change: a reading that may be off by so much.
_OFF_BYTES = 1 << 20
_OFF_SHARE = 0.05  # of what is free

Arenas = Callable[[], "Iterable[Range] | None"]


class MemoryRead(SeldomRead):
    """Of one process."""

    def __init__(self, process: Watched) -> None:
        super().__init__(process)
        self._library: tuple[ProcessMemory, LibraryReader] | None = None
        self._own = 0  # bytes that it had to itself at the last walk
        self._is_off = False  # the C library's heap changed while it was read,
        self._was_off = False  # and the time before too: a program that is always at work
        self._unmapped: list[int] | None = None  # of shared memory: bytes, files

    def is_ready(self, now_us: int) -> bool:
        """The first waits for the heap's first reading, which tells where Python's arenas are.

        Meanwhile the sums alone are told (rollup.py).
        """
        process, reader = self.process, self.process.reader
        if now_us - process.since_us > _HEAP_LIMIT_US:
            return True
        if reader is None:
            return process.why is not None and not isinstance(process.why, NotYet)
        return reader.heaps.is_known

    def is_pressing(self) -> bool:
        """It has so much more to itself, or less, or was in the middle of such a change when it was read.

        What is freed within the C library's heap changes no size that the kernel tells.
        """
        if self._is_off and not self._was_off:
            return True
        return abs(self.process.own - self._own) > max(_MOVED_BYTES, _MOVED_SHARE * self._own)

    def parts(self) -> Parts:
        """Both, by the memory that the sampler has open, or by one that is opened for this."""
        reader = self.process.reader
        if reader is not None:
            sampler = reader.sampler
            threads = _threads(sampler)  # asked when the mappings have been seen
            yield from self._read(sampler.runtime.memory, threads, reader.heaps.known_arenas)
            return
        try:
            memory = ProcessMemory(self.process.pid)
        except GilscopeError:
            yield from self._read(None, (), lambda: None)
            return
        try:
            yield from self._read(memory, (), lambda: None)
        finally:
            memory.close()

    def _read(self, memory: ProcessMemory | None, threads: Iterable[int], arenas: Arenas) -> Parts:
        yield self._walk(walk(self.process.pid, memory, threads, arenas)), self._walked
        if memory is None:
            return
        if self._library is None or self._library[0] is not memory:
            self._library = memory, LibraryReader(memory)
        yield self._library[1].read(), self._library_read

    def _walk(self, steps: Steps) -> Steps:
        found = yield from steps
        if self.process.parent is None:  # it speaks for those below it too
            files = yield from unmapped(self.process.pid)
            self._unmapped = [sum(files.values()), len(files)]
        return found

    def _walked(self, found: Walk, at_us: int, cost: Cost) -> Memory:
        self.process.own = self._own = found.uss
        sizes = found.rss, found.uss, found.pss, found.swap, found.shared
        return Memory(
            at_us,
            self.process.pid,
            *sizes,
            found.kinds,
            found.huge,
            found.huge_waste,
            found.largest,
            found.dirty,
            self._unmapped,
        )

    def _library_read(self, found: LibraryReading, at_us: int, cost: Cost) -> CLibrary:
        self._was_off = self._is_off
        self._is_off = found.moved > max(_OFF_BYTES, _OFF_SHARE * (found.free or 0))
        return CLibrary(at_us, self.process.pid, cost.took_us, cost.cpu_us, **vars(found))


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
