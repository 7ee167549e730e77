"""The objects in a page of blocks of one size, and what each takes.

A block in use is an object if the word at the place where an object has its type is a type's address, and the
words before it are what that type says: a collector's head, room for a dict. Else it is what belongs to one:
the items of a list, the keys of a dict.

What an object takes is what sys.getsizeof() says of it: its own block as far as it uses it, and what its own
fields tell of the rest. A dict's keys have to be read, so a few of each page are asked, and stand for its
others.

From 3.15 on the buffer of a bytearray is an object too, a bytes. One that lies in a page of blocks is the
bytearray's, as for sys.getsizeof(), and no bytes; a larger one cannot be told from a bytes and counts as one.

PYTHONMALLOC=debug, and a debug build, put two words before what is in a block and one behind it: how many
bytes were asked for, of which of CPython's allocators (Objects/obmalloc.c, _PyMem_DebugRawAlloc).
"""

from __future__ import annotations

import struct
from collections.abc import Set
from dataclasses import dataclass

from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import ProcessMemory, Unmapped

from .object_types import (
    BUFFERED,
    BYTEARRAY,
    DEQUE,
    DICT,
    FIXED,
    INT,
    ITEMS,
    LIST,
    SET,
    STR,
    ObjectType,
    TypeTable,
)

BUFFERS = "buffers"  # stands, as a type, for those of bytearrays that lie in no pool
SMALL = 512  # what is larger does not lie in a pool
_MOST_BYTES = 1 << 40  # of one object: who claims more lies
_DICTS_A_PAGE = 8

_KEYS = struct.Struct("=8xBBB5xqq")  # log2 of the slots, of the index's bytes, kind; usable, used
_KEYS_SIZE = 32
_GENERAL_ENTRY, _UNICODE_ENTRY = 24, 16
DEQUE_BLOCK, _DEQUE_ITEMS = 528, 64
SET_ENTRY, _SMALL_TABLE = 16, 7
BEFORE, _AROUND = 16, 24  # bytes that debug hooks put before what is in a block, and in all
_MARKS = frozenset(int.from_bytes(kind + b"\xfd" * 7, "little") for kind in (b"r", b"m", b"o"))
_BUFFER = 5  # words from a bytearray's size to the address of the bytes that is its buffer


@dataclass
class Of:
    """The objects of one type in a page.

    `large` are those of their bytes that lie in no pool and are known for what they are there, see large.py.
    `buffers` are those of bytearrays' that are as large, and are known there for nothing.
    """

    count: int = 0
    bytes: float = 0
    large: float = 0
    buffers: float = 0


class BlockReader:
    """Reads pages of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout, types: TypeTable) -> None:
        self._memory, self._types, self._of = memory, types, layout.objects
        self._bytes: ObjectType | None = None  # the type of buffers, once one was met
        self._bytes_size = layout.objects.ob_sval + 1  # of an empty one
        self._type = layout.objects.ob_type // 8
        self._head = layout.objects.ob_size // 8  # words of a PyObject
        self._old_int = layout.version == (3, 11)
        self._free_threaded = layout.free_threaded
        # An object's count of references has 32 bits, and from 3.14 on flags 16 bits above.
        self._never = (
            0 if layout.free_threaded else (0xFFFF if layout.version >= (3, 14) else 0xFFFFFFFF) << 32
        )
        self._heads = (0,) if layout.free_threaded else (0, 16, 32)

    def read(
        self,
        words: memoryview,
        first: int,
        count: int,
        size: int,
        free: Set[int],
        heads: tuple[int, ...] = (),
    ) -> dict[ObjectType, Of]:
        """What is in `count` blocks of `size` bytes, the first of which is at that word.

        `free` are the places of free ones, `heads` the places in a block at which an object may begin.
        """
        found: dict[ObjectType, Of] = {}
        buffers = Of()
        taken, stride = set(free), size // 8
        end = first + count * stride
        if has_debug_words(words[first + 1 : end : stride], free):
            first, size = first + BEFORE // 8, size - _AROUND
        for head in heads or self._heads:
            if head + 8 * self._head > size or len(taken) >= count:
                break
            at = first + head // 8
            for kind, places in self._places(words[at:end], stride, taken, head).items():
                found[kind] = self._sized(kind, words, at, stride, places, size)
                taken.update(places)
                if kind.shape == BUFFERED:
                    self._take_buffers(found[kind], buffers, words, [at + place * stride for place in places])
        if self._bytes is not None and buffers.count:
            own = found.setdefault(self._bytes, Of())
            own.count -= buffers.count
            own.bytes -= buffers.bytes
        return found

    def _places(
        self, words: memoryview, stride: int, taken: Set[int], head: int
    ) -> dict[ObjectType, list[int]]:
        """Which blocks are objects of which type, but those taken; an object would begin at word 0."""
        types = self._types
        kinds = words[self._type :: stride].tolist()
        counts, never = self._counts(words, stride), self._never
        here: dict[int, list[int]] = {}
        new = types.unknown(kinds)
        if new:  # most are nothing, and nothing has a count of references there
            for place, word in enumerate(kinds):
                if word in new and place not in taken and counts[place] and not counts[place] & never:
                    types.get(word)
        for word in types.among(kinds):
            kind = types.get(word)
            if kind is not None and kind.head == head:
                here[word] = []
        if here:
            get = here.get
            for place, word in enumerate(kinds):
                places = get(word)
                if places is None or place in taken:
                    continue
                if counts[place] and not counts[place] & never:
                    places.append(place)
        return {types.known(word): places for word, places in here.items() if places}

    def _counts(self, words: memoryview, stride: int) -> list[int]:
        """How often each object is referred to; those that are kept for their next use are not."""
        counts: list[int] = words[::stride].tolist()
        if not self._free_threaded:
            return counts
        own, others = words[1::stride].tolist(), words[2::stride].tolist()
        return [of_own >> 32 | of_others >> 2 for of_own, of_others in zip(own, others)]

    def _sized(
        self, kind: ObjectType, words: memoryview, at: int, stride: int, places: list[int], size: int
    ) -> Of:
        objects = [at + place * stride for place in places]
        room = size - kind.head
        if kind.shape == STR:
            texts = sum(min(self._text(kind, words, place), room) for place in objects)
            return Of(len(objects), float(kind.head * len(objects) + texts))
        rest = room - kind.basic  # of a block, beyond what the type says
        if rest < 0:
            return Of()
        found = Of(len(objects), float((kind.head + kind.basic) * len(objects)))
        if kind.shape in (ITEMS, INT):
            found.bytes += sum(min(self._items(kind, words[place + self._head]), rest) for place in objects)
        elif kind.shape == DICT:
            self._take_keys(found, words, objects)
        elif kind.shape != FIXED:
            for place in objects:
                more = _beside(kind.shape, words, place + self._head)
                found.bytes += more
                if more > SMALL and kind.shape == BYTEARRAY:
                    found.buffers += more
                elif more > SMALL and more != DEQUE_BLOCK:
                    found.large += more
        return found

    def _take_buffers(self, found: Of, buffers: Of, words: memoryview, objects: list[int]) -> None:
        """Adds the buffers of bytearrays, and tells of them: they are found as bytes, here or elsewhere."""
        for place in objects:
            allocated, buffer = words[place + self._head + 1], words[place + self._head + _BUFFER]
            if not 0 < allocated <= SMALL - self._bytes_size:
                continue
            if self._bytes is None:
                try:
                    self._bytes = self._types.get(self._memory.u64(buffer + 8 * self._type))
                except Unmapped:
                    continue
            buffers.count += 1
            buffers.bytes += self._bytes_size + allocated
            found.bytes += self._bytes_size + allocated

    def _items(self, kind: ObjectType, number: int) -> int:
        """What the items of an object take, by the word that tells of their number."""
        if kind.shape == INT and not self._old_int:
            return 4 * max(number >> 3, 1)
        return kind.item * ((1 << 64) - number if number >> 63 else number)

    def _text(self, kind: ObjectType, words: memoryview, place: int) -> int:
        """What a str takes."""
        of = self._of
        length = words[place + of.length // 8]
        state = words[place + of.state // 8] & 0xFFFFFFFF
        width, is_ascii = state >> of.kind_shift & 7, state >> of.ascii_bit & 1
        if not state >> (of.ascii_bit - 1) & 1:  # that of a subclass keeps its text elsewhere
            return kind.basic
        if is_ascii:
            return of.ascii_size + length + 1
        return of.compact_size + (length + 1) * width

    def _take_keys(self, found: Of, words: memoryview, objects: list[int]) -> None:
        """Adds the tables of dicts, by those of a few."""
        of = self._of
        step = max(1, len(objects) // _DICTS_A_PAGE)
        asked = objects[::step]
        total = large = 0
        for place in asked:
            try:
                more = self._keys(words[place + of.ma_keys // 8], words[place + of.ma_values // 8])
            except Unmapped:
                continue
            total += more
            large += more if more > SMALL else 0
        found.bytes += total * len(objects) / len(asked)
        found.large += large * len(objects) / len(asked)

    def _keys(self, keys: int, values: int) -> int:
        slots, index, kind, usable, used = _KEYS.unpack(self._memory.read(keys, _KEYS.size))
        if slots > 40 or index > 43 or slots == 0:  # that of all empty dicts is no dict's own
            return 0
        if values:  # its keys are its class's
            return int(8 * (usable + used)) if 0 <= usable + used <= 64 else 0
        size = keys_size(slots, index, kind)
        return size if size < _MOST_BYTES else 0


def is_debug_mark(word: int) -> bool:
    """Whether the second word of a block says that debug hooks wrote the first two."""
    return word in _MARKS


def has_debug_words(seconds: memoryview, free: Set[int]) -> bool:
    """Whether the blocks of a page have them: all have, or none, so that the first in use tells."""
    used = next((word for place, word in enumerate(seconds) if place not in free), 0)
    return is_debug_mark(used)


def keys_size(slots: int, index: int, kind: int) -> int:
    """What the keys of a dict take, by the logarithms of their slots and of the bytes of their index."""
    entry = _GENERAL_ENTRY if kind == 0 else _UNICODE_ENTRY
    return _KEYS_SIZE + (1 << index) + ((2 << slots) // 3) * entry


def _beside(shape: int, words: memoryview, place: int) -> int:
    """What an object has beside its block; `place` is that of the word behind its PyObject."""
    more = 0
    if shape == LIST:
        length, allocated = words[place], words[place + 2]
        more = 8 * allocated if length <= allocated else 0
    elif shape == SET:
        mask = words[place + 2]
        more = SET_ENTRY * (mask + 1) if mask > _SMALL_TABLE and not mask & mask + 1 else 0
    elif shape == BYTEARRAY:
        more = words[place + 1]
    elif shape == DEQUE:
        length, left = words[place], words[place + 3]
        more = DEQUE_BLOCK * ((left + length + _DEQUE_ITEMS - 1) // _DEQUE_ITEMS) if left < 64 else 0
    return more if more < _MOST_BYTES else 0
