"""What reading the C library's heap costs: a gibibyte in two hundred arenas, and no sample lost.

Each arena's thread has ended, and half of its blocks, by chance, are free: so there are tens of thousands of
free chunks, none of which lies beside another. The target then maps a megabyte, touches it and unmaps it,
over and over: mapping needs the lock of the address space that the reader takes too.

An observer rests a hundred times as long as a reading took, so that few are seen in a minute. What one costs
is therefore measured by the reader itself, one reading after the other, in spans in random order with others
in which nothing is read. How many samples are late is told by an observer, of the slices in which it read and
of all others.
"""

from __future__ import annotations

import mmap
import random
import time
from dataclasses import dataclass, field

from app.model.frames import CLibrary, Frame
from app.probe.kernel.memory import ProcessMemory
from app.probe.libc.heap import LibraryReader, LibraryReading
from app.probe.sampling.slow import finished
from bench.counting import SampleCost, counting, operations
from bench.observation import Observation, of_process

ARENAS = 200
BLOCKS = 540  # of some 10 KB in each, 5 MiB
_TARGET = """
import ctypes, mmap, random, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-8, 2 * int(sys.argv[1]))  # M_ARENA_MAX
there = threading.Barrier(int(sys.argv[1]))
def fill(seed):
    dice = random.Random(seed)
    there.wait()
    blocks = [libc.malloc(dice.randrange(4_000, 16_000)) for _ in range(int(sys.argv[2]))]
    for block in blocks: ctypes.memset(block, 1, 4_000)
    there.wait()
    for block in blocks:
        if dice.random() < 0.5: libc.free(block)
threads = [threading.Thread(target=fill, args=(seed,)) for seed in range(int(sys.argv[1]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
with open(sys.argv[3], "r+b") as file:
    count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
print("ready", flush=True)
while True:
    part = mmap.mmap(-1, 1 << 20)
    part[::4096] = bytes(256)
    part.close()
    count[0] += 1
"""


@dataclass(slots=True)
class LibraryCost(SampleCost):
    """The readings of one target: what each cost, and what the target and the samples suffered meanwhile."""

    last: LibraryReading = field(default_factory=lambda: LibraryReading(None))
    cpu_ms: list[float] = field(default_factory=list)
    slowdowns: list[float] = field(default_factory=list)  # operations a second not read, over those read
    observed: list[CLibrary] = field(default_factory=list)


def measure(
    python: str, arenas: int, pairs: int, span_s: float, observed: int, dice: random.Random
) -> LibraryCost:
    """A target with so many arenas: so many pairs of spans, then so many readings of an observer."""
    cost = LibraryCost()
    with counting(python, _TARGET, arenas, BLOCKS) as (pid, count):
        memory = ProcessMemory(pid)
        try:
            reader = LibraryReader(memory)
            finished(reader.read())  # it looks for the main arena first
            for _ in range(pairs):
                rates = {read: _span(reader if read else None, count, span_s, cost) for read in _order(dice)}
                cost.slowdowns.append(rates[False] / rates[True])
        finally:
            memory.close()
        _observe(pid, observed, cost)
    return cost


def _order(dice: random.Random) -> list[bool]:
    return dice.sample([True, False], 2)


def _span(reader: LibraryReader | None, count: mmap.mmap, span_s: float, cost: LibraryCost) -> float:
    """The target's operations a second, while it is read again and again or left alone."""
    ops, begin = operations(count), time.monotonic()
    while time.monotonic() - begin < span_s:
        if reader is None:
            time.sleep(span_s)
            continue
        cpu_s = time.thread_time()
        cost.last = finished(reader.read())
        cost.cpu_ms.append((time.thread_time() - cpu_s) * 1e3)
    return (operations(count) - ops) / (time.monotonic() - begin)


def _observe(pid: int, readings: int, cost: LibraryCost) -> None:
    """What an observer's samples were worth while it read, and while it did not."""
    frames: list[Frame] = []
    with Observation(of_process(pid)) as observation:
        for message, _ in observation.messages():
            if isinstance(message, Frame):
                frames.append(message)
            if isinstance(message, CLibrary):
                cost.observed.append(message)
                if len(cost.observed) == readings:
                    break
        else:
            raise RuntimeError("The observation ended before the C library's heap was read often enough")
    cost.take(frames, cost.observed)
