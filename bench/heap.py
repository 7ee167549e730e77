"""What reading a heap costs, and how much slower a target is for it that maps and unmaps memory meanwhile.

The target holds blocks of every size, and then maps a megabyte, touches it and unmaps it, over and over:
mapping needs the lock of the address space that the reader takes too. One observer watches it for the whole
time. In spans in random order somebody looks at the heap map, so that it is read once a second, or nobody
does.
"""

from __future__ import annotations

import mmap
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.model.commands import LookAtHeap, encode
from app.model.frames import Frame, Heap
from bench.counting import counting, operations
from bench.observation import Observation, of_process

GIB = 1 << 30
_TARGET = """
import mmap, random, struct, sys
dice = random.Random(1)
held, size = [], 0
while size < int(sys.argv[1]):
    held.append(bytes(dice.randrange(470)))
    size += sys.getsizeof(held[-1])
with open(sys.argv[2], "r+b") as file:
    count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
print("ready", flush=True)
while True:
    part = mmap.mmap(-1, 1 << 20)
    part[::4096] = bytes(256)
    part.close()
    count[0] += 1
"""


@dataclass(slots=True)
class HeapCost:
    """The readings of one target, and the ratio of each pair of spans."""

    readings: list[Heap] = field(default_factory=list)
    slowdowns: list[float] = field(default_factory=list)  # operations a second not read, over those read
    late: dict[bool, list[float]] = field(
        default_factory=lambda: {True: [], False: []}
    )  # shares, by looked at


@dataclass(slots=True)
class _Span:
    begin_us: int
    begin_ops: int
    samples: int = 0
    late: int = 0


def measure(python: str, size: int, pairs: int, span_s: float, dice: random.Random) -> HeapCost:
    """A target that holds `size` bytes, for as many pairs of spans."""
    cost = HeapCost()
    with counting(python, _TARGET, size) as (pid, count), Observation(of_process(pid)) as observation:
        messages = (message for message, _ in observation.messages())
        for _ in range(pairs):
            rates = {}
            for looked_at in dice.sample([True, False], 2):
                observation.say(encode(LookAtHeap(looked_at)))
                rates[looked_at] = _watch(messages, count, span_s, looked_at, cost)
            cost.slowdowns.append(rates[False] / rates[True])
    return cost


def _watch(
    messages: Iterator[object], count: mmap.mmap, span_s: float, looked_at: bool, cost: HeapCost
) -> float:
    """The target's operations a second in the next span."""
    span = None
    for message in messages:
        if isinstance(message, Heap) and message.mapped:
            cost.readings.append(message)
        if not isinstance(message, Frame):
            continue
        if span is None:
            span = _Span(message.end_us, operations(count))
            continue
        span.samples += message.samples
        span.late += message.late
        if message.end_us - span.begin_us >= span_s * 1e6:
            cost.late[looked_at].append(span.late / span.samples)
            return (operations(count) - span.begin_ops) / ((message.end_us - span.begin_us) / 1e6)
    raise RuntimeError("The observation ended before it could be measured")
