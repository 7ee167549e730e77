"""What an observer says, on its way in: recorded as it comes, then decoded when its turn is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable

TURN_S = (
    0.005  # what decoding takes at a stretch: whatever else is to be done, reading above all, waits for it
)
PASSES = 3  # of the loop between two turns: in so many what an observer has said is read, recorded and shown
MOST_WAITING = 16 << 20  # characters; then the observer waits

Batch = list[str]
Take = Callable[[str], Iterable[object] | None]


class Intake:
    """Lines come in batches: `record` is called with each at once, `take` once those before it were taken.

    What `take` returns are steps that are due before the next line, as where figures are made; between two of
    them the loop goes round as between two turns.
    `turn` is shared by all runs: one at a time decodes, each in its turn. So a loop that is behind still
    reads what all of them say within milliseconds. What `record` or `take` raise ends it.
    """

    def __init__(self, record: Callable[[Batch], None], take: Take, turn: asyncio.Lock) -> None:
        self._record = record
        self._take = take
        self._turn = turn
        self._waiting: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._size = 0  # of what waits, in characters
        self._room = asyncio.Event()

    async def run(self, batches: AsyncIterator[Batch]) -> None:
        """Until they end, and all were taken."""
        reading = asyncio.create_task(self._read(batches))
        try:
            while (batch := await self._waiting.get()) is not None:
                await self._decode(batch)
                self._size -= _size(batch)
                self._room.set()
            await reading
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self, batches: AsyncIterator[Batch]) -> None:
        try:
            async for batch in batches:
                self._record(batch)
                self._waiting.put_nowait(batch)
                self._size += _size(batch)
                while self._size > MOST_WAITING:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._waiting.put_nowait(None)

    async def _decode(self, batch: Batch) -> None:
        lines = iter(batch)
        left = True
        while left:
            async with self._turn:
                until_s = time.monotonic() + TURN_S
                left = False
                for line in lines:
                    for _ in self._take(line) or ():
                        await _go_round()
                    if time.monotonic() > until_s:
                        left = True
                        break
                await _go_round()


async def _go_round() -> None:
    for _ in range(PASSES):
        await asyncio.sleep(0)


def _size(batch: Batch) -> int:
    return sum(map(len, batch))
