"""Which words are addresses of types, and what a type says of its objects.

A word is believed to be a type's address if what lies there says so: its own type is a metaclass, whose chain
of types ends in `type`, the one whose type is itself; it is ready; its sizes make sense. That takes a read or
two of each word, and is remembered, both ways, for a reading of what the process holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.machine import HERE
from app.probe.kernel.memory import ProcessMemory, Unmapped

MAX_NAME = 200  # characters

# Of tp_flags.
_INLINE_VALUES = 1 << 2  # 3.13 on
_MANAGED_WEAKREF = 1 << 3  # 3.12 on
_MANAGED_DICT = 1 << 4
_HEAP_TYPE = 1 << 9
_READY = 1 << 12
_HAS_GC = 1 << 14
_INT, _LIST, _STR, _DICT, _TYPE = (1 << bit for bit in (24, 25, 28, 29, 31))

_GC_HEAD = _PREHEADER = 16
_FLAGS = 136  # tp_flags, and others, counted from tp_basicsize
_TP_DICT = 232
_LARGEST_BASIC, _LARGEST_ITEM = 1 << 20, 1 << 12  # of tp_basicsize, tp_itemsize
_LOWEST, _HIGHEST, _ALIGNED = 1 << 16, HERE.user_end, 16  # of a type's address
_MOST_REFUSED = 200_000  # words that are remembered as none
_MOST_METACLASSES = 8  # from a type to `type`

# How much an object takes beside what its type says, and where that is told.
FIXED, ITEMS, INT, STR, LIST, DICT, SET, BYTEARRAY, DEQUE, BUFFERED = range(10)
_BY_NAME = {"set": SET, "frozenset": SET, "bytearray": BYTEARRAY, "collections.deque": DEQUE}
_BYTEARRAY_OF_BYTES = (3, 15)  # from then on a bytearray is BUFFERED: its buffer is an object, a bytes


@dataclass(frozen=True)
class ObjectType:
    """A type. Objects are equal by where their type lies."""

    address: int
    name: str  # with its module, but for builtins
    basic: int  # tp_basicsize
    item: int  # tp_itemsize
    head: int  # bytes of a block before the object
    shape: int  # FIXED ... DEQUE
    has_attributes: bool  # in an array or a dict that ObjectReader.attributes finds
    makes_types: bool  # it is a metaclass


class TypeTable:
    """The types of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout) -> None:
        self._memory, self._of = memory, layout.objects
        self._objects = ObjectReader(memory, layout)
        self._gc_head = 0 if layout.free_threaded else _GC_HEAD
        self._version = layout.version
        self._preheader = _MANAGED_DICT | (_MANAGED_WEAKREF if layout.version >= (3, 12) else 0)
        own = self._of.ob_size  # where an object's own fields begin
        self._least = {
            **{FIXED: own, ITEMS: own + 8, INT: own + 8, STR: own, LIST: own + 24, SET: own + 32},
            **{DICT: self._of.ma_values + 8, BYTEARRAY: own + 16, DEQUE: own + 32, BUFFERED: own + 48},
        }
        at = self._of.tp_basicsize
        self._size = at + _FLAGS + 8
        self._known: dict[int, tuple[bytes, ObjectType]] = {}  # what its words were, without its references
        self._trusted: dict[int, ObjectType] = {}
        self._refused: set[int] = set()

    def begin(self) -> None:
        """A new reading: each type is looked at again when it is first met, for one may be freed."""
        self._trusted.clear()
        self._refused.clear()

    def unknown(self, words: list[int]) -> set[int]:
        """Of some words those that may be addresses of types, and have not been looked at."""
        new = set(words).difference(self._trusted, self._refused)
        return {word for word in new if _LOWEST < word < _HIGHEST and not word % _ALIGNED}

    def among(self, words: list[int]) -> set[int]:
        """Of some words those that are known to be addresses of types."""
        return self._trusted.keys() & set(words)

    def known(self, word: int) -> ObjectType:
        """The type at one of those."""
        return self._trusted[word]

    def get(self, word: int) -> ObjectType | None:
        """The type at that address; None where there is none."""
        found = self._trusted.get(word)
        if found is not None or word in self._refused:
            return found
        if _LOWEST < word < _HIGHEST and not word % _ALIGNED:
            try:
                found = self._look(word)
            except (Inconsistent, Unmapped, UnicodeDecodeError):
                found = None
        if found is not None:
            self._trusted[word] = found
        elif len(self._refused) < _MOST_REFUSED:
            self._refused.add(word)
        return found

    def class_dict(self, address: int) -> int:
        """The dict of the class at `address`; 0 where it has none of its own. Unmapped."""
        return self._memory.u64(address + self._of.tp_basicsize + _TP_DICT)

    def _look(self, address: int) -> ObjectType | None:
        data = self._memory.read(address, self._size)
        basic, item, flags = self._sizes(data)
        if not flags & _READY or not 0 < basic <= _LARGEST_BASIC or not 0 <= item <= _LARGEST_ITEM:
            return None
        if not self._is_metaclass(self._type_of(data)):
            return None
        lasting = data[self._of.ob_type :]
        known = self._known.get(address)
        if known is not None and known[0] == lasting:
            return known[1]
        name = self._name(address, flags)
        head = self._gc_head if flags & _HAS_GC else 0
        if flags & self._preheader:
            head += _PREHEADER
        shape = _shape(name, flags, item)
        if shape == BYTEARRAY and self._version >= _BYTEARRAY_OF_BYTES:
            shape = BUFFERED
        if basic < self._least[shape]:
            shape = FIXED
        # From 3.13 on the array lies behind the object, if it is there.
        inline = self._version < (3, 13) or flags & _INLINE_VALUES
        has_attributes = bool(flags & _MANAGED_DICT and inline)
        found = ObjectType(address, name, basic, item, head, shape, has_attributes, bool(flags & _TYPE))
        self._known[address] = lasting, found
        return found

    def _sizes(self, data: bytes) -> tuple[int, int, int]:
        at = self._of.tp_basicsize
        basic, item = struct.unpack_from("=qq", data, at)
        (flags,) = struct.unpack_from("=Q", data, at + _FLAGS)
        return basic, item, flags

    def _type_of(self, data: bytes) -> int:
        kind: int = struct.unpack_from("=Q", data, self._of.ob_type)[0]
        return kind

    def _is_metaclass(self, address: int) -> bool:
        """Whether its objects are types: so are those of its own type, and so on up to `type`."""
        for _ in range(_MOST_METACLASSES):
            if not _LOWEST < address < _HIGHEST:
                return False
            data = self._memory.read(address, self._size)
            _, _, flags = self._sizes(data)
            if flags & (_READY | _TYPE) != _READY | _TYPE:
                return False
            above = self._type_of(data)
            if above == address:
                return True
            address = above
        return False

    def _name(self, address: int, flags: int) -> str:
        name = self._c_text(self._memory.u64(address + self._of.tp_basicsize - 8))
        if not flags & _HEAP_TYPE or "." in name:
            return name
        # A class of Python's: its tp_name is without its module, and without the class that it is in.
        objects, of = self._objects, self._of
        try:
            name = objects.text(self._memory.u64(address + of.ht_cached_keys - 8))[:MAX_NAME]
            module = objects.item(self._memory.u64(address + of.tp_basicsize + _TP_DICT), b"__module__")
            said = objects.text(module)[:MAX_NAME] if module else ""
        except (Inconsistent, Unmapped):
            return name
        return name if said in ("", "builtins") else f"{said}.{name}"

    def _c_text(self, address: int) -> str:
        """A C string; Unmapped where it would have no end."""
        for size in (MAX_NAME, 32, 8):
            try:
                data = self._memory.read(address, size)
            except Unmapped:
                continue
            text, end, _ = data.partition(b"\0")
            if text and (end or size == MAX_NAME):
                return text.decode("utf-8", "replace" if not end else "strict")
        raise Unmapped(hex(address))


def _shape(name: str, flags: int, item: int) -> int:
    for flag, shape in ((_INT, INT), (_STR, STR), (_LIST, LIST), (_DICT, DICT)):
        if flags & flag:
            return shape
    if name in _BY_NAME:
        return _BY_NAME[name]
    return ITEMS if item else FIXED
