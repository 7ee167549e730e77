"""A process goes on while it is read: whatever lies there, a reader says that it knows nothing."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from app.probe.cpython.layouts import known
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.pools.limiter import Limiters
from app.probe.cpython.pools.simple_queue import SimpleQueues
from app.probe.cpython.stacks import StackReader
from app.probe.cpython.survey import Inconsistent, survey
from app.probe.kernel.memory import ProcessMemory, Unmapped

TRIES = 300
SMALL = (0, 1, 2, 5, 255, 4096)
# Bytes of a co_linetable that say more than others: entries with a signed number, and numbers that go on.
TELLING = (0, 1, 8, 0x7F, 0xE8, 0xF0, 0xFF)


class Torn(ProcessMemory):
    """Whatever is read is anything at all, or not there."""

    def __init__(self, seed: int) -> None:
        self.pid = self.fd = -1
        self._random = random.Random(seed)

    def read(self, address: int, size: int) -> bytes:
        chosen = self._random
        if not 0 <= size <= 1 << 24 or chosen.random() < 0.02:
            raise Unmapped(hex(address))
        if size == 8 and chosen.random() < 0.3:
            return chosen.choice(SMALL).to_bytes(8, "little")
        return bytes(chosen.choices(TELLING, k=size)) if chosen.random() < 0.5 else chosen.randbytes(size)


@pytest.mark.parametrize("layout", known().values(), ids=lambda layout: str(layout.version))
def test_what_is_torn_is_refused_and_breaks_nothing(layout: Any) -> None:
    memory = Torn(1)
    runtime = SimpleNamespace(layout=layout, memory=memory)
    objects, stacks = ObjectReader(memory, layout), StackReader(runtime)  # type: ignore[arg-type]
    objects._str_type = memory.u64(0)
    queues, limiters = SimpleQueues(memory, layout), Limiters(memory, layout)
    readings = (
        queues.is_one,
        queues.length,
        lambda address: limiters.line(address, address),
        limiters.waiting,
        objects.text,
        objects.entries,
        lambda address: objects.attribute(address, b"_name"),
        lambda address: stacks.locate(stacks.copy(address)),
        lambda address: stacks.locate([(address, address + 200, 0, address)]),
        lambda address: survey(memory, address, layout),
    )
    told = 0
    for address in range(4096, 4096 + 8 * TRIES, 8):
        for read in readings:
            try:
                read(address)
            except (Inconsistent, Unmapped):
                continue
            told += 1
    assert told < TRIES * len(readings) / 2
