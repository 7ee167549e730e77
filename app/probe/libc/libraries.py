"""Which C library and which other allocators a process has mapped, from /proc/PID/maps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Range, Unmapped

_GLIBC = re.compile(r"libc(?:\.so\.6|-2\.\d+\.so)")
# What Alpine calls ld-musl-x86_64.so.1 is a link to libc.so elsewhere, and the map has the file's own name.
_MUSL = re.compile(r"(?:ld-musl-|libc\.musl-).*\.so.*|libc\.so")
_OTHERS = re.compile(r"lib(jemalloc|tcmalloc|mimalloc)[-_.0-9a-z]*\.so.*")
_RELEASE = re.compile(rb"release version (\d+\.\d+)")
_LARGEST = 8 << 20  # of a library's constants: glibc has some 350 KiB


@dataclass
class Glibc:
    """A glibc that is mapped: what of it can be written to, and where its constants lie."""

    path: str
    data: list[Range] = field(default_factory=list)
    constants: list[Range] = field(default_factory=list)

    def version(self, memory: ProcessMemory) -> str | None:
        """As its own banner says: "2.36"."""
        for start, end in self.constants:
            try:
                found = _RELEASE.search(memory.read(start, min(end - start, _LARGEST)))
            except Unmapped:
                continue
            if found is not None:
                return found[1].decode()
        return None


@dataclass
class Mapped:
    """What of a process's map concerns its allocators."""

    glibc: list[Glibc]
    musl: bool
    others: list[str]  # "jemalloc", sorted
    heap: Range | None  # [heap], which moves by brk


def mapped(pid: int) -> Mapped:
    """Raises AddressSpaceGone where the process has ended or may not be looked at.

    A library that is mapped twice, as by dlmopen, is two: the second begins where its first byte is again.
    """
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as lines:
            text = lines.read()
    except OSError:
        raise AddressSpaceGone(pid) from None
    if not text:
        raise AddressSpaceGone(pid)
    return _of(text.splitlines())


def _of(lines: list[str]) -> Mapped:
    libraries: list[Glibc] = []
    others: set[str] = set()
    found = Mapped(libraries, False, [], None)
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) < 6:
            continue
        span, mode, offset, _, _, path = fields
        start, end = (int(part, 16) for part in span.split("-"))
        if path == "[heap]":
            # One whole: where a part of it was advised to have huge pages, the map has a line for each.
            found.heap = found.heap[0] if found.heap else start, end
            continue
        name = path.rpartition("/")[2].removesuffix(" (deleted)")
        if _GLIBC.fullmatch(name):
            if not libraries or libraries[-1].path != path or int(offset, 16) == 0:
                libraries.append(Glibc(path))
            if mode.startswith("rw"):
                libraries[-1].data.append((start, end))
            elif mode.startswith("r--"):
                libraries[-1].constants.append((start, end))
        elif _MUSL.fullmatch(name):
            found.musl = True
        elif other := _OTHERS.fullmatch(name):
            others.add(other[1])
    found.others = sorted(others)
    return found
