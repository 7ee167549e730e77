"""Reading another process's Python objects: str, bytes, dict, and the attributes of modules and instances.

The process runs on while it is read, so an address may be stale and what lies there anything at all. Every
read is bounded and checked: it raises Unmapped or Inconsistent, and then the caller knows nothing.
"""

from __future__ import annotations

import struct

from app.probe.kernel.memory import ProcessMemory

from .layouts import Layout
from .survey import Inconsistent

MAX_TEXT = 1_024  # characters; what is longer is cut
_MAX_LENGTH = 1 << 24  # a str that claims more is none
_MAX_ENTRIES = 50_000  # of a dict: sys.modules has a few thousand, threading._active one for each thread

# PyDictKeysObject from 3.11 on: log2 of the size of the index in bytes, kind, entries used; behind it lie the
# index and the entries. A general table keeps the hash of each key; one whose keys are all str does not.
_KEYS = struct.Struct("=9xBB13xq")
_GENERAL, _UNICODE, _SPLIT = range(3)
_GENERAL_ENTRY = struct.Struct("=qQQ")  # hash, key, value
_UNICODE_ENTRY = struct.Struct("=QQ")  # key, value

_DECODERS = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}
_POINTER = 8
# PyTypeObject from 3.11 on: tp_dict, counted from tp_basicsize. PyMemberDescrObject: d_member, behind the
# head of an object and d_type, d_name, d_qualname. PyMemberDef: name, type, offset.
_TP_DICT, _D_MEMBER, _MEMBER_OFFSET = 232, 24, 16

Entry = tuple[int, int, int]  # hash (0 where the table keeps none), address of the key, of the value


class ObjectReader:
    """The objects of one process; an object is its address."""

    def __init__(self, memory: ProcessMemory, layout: Layout) -> None:
        self._memory = memory
        self._of = layout.objects
        self._text_head = members((self._of.length, "q"), (self._of.state, "I"))
        self._head = layout.objects.ob_size  # sizeof(PyObject): a class's own fields begin there
        self._version = layout.version
        # A free-threaded build has no collector's header before the object, so the dict's place is nearer.
        self._managed_dict = -8 if layout.free_threaded else -24
        self._str_type = 0  # the address of PyUnicode_Type, once a str was seen
        self._values = 8 if layout.version >= (3, 13) else 0  # where values begin in PyDictValues

    def text(self, address: int) -> str:
        """The str at `address`, cut after MAX_TEXT characters; Inconsistent where it is of another type."""
        of = self._of
        self._expect_str(address)
        length, state = self._text_head.unpack(self._memory.read(address + of.length, self._text_head.size))
        kind, is_ascii = state >> of.kind_shift & 7, state >> of.ascii_bit & 1
        compact = state >> (of.ascii_bit - 1) & 1
        if kind not in _DECODERS or not compact or not 0 <= length <= _MAX_LENGTH:
            raise Inconsistent(f"no str lies at {address:#x}")
        if not length:
            return ""
        start = address + (of.ascii_size if is_ascii else of.compact_size)
        data = self._memory.read(start, min(length, MAX_TEXT) * kind)
        try:
            return data.decode(_DECODERS[kind], "surrogatepass")
        except UnicodeDecodeError:
            raise Inconsistent(f"no str lies at {address:#x}") from None

    def _expect_str(self, address: int) -> None:
        """Other objects can have bits that read like those of a str, so its type is asked."""
        kind = self._memory.u64(address + self._of.ob_type)
        if kind == self._str_type:
            return
        tp_name = self._memory.u64(kind + self._of.tp_basicsize - 8)
        if self._memory.read(tp_name, 4) != b"str\0":
            raise Inconsistent(f"no str lies at {address:#x}")
        self._str_type = kind

    def data(self, address: int, limit: int) -> bytes:
        """The bytes at `address`; Inconsistent where it is longer than `limit`."""
        size = self._memory.u64(address + self._of.ob_size)
        if size > limit:
            raise Inconsistent(f"no bytes of at most {limit} lies at {address:#x}")
        return self._memory.read(address + self._of.ob_sval, size) if size else b""

    def items(self, address: int) -> tuple[int, ...]:
        """What the tuple at `address` holds."""
        size = self._memory.u64(address + self._of.ob_size)
        if size > _MAX_ENTRIES:
            raise Inconsistent(f"no tuple lies at {address:#x}")
        data = self._memory.read(address + self._of.ob_item, size * _POINTER) if size else b""
        return struct.unpack(f"={size}Q", data)

    def entries(self, address: int) -> list[Entry]:
        """What the dict at `address` holds, in its order."""
        memory, of = self._memory, self._of
        table = self._table(memory.u64(address + of.ma_keys))
        values = memory.u64(address + of.ma_values)
        if values:  # it shares its keys with others of its class
            table = [
                (known, key, value) for (known, key, _), value in zip(table, self._words(values, len(table)))
            ]
        return [entry for entry in table if entry[2]]

    def item(self, address: int, name: bytes) -> int | None:
        """The value that the dict at `address` has for an ASCII str; None where it has none."""
        for _, key, value in self.entries(address):
            if self._is(key, name):
                return value
        return None

    def module_attribute(self, address: int, name: bytes) -> int | None:
        """A global of the module at `address`."""
        return self.item(self._memory.u64(address + self._head), name)

    def attribute(self, address: int, name: bytes) -> int | None:
        """An attribute of an instance of a class without __slots__; None where it has none.

        It lies in an array of values, whose keys the class has, until something asks for the instance's dict.
        """
        values, managed = self._values_or_dict(address)
        if managed:
            return self.item(managed, name)
        if not values:
            return None
        kind = self._memory.u64(address + self._of.ob_type)
        keys = self._table(self._memory.u64(kind + self._of.ht_cached_keys))
        for index, (_, key, _) in enumerate(keys):
            if self._is(key, name):
                return self._memory.u64(values + self._values + index * _POINTER) or None
        return None

    def slot(self, address: int, name: bytes) -> int | None:
        """An attribute that the class of an instance has in its __slots__; None where it has none.

        The class keeps a descriptor, which points to a PyMemberDef: name, type, offset in the instance.
        """
        memory, of = self._memory, self._of
        kind = memory.u64(address + of.ob_type)
        descriptor = self.item(memory.u64(kind + of.tp_basicsize + _TP_DICT), name)
        if not descriptor:
            return None
        member = memory.u64(descriptor + self._head + _D_MEMBER)
        if self._memory.read(memory.u64(member), len(name) + 1) != name + b"\0":
            raise Inconsistent(f"no member of a class is described at {member:#x}")
        offset = memory.u64(member + _MEMBER_OFFSET)
        if offset >= memory.u64(kind + of.tp_basicsize):
            raise Inconsistent(f"no member of a class is described at {member:#x}")
        return memory.u64(address + offset) or None

    def attributes(self, address: int) -> list[tuple[int, int]]:
        """(name, value) of each attribute of an instance like that."""
        values, managed = self._values_or_dict(address)
        if managed:
            return [(key, value) for _, key, value in self.entries(managed)]
        if not values:
            return []
        kind = self._memory.u64(address + self._of.ob_type)
        keys = self._table(self._memory.u64(kind + self._of.ht_cached_keys))
        words = self._words(values, len(keys))
        return [(key, value) for (_, key, _), value in zip(keys, words) if value]

    def _values_or_dict(self, address: int) -> tuple[int, int]:
        """(PyDictValues, dict) of an instance: one of them is 0."""
        memory = self._memory
        word = memory.u64(address + self._managed_dict)
        if self._version == (3, 11):
            values = memory.u64(address + self._managed_dict - _POINTER)
            return (values, 0) if values else (0, word)
        if self._version == (3, 12):  # one word for both: the values' address is odd
            return (word + 1, 0) if word & 1 else (0, word)
        if word:
            return 0, word
        kind = memory.u64(address + self._of.ob_type)
        return address + memory.u64(kind + self._of.tp_basicsize), 0

    def _table(self, address: int) -> list[Entry]:
        """Every entry of a PyDictKeysObject, deleted ones too: a value's place is that of its key."""
        index, kind, used = _KEYS.unpack(self._memory.read(address, _KEYS.size))
        if kind not in (_GENERAL, _UNICODE, _SPLIT) or index > 24 or not 0 <= used <= _MAX_ENTRIES:
            raise Inconsistent(f"no keys of a dict lie at {address:#x}")
        if not used:
            return []
        entry = _GENERAL_ENTRY if kind == _GENERAL else _UNICODE_ENTRY
        data = self._memory.read(address + _KEYS.size + (1 << index), used * entry.size)
        if kind == _GENERAL:
            return list(entry.iter_unpack(data))
        return [(0, key, value) for key, value in entry.iter_unpack(data)]

    def _words(self, values: int, count: int) -> tuple[int, ...]:
        return struct.unpack(f"={count}Q", self._memory.read(values + self._values, count * _POINTER))

    def _is(self, address: int, name: bytes) -> bool:
        """Whether a key is that ASCII str; told in one read, since a search has to ask of many."""
        if not address:
            return False
        of = self._of
        head = self._memory.read(address, of.ascii_size + 1)
        (length,) = struct.unpack_from("=q", head, of.length)
        return length == len(name) and self._memory.read(address + of.ascii_size, length) == name


def members(*wanted: tuple[int, str]) -> struct.Struct:
    """Some members of a C structure, in the order of their (offset, format), from the first of them on."""
    at = wanted[0][0]
    parts = ["="]
    for offset, kind in wanted:
        parts.append(f"{offset - at}x{kind}")
        at = offset + struct.calcsize("=" + kind)
    return struct.Struct("".join(parts))
