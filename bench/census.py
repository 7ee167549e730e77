"""What it costs to tell the types of live objects: CPU, samples, and how much slower the target is.

The target holds objects of some types and then makes and drops small ones, over and over. One observer
watches it for the whole time, and takes a census at the pace at which it always does; a census is pressed
for by nothing, as the heap stays as large as it is. So a pair is a span in which one was taken, and the span
right after it, in which none was: the observer rests a hundred times as long as one took. Samples and
operations are those of the slices in which it read, and of as many after it.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.model.frames import Frame, Types
from bench.observation import Observation, of_process

OBJECTS = 200_000
_COUNT = struct.Struct("=Q")
_TARGET = """
import mmap, sys
class Session:
    def __init__(self, number):
        self.number, self.name = number, f"user {number}"
many = int(sys.argv[1])
held = [Session(number) for number in range(many)], [(number, {number: many}) for number in range(many)]
with open(sys.argv[2], "r+b") as file:
    count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
print("ready", flush=True)
while True:
    for number in range(1_000):
        Session(number)
    count[0] += 1
"""


@dataclass(slots=True)
class CensusCost:
    """The readings of one target: what each cost, and what the samples and the target suffered meanwhile."""

    readings: list[Types] = field(default_factory=list)
    slowdowns: list[float] = field(
        default_factory=list
    )  # operations a second beside a reading, over those in it
    samples: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # by whether it was read
    late: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    failed: int = 0

    def late_share(self, read: bool) -> float:
        """Of the samples in slices in which the objects were read, or of the others."""
        return self.late[read] / max(1, self.samples[read])


@dataclass(slots=True)
class _Slice:
    frame: Frame
    ops: int  # at its end, nearly


def measure(python: str, objects: int, readings: int) -> CensusCost:
    """A target with so many objects of each kind, until so many censuses were taken."""
    cost, slices = CensusCost(), []
    with _target(python, objects) as (pid, count), Observation(of_process(pid)) as observation:
        for message, _ in observation.messages():
            if isinstance(message, Frame):
                slices.append(_Slice(message, _ops(count)))
                last = cost.readings[-1] if cost.readings else None
                if (
                    len(cost.readings) > readings
                    and last is not None
                    and message.start_us > last.at_us + 2 * last.took_us + 1_000_000
                ):
                    break
            elif isinstance(message, Types):
                cost.readings.append(message)
        else:
            raise RuntimeError("The observation ended before the objects were read often enough")
    del cost.readings[0]  # the first looks at each type for the first time, while the observer begins
    _compare(slices, cost)
    return cost


def _compare(slices: list[_Slice], cost: CensusCost) -> None:
    for reading in cost.readings:
        begin_us, end_us = reading.at_us - reading.took_us, reading.at_us
        while_read = _rate(slices, begin_us, end_us)
        beside = _rate(slices, end_us + 500_000, end_us + 500_000 + reading.took_us)
        if while_read and beside:
            cost.slowdowns.append(beside / while_read)
    for each in slices:
        frame = each.frame
        read = any(
            frame.start_us < reading.at_us and frame.end_us > reading.at_us - reading.took_us
            for reading in cost.readings
        )
        cost.samples[read] += frame.samples
        cost.late[read] += frame.late
        cost.failed += frame.failed


def _rate(slices: list[_Slice], begin_us: int, end_us: int) -> float | None:
    """The target's operations a second in the slices of that time; None where there are too few."""
    within = [each for each in slices if each.frame.end_us > begin_us and each.frame.start_us < end_us]
    if len(within) < 2:
        return None
    first, last = within[0], within[-1]
    return (last.ops - first.ops) / ((last.frame.end_us - first.frame.end_us) / 1e6)


def _ops(count: mmap.mmap) -> int:
    value: int = _COUNT.unpack_from(count)[0]
    return value


@contextmanager
def _target(python: str, objects: int) -> Iterator[tuple[int, mmap.mmap]]:
    """A target that stands ready: its pid, and its count of operations."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(_COUNT.size))
        file.flush()
        count = mmap.mmap(file.fileno(), _COUNT.size)
        command = [python, "-c", _TARGET, str(objects), file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                if process.stdout is None or process.stdout.readline() != b"ready\n":
                    raise RuntimeError("The target of the census's benchmark did not start")
                yield process.pid, count
            finally:
                process.kill()
                count.close()
