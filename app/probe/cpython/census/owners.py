"""Objects that own a block which says nothing of itself: bytearrays, and arrays of numpy and of `array`.

What the items of a list or the table of a dict are is known by their shape, see large.py; the data of these
has none, or a list's where it is an array of objects. A few of them among a million small objects may own
most of a process's memory, and a sample of pools meets none of them, or takes one for hundreds. So all pools
of the sizes that their heads have are looked through for them, where there are not too many: that takes less
than to judge all that is in them.

bytearray     ob_alloc is what its buffer takes
array.array   allocated items of ob_descr's itemsize
numpy.ndarray the C library tells what the block takes to which `data` points, where `base` is null and the
              flag OWNDATA is set; how large an item is lies elsewhere in each version of numpy
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from app.probe.cpython.heap.pymalloc import HEADER, POOL, SIZES
from app.probe.cpython.heap.reading import Tally
from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import ProcessMemory, Unmapped
from app.probe.kernel.pace import Pace

from .blocks import SMALL, has_debug_words
from .estimate import Estimate
from .object_types import BUFFERED, ObjectType, TypeTable
from .pools import in_use

MOST = 2_000  # pools that are looked through: some 0.1 s of CPU
# Bytes of a block before the object (the collector's, or none), by the sizes of blocks in which their objects
# lie: 56 bytes of a bytearray, 64 of an array.array, 80 to 104 of a numpy.ndarray by its version.
_HEADS = {64: (0,), 80: (0, 16), 96: (0,), 112: (0,)}
_BYTEARRAY, _ARRAY, _NUMPY = "bytearray", "array.array", "numpy.ndarray"
_NAMES = (_BYTEARRAY, _ARRAY, _NUMPY)
_MOST_REFERENCES = 1 << 31  # to one that is alive, and no flags of one that never dies
_OWNDATA = 4
_LEAST_CHUNK, _CHUNK_FLAGS, _IS_MMAPPED = 32, 7, 2


class OwnerReader:
    """Of one process whose small objects lie in pools."""

    def __init__(self, memory: ProcessMemory, layout: Layout, types: TypeTable) -> None:
        self._memory, self._types = memory, types
        self._type, self._own = layout.objects.ob_type // 8, layout.objects.ob_size // 8
        self._item_sizes: dict[int, int] = {}

    def read(self, tally: Tally) -> Generator[None, None, tuple[dict[str, Estimate], dict[int, int]] | None]:
        """A slow read: what those types have in all, and which blocks beyond the pools, with their bytes.

        None where there are too many pools, too many of them changed meanwhile, or debug hooks have words
        around each block.
        """
        pools = list(_pools(tally))
        if len(pools) > MOST:
            return None
        found: dict[str, Estimate] = {}
        blocks: dict[int, int] = {}
        torn, pace = 0, Pace()
        for address, place in pools:
            if pace.over:
                yield
                pace.begin()
            page = in_use(self._memory, address, place)
            if page is None:
                torn += 1
                continue
            words, carved, free = page
            stride = SIZES[place] // 8
            first = HEADER // 8
            if has_debug_words(words[first + 1 :: stride], free):
                return None
            for head in _HEADS[SIZES[place]]:
                for kind, at in self._heads(words, first, carved, stride, free, head):
                    block, data = self._data(kind.name, words, at)
                    found.setdefault(kind.name, Estimate()).add(1, 0, head + kind.basic + data, 0)
                    if data > SMALL:
                        blocks[block] = data
        if torn > len(pools) // 10:
            return None
        for of in found.values():  # those that were missed may have as many
            of.count_off, of.bytes_off = (each * torn / len(pools) for each in (of.count, of.bytes))
        return found, blocks

    def _heads(
        self, words: memoryview, first: int, count: int, stride: int, free: set[int], head: int
    ) -> Iterator[tuple[ObjectType, int]]:
        """(type, word at which it begins) of each owner that has so many bytes of its block before it."""
        first += head // 8
        kinds = words[first + self._type : first - head // 8 + count * stride : stride].tolist()
        counts = words[first : first - head // 8 + count * stride : stride].tolist()
        new = self._types.unknown(kinds)
        for number, word in zip(counts, kinds) if new else ():
            if word in new and 0 < number < _MOST_REFERENCES:
                self._types.get(word)
        owners = {
            word: kind
            for word in self._types.among(kinds)
            if (kind := self._types.known(word)).name in _NAMES
            and kind.head == head
            and kind.shape != BUFFERED
        }
        if owners:
            for place, word in enumerate(kinds):
                at = first + place * stride
                if word in owners and place not in free and 0 < counts[place] < _MOST_REFERENCES:
                    yield owners[word], at

    def _data(self, name: str, words: memoryview, at: int) -> tuple[int, int]:
        """The block that the object at that word owns beside its own, and how many bytes of it."""
        own = at + self._own + 1  # behind the words of a PyVarObject
        try:
            if name == _BYTEARRAY:
                return words[own + 1], words[own]
            if name == _ARRAY:
                return words[own], words[own + 1] * self._item_size(words[own + 2])
            data, base, flags = words[own - 1], words[own + 3], words[own + 5]
            return data, self._chunk(data) if data and not base and flags & _OWNDATA else 0
        except Unmapped:
            return 0, 0

    def _item_size(self, description: int) -> int:
        """struct arraydescr: the letter, and how large an item is."""
        if description not in self._item_sizes:
            self._item_sizes[description] = self._memory.i32(description + 4)
        return self._item_sizes[description]

    def _chunk(self, block: int) -> int:
        """What a block of glibc's has room for, by the word before it; 0 where that is none of its."""
        word = self._memory.u64(block - 8)
        size = word & ~_CHUNK_FLAGS
        if size < _LEAST_CHUNK or size % 16 or size >> 40:
            return 0
        return size - (16 if word & _IS_MMAPPED else 8)


def _pools(tally: Tally) -> Iterator[tuple[int, int]]:
    """(address, number of the size) of the pools in which a head may lie."""
    places = {place for place, size in enumerate(SIZES) if size in _HEADS}
    for first, kinds in tally.kinds:
        for at, place in enumerate(kinds):
            if place in places:
                yield first + at * POOL, place
