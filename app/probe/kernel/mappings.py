"""A process's memory by kind of mapping, from one walk of /proc/PID/smaps.

The kernel gives smaps some 4 KiB a read, each mapping whole, and goes on behind the last: so the walk takes
its time, a read a step, and what it sees of two mappings it sees at two instants.

    heap       [heap], which the C library moves by brk: its main arena
    c_heap     the malloc arenas that glibc makes for other threads, at multiples of 64 MiB, each known by
               the heap_info at its head
    c_mapped   blocks of glibc's malloc that have a mapping of their own, known by their heads
    arenas     pymalloc's, or mimalloc's segments, where the heap's reader found them last; null before it has
               found any. Those that came since are anonymous
    stacks     [stack], and those of the threads that Python knows: pthread_t is an address at the top of
               the thread's stack, and glibc notes beside it where the stack begins and how long it is
    anonymous  private memory without a file that is none of these, the .bss of libraries with it
    file       files, the pages that were written to and are the process's own since with them
    shared     memory that belongs to no file on disk and may be several processes': shm, memfd, MAP_SHARED
    other      what the kernel maps by itself, devices, and addresses that are only reserved

The kernel joins neighbours, so that an arena, a stack and a buffer may be one mapping. Which pages of it each
of them has in memory is read from /proc/PID/pagemap. A page of zeros that was read and never written to is in
there and not in the RSS of smaps: what it makes too much, some dozens of KiB, is taken from anonymous memory.
The PSS of a part of a mapping is reckoned as if each page of that were shared alike.

In huge pages the kernel gives a program 2 MiB at a time, or more where pages are larger, of which it may use
little. How much of them is wasted is told by a sample of those in anonymous memory: pages of zeros within
them were most likely never written to.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .huge_pages import waste
from .memory import AddressSpaceGone, ProcessMemory, Range
from .pagemap import PAGE, is_there, open_pagemap, present
from .regions import c_heaps, mapped_blocks, thread_stack, within, without

KINDS = ("heap", "c_heap", "c_mapped", "arenas", "stacks", "anonymous", "file", "shared", "other")

_READ = 65536
_RECORD = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \d+ *(.*)\n"
    + b"".join(
        rb"(?:.*\n)*?" + name + rb": +(\d+) kB\n"
        for name in (
            b"Rss", b"Pss", b"Shared_Clean", b"Shared_Dirty", b"Private_Clean", b"Private_Dirty",
            b"AnonHugePages", b"Private_Hugetlb", b"Swap",
        )
    ),
    re.MULTILINE,
)  # fmt: skip
_SHARED = (b"/dev/shm/", b"/memfd:", b"/SYSV", b"/dev/zero", b"[anon_shmem:")

_PAGES_A_STEP = 16_384  # of pagemap: 64 MiB of addresses, in about half a millisecond
_READS_A_STEP = 64
_LARGEST = 8  # mappings that are named


@dataclass
class Mapping:
    """Private memory of no file."""

    first: int
    beyond: int
    rss: int
    pss: int
    huge: int


@dataclass
class Walk:
    """What a walk found, in bytes."""

    rss: int = 0
    uss: int = 0
    pss: int = 0
    swap: int = 0
    shared: int = 0
    huge: int = 0
    dirty: int = 0  # of the USS, what was written to
    beyond: int = 0  # the address up to which mappings were counted
    huge_waste: int | None = None  # of anonymous memory; None where its pages could not be looked at
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    resident: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    proportional: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    named: dict[tuple[str, str], int] = field(default_factory=dict)  # (name, kind): resident bytes
    unknown: set[str] = field(default_factory=set)  # kinds that could not be told from anonymous memory

    @property
    def kinds(self) -> dict[str, list[Any] | None]:
        """As a memory message has them: [size, rss, pss] of each; null where it could not be told apart."""
        return {
            kind: None
            if kind in self.unknown
            else [self.sizes[kind], self.resident[kind], self.proportional[kind]]
            for kind in KINDS
        }

    @property
    def largest(self) -> list[Sequence[object]]:
        """As a memory message has them: [name, kind, rss] of the mappings that have most in memory."""
        most = sorted(self.named.items(), key=lambda item: -item[1])[:_LARGEST]
        return [[name, kind, rss] for (name, kind), rss in most if rss]


def walk(
    pid: int,
    memory: ProcessMemory | None,
    threads: Iterable[int],
    arenas: Callable[[], Iterable[Range] | None],
) -> Generator[None, None, Walk | None]:
    """Walks a step at a time; None where the process has ended or may not be looked at.

    `memory` may be None; `threads` has the pthread_t of each thread of a CPython but the main one. It and
    `arenas` are asked after all mappings have been seen, so that none of them is missed for being new.
    """
    found = Walk()
    anonymous: list[Mapping] = []
    try:
        smaps = os.open(f"/proc/{pid}/smaps", os.O_RDONLY | os.O_CLOEXEC)
        try:
            while True:
                text = os.read(smaps, _READ)
                if not text:
                    break
                _add(found, text, anonymous)
                yield
        finally:
            os.close(smaps)
        if not anonymous:
            return None  # a zombie, or a kernel thread
        pagemap = open_pagemap(pid)
        try:
            yield from _take_apart(found, memory, threads, arenas(), pagemap, anonymous)
            if not is_there(pagemap, anonymous[0].first):
                return None
        finally:
            os.close(pagemap)
    except (AddressSpaceGone, OSError):
        return None
    return found


def _add(found: Walk, text: bytes, anonymous: list[Mapping]) -> None:
    """Adds the mappings that one read of smaps gave."""
    for start, end, mode, name, *numbers in _RECORD.findall(text):
        first, beyond = int(start, 16), int(end, 16)
        if first < found.beyond:
            continue  # it grew behind the end that it had, where the kernel went on
        found.beyond = beyond
        rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, *rest = map(int, numbers)
        huge, huge_files, swap = rest
        found.rss += rss << 10
        found.pss += pss << 10
        found.shared += shared_clean + shared_dirty << 10
        found.uss += private_clean + private_dirty + huge_files << 10
        found.dirty += private_dirty + huge_files << 10
        found.huge += huge << 10
        found.swap += swap << 10
        kind = kind_of(mode, name)
        found.sizes[kind] += beyond - first
        found.resident[kind] += rss << 10
        found.proportional[kind] += pss << 10
        if kind == "anonymous":
            anonymous.append(Mapping(first, beyond, rss << 10, pss << 10, huge << 10))
        elif kind not in ("heap", "stacks"):
            key = os.fsdecode(name) or "reserved", kind
            found.named[key] = found.named.get(key, 0) + (rss << 10)


def kind_of(mode: bytes, name: bytes) -> str:
    """The kind of a mapping, as far as its own line tells."""
    if name.startswith(_SHARED):
        return "shared"
    if not name or name.startswith(b"[anon:"):
        return "other" if mode == b"---p" else "anonymous"
    if name == b"[heap]":
        return "heap"
    if name.startswith(b"[stack"):
        return "stacks"
    return "file" if name.startswith(b"/") and not name.startswith(b"/dev/") else "other"


# ---- what anonymous memory is made of


def _take_apart(
    found: Walk,
    memory: ProcessMemory | None,
    threads: Iterable[int],
    arenas: Iterable[Range] | None,
    pagemap: int,
    anonymous: list[Mapping],
) -> Generator[None, None, None]:
    ranges = [(each.first, each.beyond) for each in anonymous]
    parts: dict[str, list[Range] | None] = {"arenas": None if arenas is None else list(arenas)}
    if memory is None:
        parts.update(c_heap=None, stacks=[], c_mapped=None)
    else:
        parts["c_heap"] = list(c_heaps(memory, ranges))
        parts["stacks"] = [part for thread in threads for part in thread_stack(memory, thread)]
        taken = [part for some in parts.values() if some for part in some]
        parts["c_mapped"] = yield from mapped_blocks(memory, pagemap, without(ranges, taken))
    for kind, some in parts.items():
        if some is None:
            found.unknown.add(kind)
        else:
            yield from _carve(found, kind, pagemap, within(some, ranges), anonymous)
    for each in anonymous:
        found.named[f"{each.first:x}-{each.beyond:x}", "anonymous"] = each.rss
    if memory is not None:
        taken = [part for some in parts.values() if some for part in some]
        found.huge_waste = 0
        for each in anonymous:
            if each.huge:
                gaps = without([(each.first, each.beyond)], taken)
                found.huge_waste += yield from waste(memory, pagemap, gaps, min(each.huge, each.rss))


def _carve(
    found: Walk, kind: str, pagemap: int, parts: Iterable[Range], anonymous: list[Mapping]
) -> Generator[None, None, None]:
    """Takes the parts out of the anonymous memory that they were counted as."""
    pages = reads = 0
    firsts = [each.first for each in anonymous]
    for start, size in _pieces(parts, [each.beyond for each in anonymous]):
        mapping = anonymous[bisect_right(firsts, start) - 1]
        there = min(present(pagemap, start, size), found.resident["anonymous"])
        share = min(there * mapping.pss // mapping.rss if mapping.rss else 0, found.proportional["anonymous"])
        mapping.pss -= min(share, mapping.pss)
        mapping.rss -= min(there, mapping.rss)
        for sums, bytes_ in (
            (found.sizes, size),
            (found.resident, there),
            (found.proportional, share),
        ):
            sums["anonymous"] -= bytes_
            sums[kind] += bytes_
        pages, reads = pages + size // PAGE, reads + 1
        if pages >= _PAGES_A_STEP or reads >= _READS_A_STEP:
            pages = reads = 0
            yield


def _pieces(parts: Iterable[Range], ends: list[int]) -> Iterator[tuple[int, int]]:
    """(start, size) of what one read of pagemap is to cover: of one of the mappings that end there."""
    for first, beyond in parts:
        start = first
        while start < beyond:
            end = min(beyond, start + _PAGES_A_STEP * PAGE, ends[bisect_right(ends, start)])
            yield start, end - start
            start = end
