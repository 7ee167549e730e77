"""One census of a heap."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.runtime import Runtime

from .blocks import BlockReader
from .estimate import Estimate
from .large import Large, LargeReader
from .object_types import TypeTable
from .pools import OBJECTS, sample

MOST_ROWS = 60  # of the types, those that take most
_BLOCKS_A_STEP = 20

LargeBlock = tuple[int, int, float, bool]  # address, size, the chance of being in the sample, is a mapping


@dataclass
class Census:
    """What was found.

    `objects` are the bytes of pools' blocks that are objects, of `bytes_used` in all of their blocks.
    `large_known` are those of the C library's blocks that are objects or belong to some.
    """

    types: dict[str, Estimate]
    objects: float
    bytes_used: int
    pages: int
    pages_read: int
    torn: int
    large_known: float

    def largest(self) -> list[tuple[str, Estimate]]:
        """Those types that take most."""
        return sorted(self.types.items(), key=lambda item: item[1].bytes, reverse=True)[:MOST_ROWS]


class CensusReader:
    """Of one process, for as long as it runs the same program."""

    def __init__(self, runtime: Runtime) -> None:
        memory, layout = runtime.memory, runtime.layout
        self._memory = memory
        self._types = TypeTable(memory, layout)
        self._blocks = BlockReader(memory, layout, self._types)
        self._large = LargeReader(memory, layout, self._types, self._blocks)

    def read(self, tally: Tally, apart: bool, large: Sequence[LargeBlock]) -> Generator[None, None, Census]:
        """A slow read of one heap, whose newest reading that is, and of the blocks that lie in no pool.

        `apart`: there is a sample of those, in this census or another's.
        """
        self._types.begin()
        found = yield from sample(self._memory, self._blocks, tally, apart)
        objects = found.types.pop(OBJECTS, Estimate()).bytes
        beside = Large()
        for number, block in enumerate(large):
            if number % _BLOCKS_A_STEP == 0:
                yield
            self._large.take(beside, *block)
        for name, each in beside.types.items():
            found.types.setdefault(name, Estimate()).add(
                each.count, each.count_off, each.bytes, each.bytes_off
            )
        return Census(
            found.types, objects, tally.bytes_used, sum(tally.pools), found.pools, found.torn, beside.known
        )
