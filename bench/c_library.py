"""What reading the C library's heap costs: a gibibyte in two hundred arenas, and no sample lost.

Each arena's thread has ended, and half of its blocks, by chance, are free: so there are tens of thousands of
free chunks, none of which lies beside another. The target then sleeps and wakes a thousand times a second, so
that there is something to sample.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.model.frames import CLibrary, Frame
from bench.observation import Observation, of_process

ARENAS = 200
BLOCKS = 540  # of some 10 KB in each, 5 MiB
_TARGET = """
import ctypes, random, sys, threading, time
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
print("ready", flush=True)
while True: time.sleep(0.001)
"""


@dataclass(slots=True)
class LibraryCost:
    """The readings of one target, and what the samples were worth meanwhile."""

    readings: list[CLibrary] = field(default_factory=list)
    samples: int = 0
    late: int = 0
    failed: int = 0


def measure(python: str, arenas: int, readings: int) -> LibraryCost:
    """A target with so many arenas, until it was read so often after the first time."""
    cost = LibraryCost()
    with _target(python, arenas) as pid, Observation(of_process(pid)) as observation:
        for message, _ in observation.messages():
            if isinstance(message, CLibrary):
                cost.readings.append(message)
            if isinstance(message, Frame):
                cost.samples += message.samples
                cost.late += message.late
                cost.failed += message.failed
            if len(cost.readings) > readings:
                del cost.readings[0]  # it looked for the main arena first
                return cost
    raise RuntimeError("The observation ended before the C library's heap was read often enough")


@contextmanager
def _target(python: str, arenas: int) -> Iterator[int]:
    command = [python, "-c", _TARGET, str(arenas), str(BLOCKS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise RuntimeError("The target of the C library's benchmark did not start")
            yield process.pid
        finally:
            process.kill()
