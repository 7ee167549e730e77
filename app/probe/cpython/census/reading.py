"""One census of a heap."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.runtime import Runtime

from .blocks import BlockReader
from .estimate import Estimate
from .pools import OBJECTS, sample
from .types import TypeTable

MOST_ROWS = 60  # of the types, those that take most


@dataclass
class Census:
    """What was found. `objects` are the bytes of blocks that are objects, of `bytes_used` in all blocks."""

    types: dict[str, Estimate]
    objects: float
    bytes_used: int
    pages: int
    pages_read: int
    torn: int

    def largest(self) -> list[tuple[str, Estimate]]:
        """Those types that take most."""
        return sorted(self.types.items(), key=lambda item: item[1].bytes, reverse=True)[:MOST_ROWS]


class CensusReader:
    """Of one process, for as long as it runs the same program."""

    def __init__(self, runtime: Runtime) -> None:
        self._memory = runtime.memory
        self._types = TypeTable(runtime.memory, runtime.layout)
        self._blocks = BlockReader(runtime.memory, runtime.layout, self._types)

    def read(self, tally: Tally) -> Generator[None, None, Census]:
        """A slow read of one heap, whose newest reading that is."""
        self._types.begin()
        found = yield from sample(self._memory, self._blocks, tally)
        objects = found.types.pop(OBJECTS, Estimate()).bytes
        return Census(found.types, objects, tally.bytes_used, sum(tally.pools), found.pools, found.torn)
