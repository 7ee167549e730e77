"""One census of a heap."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.runtime import Runtime
from app.probe.kernel.pace import Pace

from .blocks import BUFFERS, BlockReader
from .estimate import Estimate, add_all
from .large import PAGE_SLACK, SLACK, Large, LargeReader
from .mimalloc import PageSampler
from .object_types import TypeTable
from .owners import OwnerReader
from .pools import OBJECTS, sample

MOST_ROWS = 60  # of the types, those that take most

BYTEARRAY = "bytearray"
_UNEXPLAINED = 1 << 20  # bytes of blocks that are known for nothing: then their owners are looked for

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
        self._owners = OwnerReader(memory, layout, self._types)
        self._mimalloc = (
            PageSampler(memory, layout.mimalloc, self._blocks, self._large)
            if layout.mimalloc is not None
            else None
        )

    def read(self, tally: Tally, apart: bool, large: Sequence[LargeBlock]) -> Generator[None, None, Census]:
        """A slow read of one heap, whose newest reading that is, and of the blocks that lie in no pool.

        `apart`: there is a sample of those, in this census or another's.
        """
        self._types.begin()
        if self._mimalloc is not None:
            found = yield from self._mimalloc.sample(tally)
        else:
            found = yield from sample(self._memory, self._blocks, tally, apart)
        objects = found.types.pop(OBJECTS, Estimate()).bytes
        buffers = found.types.pop(BUFFERS, None)
        beside = yield from self._beside(large)
        room, owners = found.room, None
        if large:
            room = _unknown(large, beside)
            if room > _UNEXPLAINED and self._mimalloc is None:
                owners = yield from self._owners.read(tally)
        if owners is not None:
            types, owned = owners
            for name in types:
                found.types.pop(name, None)
            add_all(found.types, types)
            beside = yield from self._beside([block for block in large if block[0] not in owned])
            beside.known += sum(owned.values())
        add_all(found.types, beside.types)
        if owners is None:
            self._add_buffers(found.types, buffers, room)
        return Census(found.types, objects, tally.bytes_used, found.of, found.pools, found.torn, beside.known)

    def read_blocks(self, blocks: Sequence[LargeBlock]) -> Generator[None, None, Census]:
        """A slow read of a sample of the C library's blocks, where every object is one of them."""
        self._types.begin()
        found = yield from self._beside(blocks)
        self._add_buffers(found.types, found.types.pop(BUFFERS, None), _unknown(blocks, found))
        return Census(found.types, 0, 0, 0, 0, 0, found.known)

    def _add_buffers(self, types: dict[str, Estimate], buffers: Estimate | None, room: float) -> None:
        if buffers is not None:
            types.setdefault(BYTEARRAY, Estimate()).add(0, 0, *fitting(buffers, room))

    def _beside(self, blocks: Sequence[LargeBlock]) -> Generator[None, None, Large]:
        found, pace = Large(), Pace()
        for address, size, chance, is_mapping in blocks:
            if pace.over:
                yield
                pace.begin()
            self._large.take(found, address, size, chance, PAGE_SLACK if is_mapping else SLACK)
        return found


def _unknown(blocks: Sequence[LargeBlock], found: Large) -> float:
    """Bytes of the blocks for which a sample stands, but those that are known."""
    return max(0.0, sum(size / chance for _, size, chance, _ in blocks) - found.known)


def fitting(buffers: Estimate, room: float) -> tuple[float, float]:
    """What buffers take, and how far off that may be, where no more than `room` is theirs.

    A few large ones among thousands of objects are in a sample or not, and one that is stands for many.
    """
    least, most = buffers.bytes - buffers.bytes_off, min(buffers.bytes + buffers.bytes_off, room)
    bytes_ = min(buffers.bytes, room)
    return bytes_, max(most - bytes_, bytes_ - max(0.0, min(least, bytes_)))
