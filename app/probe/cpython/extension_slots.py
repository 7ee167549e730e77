"""Whether the file of a C extension declares that its module can do without the GIL.

A free-threaded build switches its GIL on when it imports an extension that does not say that it can do
without (PEP 703; "Py_mod_gil" in the documentation of CPython's C API). There are two ways of saying so:

    {Py_mod_gil, Py_MOD_GIL_NOT_USED}   among the slots of its PyModuleDef (multi-phase initialisation): 4, 1
    PyUnstable_Module_SetGIL()          called while it initialises, mostly where that has one phase

The definition is data, which is found by its name: a relocated pointer to the string that PyInit_NAME gives,
and four words behind it a pointer to the slots. Both are so in builds with and without a GIL, whose
PyModuleDef differ only before the name. What was built while the program runs, or under another name, is not
found, and then it cannot be known.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from app.probe.kernel.elf import NotElf64, Places, loaded_at, places
from app.probe.kernel.machine import HERE, Abi

DECLARES, DOES_NOT, UNKNOWN = "declares", "does-not", "unknown"

_PY_MOD_GIL = 4
_NOT_USED = 1
_MOST_SLOTS = 32
_LAST_SLOT = 64  # 3.15 knows a dozen; what has others is no array of slots
_SLOT = struct.Struct("<i4xQ")
_ENTRY = 24  # bytes of an Elf64_Rela: offset, info, addend
_SLOTS_BEHIND_NAME = 32  # m_doc, m_size and m_methods stand between
_INIT = re.compile(rb"\0PyInit_([A-Za-z0-9_]+)(?=\0)")
_FREE_THREADED = re.compile(r"cpython-3\d+t-")
_ONE_PHASE, _MORE_PHASES = b"\0PyModule_Create2\0", b"\0PyModuleDef_Init\0"
_PYTHON = b"\0_PyRuntime\0"  # the interpreter itself, with the modules that are built into it
_SETS_GIL = b"\0PyUnstable_Module_SetGIL\0"

_OWN = ("/lib-dynload/",)
_LIMITED = ".abi3."


class GilDeclaration(NamedTuple):
    """What a file says: `says` is DECLARES, DOES_NOT or UNKNOWN."""

    says: str
    why: str


def declared(path: str, data: mmap.mmap, machine: Abi = HERE) -> GilDeclaration | None:
    """What the extension in a file for a machine declares; None where it is no extension of Python."""
    try:
        found = places(data, machine)
    except NotElf64:
        return None
    offset, size = found.span(".dynstr")
    strings = data[offset : offset + size]
    names = [match[1] for match in _INIT.finditer(strings)]
    if not names or _PYTHON in strings:
        return None
    if any(part in path for part in _OWN):
        return GilDeclaration(DECLARES, "part of Python itself, which declares it from 3.13 on")
    if _LIMITED in path:
        return GilDeclaration(
            DOES_NOT, "built for the stable ABI, which free-threaded 3.13 and 3.14 do not load"
        )
    if _SETS_GIL in strings:
        return GilDeclaration(DECLARES, "it calls PyUnstable_Module_SetGIL")
    for name in names:
        slots = _slots(found, name, machine.relative)
        if slots is not None:
            return _judged(slots, path)
    if _ONE_PHASE in strings and _MORE_PHASES not in strings:
        return GilDeclaration(
            DOES_NOT, "its initialisation has one phase, without slots" + _another_may(path)
        )
    return GilDeclaration(UNKNOWN, "its module definition was not found in the file")


def _judged(slots: list[tuple[int, int]], path: str) -> GilDeclaration:
    said = dict(slots).get(_PY_MOD_GIL)
    if said == _NOT_USED:
        return GilDeclaration(DECLARES, "its slot Py_mod_gil says that it does not need the GIL")
    if said is not None:
        return GilDeclaration(DOES_NOT, "its slot Py_mod_gil says that it needs the GIL" + _another_may(path))
    return GilDeclaration(DOES_NOT, "this file has no slot Py_mod_gil" + _another_may(path))


def _another_may(path: str) -> str:
    """A file for builds with a GIL says nothing of the one for builds without."""
    return "" if _FREE_THREADED.search(path) else "; a build of it for free threading may"


def _slots(found: Places, name: bytes, relative: int) -> list[tuple[int, int]] | None:
    """(slot, value) of its definition; None where no definition with slots was found."""
    for address in _strings(found, name):
        for place in _pointers_to(found, address, relative):
            target = _pointer_at(found, place + _SLOTS_BEHIND_NAME, relative)
            offset = None if target is None else loaded_at(found, target)
            if offset is None:
                continue
            slots = [*_read_slots(found.data, offset)]
            if slots and all(0 < slot <= _LAST_SLOT for slot, _ in slots):
                return slots
    return None


def _strings(found: Places, name: bytes) -> Iterator[int]:
    """Where in memory the name lies, alone or as the last part of a dotted one."""
    offset, size = found.span(".rodata")
    at = offset - 1
    while (at := found.data.find(name + b"\0", at + 1, offset + size)) >= 0:
        begin = at
        if found.data[at - 1 : at] == b".":
            begin = found.data.rfind(b"\0", 0, at) + 1
        elif found.data[at - 1 : at] != b"\0":
            continue
        address = found.address(begin)
        if address is not None:
            yield address


def _pointers_to(found: Places, address: int, relative: int) -> Iterator[int]:
    """Where relocations put a pointer to an address."""
    offset, size = found.span(".rela.dyn")
    pattern = struct.pack("<Qq", relative, address)
    at = offset - 1
    while (at := found.data.find(pattern, at + 1, offset + size)) >= 0:
        if (at - offset) % _ENTRY == 8:
            yield struct.unpack_from("<Q", found.data, at - 8)[0]


def _pointer_at(found: Places, place: int, relative: int) -> int | None:
    """What a relocation puts at a place; None where there is none, so that it stays null."""
    offset, size = found.span(".rela.dyn")
    pattern = struct.pack("<QQ", place, relative)
    at = offset - 1
    while (at := found.data.find(pattern, at + 1, offset + size)) >= 0:
        if (at - offset) % _ENTRY == 0:
            target: int = struct.unpack_from("<q", found.data, at + 16)[0]
            return target
    return None


def _read_slots(data: mmap.mmap, offset: int) -> Iterator[tuple[int, int]]:
    for place in range(offset, offset + _SLOT.size * _MOST_SLOTS, _SLOT.size):
        slot, value = _SLOT.unpack_from(data, place)
        if not slot:
            return
        yield slot, value
