"""A process's memory by kind of mapping, from one walk of /proc/PID/smaps.

The kernel gives smaps some 4 KiB a read, each mapping whole, and goes on behind the last: so the walk takes
its time, a read a step, and what it sees of two mappings it sees at two instants.

    heap       [heap], which the C library moves by brk: its main arena
    c_heap     the malloc arenas that glibc makes for other threads, at multiples of 64 MiB, each known by
               the heap_info at its head. Blocks of 128 KiB and more are mappings of their own: anonymous
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
"""

from __future__ import annotations

import os
import re
import struct
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .memory import AddressSpaceGone, ProcessMemory, Range, Unmapped

KINDS = ("heap", "c_heap", "arenas", "stacks", "anonymous", "file", "shared", "other")

_READ = 65536
_RECORD = re.compile(
    rb"^([0-9a-f]+)-([0-9a-f]+) (....) \S+ \S+ \d+ *(.*)\n"
    + b"".join(
        rb"(?:.*\n)*?" + name + rb": +(\d+) kB\n"
        for name in (
            b"Rss", b"Pss", b"Shared_Clean", b"Shared_Dirty", b"Private_Clean", b"Private_Dirty",
            b"Private_Hugetlb", b"Swap",
        )
    ),
    re.MULTILINE,
)  # fmt: skip
_SHARED = (b"/dev/shm/", b"/memfd:", b"/SYSV", b"/dev/zero", b"[anon_shmem:")

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PAGES_A_STEP = 16_384  # of pagemap: 64 MiB of addresses, in about half a millisecond
_READS_A_STEP = 64
_NOT_PRESENT = bytes(range(128))  # bit 63 of an entry says that the page is in memory

_HEAP_MAX = 64 << 20  # glibc's HEAP_MAX_SIZE: its heaps are aligned to it
_HEAP_INFO = struct.Struct("=4Q")  # ar_ptr, prev, size, mprotect_size
_PTHREAD = 4096  # bytes of struct pthread that are searched; it has some 2,300, and they end the stack


@dataclass
class Walk:
    """What a walk found, in bytes."""

    rss: int = 0
    uss: int = 0
    pss: int = 0
    swap: int = 0
    shared: int = 0
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    resident: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    unknown: set[str] = field(default_factory=set)  # kinds that could not be told from anonymous memory

    @property
    def kinds(self) -> dict[str, list[Any] | None]:
        """As a memory message has them: [size, rss] of each; null where it could not be told apart."""
        return {
            kind: None if kind in self.unknown else [self.sizes[kind], self.resident[kind]] for kind in KINDS
        }


def walk(
    pid: int, memory: ProcessMemory | None, threads: Iterable[int], arenas: Iterable[Range] | None
) -> Generator[None, None, Walk | None]:
    """Walks a step at a time; None where the process has ended or may not be looked at.

    `memory` is a CPython's, or None; `threads` has the pthread_t of each of its threads but the main one. It
    is iterated after all mappings have been seen, so that no stack among them is missed for being new.
    """
    found = Walk()
    anonymous: list[Range] = []
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
        pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        try:
            for kind, parts in _parts(memory, threads, arenas, anonymous).items():
                if parts is None:
                    found.unknown.add(kind)
                else:
                    yield from _carve(found, kind, pagemap, within(parts, anonymous))
        finally:
            os.close(pagemap)
    except (AddressSpaceGone, OSError):
        return None
    return found


def _add(found: Walk, text: bytes, anonymous: list[Range]) -> None:
    """Adds the mappings that one read of smaps gave."""
    for start, end, mode, name, *numbers in _RECORD.findall(text):
        first, beyond = int(start, 16), int(end, 16)
        rss, pss, shared_clean, shared_dirty, private_clean, private_dirty, huge, swap = map(int, numbers)
        found.rss += rss << 10
        found.pss += pss << 10
        found.shared += shared_clean + shared_dirty << 10
        found.uss += private_clean + private_dirty + huge << 10
        found.swap += swap << 10
        kind = kind_of(mode, name)
        found.sizes[kind] += beyond - first
        found.resident[kind] += rss << 10
        if kind == "anonymous":
            anonymous.append((first, beyond))


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


# ---- what a mapping is made of


def _parts(
    memory: ProcessMemory | None,
    threads: Iterable[int],
    arenas: Iterable[Range] | None,
    anonymous: list[Range],
) -> dict[str, list[Range] | None]:
    """The addresses of each kind that lies in anonymous memory; None where they are not known."""
    stacks = [] if memory is None else [part for thread in threads for part in thread_stack(memory, thread)]
    return {
        "arenas": None if arenas is None else list(arenas),
        "c_heap": None if memory is None else list(_c_heaps(memory, anonymous)),
        "stacks": stacks,
    }


def thread_stack(memory: ProcessMemory, thread: int) -> list[Range]:
    """The stack of a thread that is not the main one, with its descriptor at the top; none with musl.

    The fields stackblock and stackblock_size are known by what they must be, for their place in struct
    pthread is another in each glibc.
    """
    words = _words(memory, thread, _PTHREAD) or _words(memory, thread, -thread % _PAGE)
    for block, size in zip(words, words[1:]):
        if block and not (block | size) % _PAGE and block < thread < block + size < thread + 2 * _PTHREAD:
            return [(block, block + size)]
    return []


def _words(memory: ProcessMemory, address: int, size: int) -> tuple[int, ...]:
    """The memory there as words; () where some of it is not mapped."""
    try:
        return struct.unpack(f"={size // 8}Q", memory.read(address, size // 8 * 8))
    except Unmapped:
        return ()


def _c_heaps(memory: ProcessMemory, anonymous: list[Range]) -> Iterator[Range]:
    for first, beyond in anonymous:
        for start in range(first + -first % _HEAP_MAX, beyond, _HEAP_MAX):
            try:
                arena, previous, size, usable = _HEAP_INFO.unpack(memory.read(start, _HEAP_INFO.size))
            except Unmapped:
                continue
            if (
                arena
                and arena % _HEAP_MAX < _PAGE
                and not previous % _HEAP_MAX
                and 0 < size <= usable <= beyond - start
                and not (size | usable) % _PAGE
            ):
                yield start, start + usable


def within(parts: Iterable[Range], mappings: list[Range]) -> Iterator[Range]:
    """What of the parts is mapped; neighbours are joined, so that few reads do for many arenas."""
    starts = [start for start, _ in mappings]
    first = beyond = 0
    for start, end in sorted(parts):
        index = max(bisect_right(starts, start) - 1, 0)
        for low, high in mappings[index:]:
            if low >= end:
                break
            low, high = max(low, start, beyond), min(high, end)
            if low >= high:
                continue
            if low == beyond:
                beyond = high
                continue
            if beyond:
                yield first, beyond
            first, beyond = low, high
    if beyond:
        yield first, beyond


def _carve(found: Walk, kind: str, pagemap: int, parts: Iterable[Range]) -> Generator[None, None, None]:
    """Takes the parts out of the anonymous memory that they were counted as."""
    pages = reads = 0
    for start, size in _pieces(parts):
        entries = os.pread(pagemap, size // _PAGE * 8, start // _PAGE * 8)
        present = len(entries[7::8].translate(None, _NOT_PRESENT)) * _PAGE
        present = min(present, found.resident["anonymous"])
        found.sizes["anonymous"] -= size
        found.sizes[kind] += size
        found.resident["anonymous"] -= present
        found.resident[kind] += present
        pages, reads = pages + size // _PAGE, reads + 1
        if pages >= _PAGES_A_STEP or reads >= _READS_A_STEP:
            pages = reads = 0
            yield


def _pieces(parts: Iterable[Range]) -> Iterator[Range]:
    """(start, size) of what one read of pagemap is to cover."""
    for first, beyond in parts:
        for start in range(first, beyond, _PAGES_A_STEP * _PAGE):
            yield start, min(beyond - start, _PAGES_A_STEP * _PAGE)
