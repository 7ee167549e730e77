"""What a block of more than 512 bytes is: an object, or what belongs to one, known by its shape.

A dict's keys tell their own size. The table of a set is pairs of an object and a hash, as many as a power of
two; the items of a list are addresses of objects; a block of a deque is linked to its neighbours, which are
linked back. What is none of these may be a bytearray's, numpy's, or any C code's, and is told as unknown.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

from app.probe.cpython.layouts import Layout
from app.probe.kernel.machine import HERE
from app.probe.kernel.memory import ProcessMemory, Unmapped

from .blocks import BEFORE, BUFFERS, DEQUE_BLOCK, SET_ENTRY, SMALL, BlockReader, is_debug_mark, keys_size
from .estimate import Estimate
from .object_types import TypeTable

_READ = 544  # bytes of a block: a deque's whole
_NORMAL = 1.96
_LOWEST, _HIGHEST = 1 << 16, HERE.user_end
SLACK = 48  # bytes that a block of the C library may have more than it was asked for,
PAGE_SLACK = 4_128  # or if it is a mapping
_LEAST_PROOF, _PROOF = 1, 4  # objects that are asked for what they are
_KEYS = struct.Struct("=qBBB5xqq")
_KEYS_KIND, _SPLIT = 10, 2


@dataclass
class Large:
    """What a sample of blocks stands for; `known` are the bytes of those that are known for what they are."""

    types: dict[str, Estimate] = field(default_factory=dict)
    known: float = 0


class LargeReader:
    """Judges blocks of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout, types: TypeTable, blocks: BlockReader) -> None:
        self._memory, self._types, self._blocks = memory, types, blocks
        self._type = layout.objects.ob_type
        self._has_length = layout.free_threaded  # a list's items have their number before them there

    def take(
        self,
        found: Large,
        address: int,
        size: int,
        chance: float,
        slack: int,
        heads: tuple[int, ...] = (),
    ) -> None:
        """Judges a block of the sample, and adds what it stands for.

        `slack` is by how much it may be larger than was asked for, `heads` are the places at which an object
        may begin in it.
        """
        judged = self.judge(address, size, slack, heads)
        found.known += size / chance if judged else 0
        # Each block is taken by itself, so that the squares of what is missed add up.
        off = _NORMAL * math.sqrt(1 - chance) / chance
        for name, count, bytes_ in judged:
            found.types.setdefault(name, Estimate()).add(
                count / chance, count * off, bytes_ / chance, bytes_ * off
            )

    def judge(
        self, address: int, size: int, slack: int, heads: tuple[int, ...] = ()
    ) -> list[tuple[str, float, float]]:
        """[(type, objects, bytes)]: of one type, or of none; two where a bytearray has a bytes or BUFFERS."""
        try:
            data = self._memory.read(address, min(size, _READ) // 8 * 8)
            # What pymalloc leaves to the C library has the words of both layers.
            while len(data) > 2 * BEFORE and is_debug_mark(int.from_bytes(data[8:BEFORE], "little")):
                address, size = address + BEFORE, min(int.from_bytes(data[:8], "big"), size - BEFORE)
                data = self._memory.read(address, min(size, _READ) // 8 * 8)
        except Unmapped:
            return []
        if len(data) < BEFORE:
            return []
        words = memoryview(data).cast("Q")
        found = self._blocks.read(words, 0, 1, size, frozenset(), heads)
        if found:
            told: list[tuple[str, float, float]]
            told = [(kind.name, of.count, of.bytes - of.large - of.buffers) for kind, of in found.items()]
            return told + [(BUFFERS, 0.0, of.buffers) for of in found.values() if of.buffers]
        if size <= SMALL:  # it counts with the object that it belongs to
            return []
        keys = self._keys(data)
        if keys > SMALL and 0 <= size - keys <= slack:
            # Those that dicts share are kept by the class whose instances' they are.
            return [("type" if data[_KEYS_KIND] == _SPLIT else "dict", 0, float(keys))]
        if 0 <= size - DEQUE_BLOCK <= slack and self._is_linked(words, address):
            return [("collections.deque", 0, float(DEQUE_BLOCK))]
        table = SET_ENTRY << max(size // SET_ENTRY, 1).bit_length() - 1
        if table > SMALL and size - table <= slack and self._is_table(words):
            return [("set", 0, float(table))]
        if self._has_length:
            items = 8 * words[0]
            if (
                items > SMALL
                and 0 <= size - items - 8 <= slack
                and self._are_objects(list(words[1 : 1 + _PROOF]))
            ):
                return [("list", 0, float(items))]
        elif size > SMALL + 8 and self._are_objects(list(words[:_PROOF])):
            return [("list", 0, float(size // 16 * 16))]
        return []

    def _keys(self, data: bytes) -> int:
        """The size of a dict's keys, if that is what lies there."""
        references, slots, index, kind, usable, used = _KEYS.unpack_from(data)
        if not 0 < references < 1 << 31 or kind > 2 or usable < 0 or used < 0:
            return 0
        if not 3 <= slots <= 40 or not slots <= index <= slots + 3 or usable + used > 1 << slots:
            return 0
        return keys_size(slots, index, kind)

    def _is_linked(self, words: memoryview, address: int) -> bool:
        """Whether a neighbour has it as its own: a block's first word leads left, its last one right."""
        left, right = words[0], words[DEQUE_BLOCK // 8 - 1]
        for neighbour, back in ((left, DEQUE_BLOCK - 8), (right, 0)):
            try:
                if _LOWEST < neighbour < _HIGHEST and self._memory.u64(neighbour + back) == address:
                    return True
            except Unmapped:
                continue
        return False

    def _is_table(self, words: memoryview) -> bool:
        """Whether it begins with pairs of an object and a hash, some of which may be empty."""
        keys, hashes = list(words[: 2 * 16 : 2]), list(words[1 : 2 * 16 : 2])
        if any(not key and hash_ for key, hash_ in zip(keys, hashes)):
            return False
        used = [(key, hash_) for key, hash_ in zip(keys, hashes) if key and hash_ != (1 << 64) - 1][:_PROOF]
        if not used or not self._are_objects([key for key, _ in used]):
            return False
        return not all(self._is_object(hash_) for _, hash_ in used)

    def _are_objects(self, addresses: list[int]) -> bool:
        return all(self._is_object(address) for address in addresses)

    def _is_object(self, address: int) -> bool:
        if not _LOWEST < address < _HIGHEST or address % 8:
            return False
        try:
            return self._types.get(self._memory.u64(address + self._type)) is not None
        except Unmapped:
            return False
