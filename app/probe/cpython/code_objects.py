"""Code objects of another process: the function's name, its file, and the line of an instruction.

A code object is known by its address and read once. Addresses are used again, so what identifies it (where
its names and its table of lines lie, and its first line) is compared whenever it is asked for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right

from app.probe.kernel.memory import ProcessMemory

from .layouts import Layout
from .objects import ObjectReader, members
from .survey import Inconsistent

_MAX_LINE_TABLE = 1 << 22  # bytes; the body of a module of 100,000 lines has less than 1 MiB
_MAX_KNOWN = 20_000  # code objects; beyond it all are forgotten, and read again as they are met
_UNIT = 2  # bytes of an instruction
_MAX_LINE = 2**31 - 1
_MAX_SHIFT = 30  # a line is a C int: of the six bits at a time that make one, the last begin here

# Kinds of an entry of co_linetable (Objects/locations.md in CPython's source); below _ONE_LINE the line is
# that of the entry before.
_ONE_LINE, _NO_COLUMNS, _LONG, _NONE = 10, 13, 14, 15

Function = tuple[str, str, int]  # qualified name, file, first line


class Code:
    """One code object."""

    __slots__ = ("_table", "_unit_lines", "function", "identity", "lines", "number")

    def __init__(self, identity: bytes, function: Function, table: bytes) -> None:
        self.identity = identity  # what it is recognised by
        self.function = function
        self.number: int | None = None  # of the function in the run
        self.lines: dict[int, int] = {}  # by the address of an instruction
        self._table: bytes | None = table
        self._unit_lines: tuple[array[int], array[int]] = (array("q"), array("q"))

    def line(self, offset: int) -> int:
        """The line of the instruction at `offset` bytes into the byte code; before it begins, the first."""
        if offset < 0:
            return self.function[2]
        if self._table is not None:
            self._unit_lines = decode_lines(self._table, self.function[2])
            self._table = None
        ends, lines = self._unit_lines
        at = bisect_right(ends, offset)
        if at == len(ends):
            raise Inconsistent(f"{self.function[0]} has no instruction at {offset}")
        return lines[at]


class CodeReader:
    """The code objects of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout) -> None:
        self._memory = memory
        self._objects = ObjectReader(memory, layout)
        self._of = of = layout.code_object
        self._identity = members(
            (of.firstlineno, "i"), (of.filename, "Q"), (of.qualname, "Q"), (of.linetable, "Q")
        )
        self._known: dict[int, Code] = {}

    def at(self, address: int) -> Code:
        """The code object at `address`; raises Inconsistent or Unmapped where there is none."""
        identity = self._memory.read(address + self._of.firstlineno, self._identity.size)
        known = self._known.get(address)
        if known is not None and known.identity == identity:
            return known
        first, file, name, table = self._identity.unpack(identity)
        code = Code(
            identity,
            (self._objects.text(name), self._objects.text(file), first),
            self._objects.data(table, _MAX_LINE_TABLE),
        )
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[address] = code
        return code

    def variables(self, address: int) -> list[str]:
        """The names of the local variables of the code object at `address`, in the order of their places."""
        names = self._memory.u64(address + self._of.localsplusnames)
        return [self._objects.text(name) for name in self._objects.items(names)]

    def line(self, code: Code, address: int, instruction: int, copy: int) -> int:
        """The line of an instruction of the code object at `address`.

        Free-threaded builds from 3.14 on give each thread a copy of the byte code, numbered from 1; 0 is the
        code object's own, which alone stays where it is.
        """
        if copy:
            return code.line(instruction - self._copy(address, copy))
        line = code.line(instruction - address - self._of.co_code_adaptive)
        code.lines[instruction] = line
        return line

    def _copy(self, address: int, copy: int) -> int:
        assert self._of.co_tlbc is not None
        copies = self._memory.u64(address + self._of.co_tlbc)  # _PyCodeArray: its size, then a pointer each
        if not 0 < copy < self._memory.u64(copies):
            raise Inconsistent(f"the code object at {address:#x} has no copy {copy} of its byte code")
        return self._memory.u64(copies + 8 + 8 * copy)


def decode_lines(table: bytes, first: int) -> tuple[array[int], array[int]]:
    """(where each stretch of instructions ends, in bytes; its line) from a co_linetable.

    Instructions without a line, which the compiler adds, count to the line before them.
    """
    ends, lines = array("q"), array("q")
    line, end, at = first, 0, 0
    try:
        while at < len(table):
            head = table[at]
            kind = head >> 3 & 15
            if kind in (_NO_COLUMNS, _LONG):
                line += _signed(table, at + 1)
            elif _ONE_LINE <= kind < _NO_COLUMNS:
                line += kind - _ONE_LINE
            end += ((head & 7) + 1) * _UNIT
            if lines and lines[-1] == line:
                ends[-1] = end
            else:
                ends.append(end)
                lines.append(line)
            at += 1
            while at < len(table) and not table[at] & 0x80:  # only the first byte of an entry has that bit
                at += 1
    except IndexError:
        raise Inconsistent("a table of lines ends in the middle") from None
    if lines and not (min(lines) >= 0 and max(lines) <= _MAX_LINE):
        raise Inconsistent("a table of lines has a line that no file has")
    return ends, lines


def _signed(table: bytes, at: int) -> int:
    """A variable-length integer: six bits a byte, the lowest first; its own lowest bit is the sign."""
    value, shift = 0, 0
    while True:
        if shift > _MAX_SHIFT:
            raise Inconsistent("a table of lines has a number that is no C int")
        byte = table[at]
        value |= (byte & 63) << shift
        if not byte & 64:
            return -(value >> 1) if value & 1 else value >> 1
        at, shift = at + 1, shift + 6
