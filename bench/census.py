"""What it costs to tell the types of live objects: CPU, samples, and how much slower the target is.

The target holds objects of some types and then makes and drops small ones, over and over. One observer
watches it for the whole time, and takes a census at the pace at which it always does; a census is pressed
for by nothing, as the heap stays as large as it is. So a pair is a span in which one was taken, and the span
right after it, in which none was: the observer rests a hundred times as long as one took. Samples and
operations are those of the slices in which it read, and of as many after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.model.frames import Frame, Types
from bench.counting import SampleCost, counting, operations
from bench.observation import Observation, of_process

OBJECTS = 200_000
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
class CensusCost(SampleCost):
    """The readings of one target: what each cost, and what the samples and the target suffered meanwhile."""

    readings: list[Types] = field(default_factory=list)
    slowdowns: list[float] = field(
        default_factory=list
    )  # operations a second beside a reading, over those in it


@dataclass(slots=True)
class _Slice:
    frame: Frame
    ops: int  # at its end, nearly


def measure(python: str, objects: int, readings: int) -> CensusCost:
    """A target with so many objects of each kind, until so many censuses were taken."""
    cost, slices = CensusCost(), []
    with counting(python, _TARGET, objects) as (pid, count), Observation(of_process(pid)) as observation:
        for message, _ in observation.messages():
            if isinstance(message, Frame):
                slices.append(_Slice(message, operations(count)))
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
    cost.take([each.frame for each in slices], cost.readings)


def _rate(slices: list[_Slice], begin_us: int, end_us: int) -> float | None:
    """The target's operations a second in the slices of that time; None where there are too few."""
    within = [each for each in slices if each.frame.end_us > begin_us and each.frame.start_us < end_us]
    if len(within) < 2:
        return None
    first, last = within[0], within[-1]
    return (last.ops - first.ops) / ((last.frame.end_us - first.frame.end_us) / 1e6)
