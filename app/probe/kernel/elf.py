"""A reader of just enough ELF: where a 64-bit file's .PyRuntime section and two dynamic symbols lie.

The section .AsyncioDebug, from 3.14 on, is in the file that holds the module _asyncio, often one of its own.

The section survives `strip` and stands in every CPython since 3.10; `_PyRuntime` is a dynamic symbol only
where the interpreter exports its symbols.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

from .machine import HERE, KNOWN, Abi, by_elf

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")

ET_EXEC = 2
PT_LOAD = 1


class NotElf64(Exception):
    """Not a little-endian 64-bit ELF file for this machine; the text says which it is."""


@dataclass(frozen=True)
class PythonImage:
    """Addresses as the file has them, before the load bias is added; None where it has none."""

    fixed: bool  # ET_EXEC: loaded where it says, bias 0
    first_load: int  # vaddr minus offset of the first PT_LOAD: a multiple of the page size, whatever that is
    runtime: int | None  # _PyRuntime
    version: int | None  # Py_Version
    by_section: bool  # whether .PyRuntime told where it is
    bss: tuple[int, int] = (0, 0)  # (address, size) of the section .bss
    asyncio_debug: int | None = None  # the section .AsyncioDebug

    def bias(self, start: int, offset: int) -> int:
        """What to add, when the file's first mapping is at `start`, from `offset` of the file."""
        return 0 if self.fixed else start - offset - self.first_load


@dataclass(frozen=True)
class Places:
    """Where the sections of a file lie: {name: (offset, size, address)}, and its loaded segments."""

    data: mmap.mmap
    sections: dict[str, tuple[int, int, int]]
    segments: list[tuple[int, int, int]]  # (offset, size in the file, address)

    def span(self, name: str) -> tuple[int, int]:
        """(offset, size) of a section; of none, where there is no such section."""
        offset, size, _ = self.sections.get(name, (0, 0, 0))
        return offset, size

    def address(self, offset: int) -> int | None:
        """Where in memory a byte of the file is loaded, before the bias; None where it is not."""
        for start, size, address in self.segments:
            if start <= offset < start + size:
                return address + offset - start
        return None


def loaded_at(found: Places, address: int) -> int | None:
    """Where in the file the byte lies that is loaded at an address; None where none is."""
    for start, size, begin in found.segments:
        if begin <= address < begin + size:
            return start + address - begin
    return None


def places(data: mmap.mmap, machine: Abi = HERE) -> Places:
    """Of a shared library for that machine. Raises NotElf64."""
    if len(data) < _HEADER.size:
        raise NotElf64("no ELF program")
    _, (phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx) = _header(data, machine)
    segments = []
    for index in range(phnum):
        kind, _, offset, address, _, size, *_ = _SEGMENT.unpack_from(data, phoff + index * phentsize)
        if kind == PT_LOAD:
            segments.append((offset, size, address))
    return Places(data, _sections(data, shoff, shentsize, shnum, shstrndx), segments)


def _header(data: mmap.mmap, wanted: Abi) -> tuple[int, tuple[int, ...]]:
    """(kind of file, where its tables lie) of one for that machine."""
    ident, kind, number, *rest = _HEADER.unpack_from(data, 0)
    if ident[:4] != b"\x7fELF" or ident[4] != 2 or ident[5] != 1:
        raise NotElf64("a 32-bit program" if ident[:5] == b"\x7fELF\x01" else "no ELF program")
    if number != wanted.elf:
        other = by_elf(number)
        named = other.name if other else f"another processor (ELF machine {number})"
        # On a machine that is not known it is that machine's own, and no emulator runs it.
        emulated = f", which an emulator runs on {wanted.name}" if KNOWN else ""
        raise NotElf64(f"a program for {named}{emulated}")
    _, _, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = rest
    return kind, (phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx)


def read_image(fd: int, machine: Abi = HERE) -> PythonImage:
    """The addresses in the ELF file for that machine behind `fd`. Raises NotElf64."""
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as data:
        kind, (phoff, shoff, phentsize, phnum, shentsize, shnum, shstrndx) = _header(data, machine)
        sections = _sections(data, shoff, shentsize, shnum, shstrndx)
        symbols = _dynamic_symbols(data, sections, (b"_PyRuntime", b"Py_Version"))
        in_section = sections[".PyRuntime"][2] if ".PyRuntime" in sections else None
        return PythonImage(
            fixed=kind == ET_EXEC,
            first_load=_first_load(data, phoff, phentsize, phnum),
            runtime=in_section or symbols.get(b"_PyRuntime"),
            version=symbols.get(b"Py_Version"),
            by_section=in_section is not None,
            bss=sections[".bss"][2:0:-1] if ".bss" in sections else (0, 0),
            asyncio_debug=sections[".AsyncioDebug"][2] if ".AsyncioDebug" in sections else None,
        )


def _first_load(data: mmap.mmap, phoff: int, entry: int, count: int) -> int:
    for index in range(count):
        kind, _, offset, address, *_ = _SEGMENT.unpack_from(data, phoff + index * entry)
        if kind == PT_LOAD:
            first: int = address - offset
            return first
    raise NotElf64("an ELF file that loads nothing")


def _sections(
    data: mmap.mmap, shoff: int, entry: int, count: int, names: int
) -> dict[str, tuple[int, int, int]]:
    """{name: (offset, size, address)}"""
    headers: list[tuple[int, ...]] = [_SECTION.unpack_from(data, shoff + i * entry) for i in range(count)]
    if not headers:
        return {}
    strings = headers[names][4]
    found = {}
    for name, _, _, address, offset, size, *_ in headers:
        end = data.find(b"\0", strings + name)
        found[data[strings + name : end].decode("ascii", "replace")] = (offset, size, address)
    return found


def _dynamic_symbols(
    data: mmap.mmap, sections: dict[str, tuple[int, int, int]], wanted: tuple[bytes, ...]
) -> dict[bytes, int]:
    if ".dynsym" not in sections or ".dynstr" not in sections:
        return {}
    offset, size, _ = sections[".dynstr"]
    strings = data[offset : offset + size]
    # A name's place in the string table is found once, by its bytes; the symbols are then compared by number.
    places = {
        strings.find(b"\0" + name + b"\0") + 1: name for name in wanted if b"\0" + name + b"\0" in strings
    }
    offset, size, _ = sections[".dynsym"]
    return {
        places[name]: value
        for name, _, _, _, value, _ in _SYMBOL.iter_unpack(data[offset : offset + size])
        if name in places and value
    }
