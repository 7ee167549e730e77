"""Kinds of mappings, from their lines and from what lies in them."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

import pytest
from support.targets import standing_by, waiting

from app.probe.kernel import regions
from app.probe.kernel.mappings import Walk, _add, kind_of, walk
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory
from app.probe.kernel.pagemap import open_pagemap
from app.probe.kernel.regions import thread_stack
from app.probe.kernel.rollup import sums
from app.probe.sampling.slow import finished

MIB = 1 << 20


@pytest.mark.parametrize(
    ("mode", "name", "kind"),
    [
        (b"rw-p", b"[heap]", "heap"),
        (b"rw-p", b"[stack]", "stacks"),
        (b"rw-p", b"", "anonymous"),
        (b"rw-p", b"[anon:cpython:pymalloc]", "anonymous"),
        (b"---p", b"", "other"),
        (b"r-xp", b"[vdso]", "other"),
        (b"r--p", b"/usr/lib/libc.so.6", "file"),
        (b"---p", b"/usr/lib/libc.so.6", "file"),
        (b"rw-p", b"/tmp/big (deleted)", "file"),
        (b"rw-s", b"/dev/shm/psm_1234", "shared"),
        (b"rw-s", b"/memfd:gilscope (deleted)", "shared"),
        (b"rw-s", b"/dev/zero (deleted)", "shared"),
        (b"rw-s", b"[anon_shmem:mine]", "shared"),
        (b"rw-s", b"/SYSV00000000 (deleted)", "shared"),
        (b"rw-s", b"/dev/dri/renderD128", "other"),
        (b"rw-p", b"anon_inode:[perf_event]", "other"),
    ],
)
def test_the_kind_is_told_by_the_line(mode: bytes, name: bytes, kind: str) -> None:
    assert kind_of(mode, name) == kind


def test_blocks_of_a_process_that_ends_in_the_search_are_none() -> None:
    with waiting() as child:
        memory, pagemap = ProcessMemory(child.pid), open_pagemap(child.pid)
        [*_, (first, beyond)] = (
            tuple(int(at, 16) for at in line.split()[0].split("-"))
            for line in Path(f"/proc/{child.pid}/maps").read_text().splitlines()
            if "[heap]" in line
        )
    try:
        with pytest.raises(AddressSpaceGone):
            finished(regions.mapped_blocks(memory, pagemap, [(first, beyond)]))
    finally:
        memory.close()
        os.close(pagemap)


def test_a_walk_adds_up_to_what_the_kernel_adds_up_itself() -> None:
    with waiting() as child:
        found = finished(walk(child.pid, None, (), lambda: None))
        rollup = _rollup(child.pid)
        summed = sums(child.pid)
    # Which pages of files are shared changes whenever another process comes or goes.
    assert (summed.rss, summed.swap, summed.uss + summed.shared) == (found.rss, found.swap, found.rss)
    assert found.rss == rollup["Rss"]
    assert found.shared == rollup["Shared_Clean"] + rollup["Shared_Dirty"]
    assert found.uss == rollup["Private_Clean"] + rollup["Private_Dirty"]
    assert found.swap == rollup["Swap"]
    assert abs(found.pss - rollup["Pss"]) < 100 << 10, "the kernel rounds each mapping's down"
    assert found.rss == sum(row[1] for row in found.kinds.values() if row)
    assert found.kinds["arenas"] is found.kinds["c_heap"] is None, "it is no CPython"


def _rollup(pid: int) -> dict[str, int]:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        next(lines)
        parted = (line.partition(":") for line in lines)
        return {name: int(text.split()[0]) << 10 for name, _, text in parted}


@contextmanager
def mapped(size: int) -> Iterator[tuple[mmap.mmap, int]]:
    """A private anonymous mapping, and its address."""
    with mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        export = ctypes.c_char.from_buffer(block)
        try:
            yield block, ctypes.addressof(export)
        finally:
            del export


def test_what_was_touched_is_resident(memory: ProcessMemory) -> None:
    before = finished(walk(os.getpid(), memory, (), list))
    with mapped(64 * MIB) as (private, _), mmap.mmap(-1, 16 * MIB) as shared:
        for page in range(0, 24 * MIB, mmap.PAGESIZE):
            private[page] = 1
        for page in range(0, 4 * MIB, mmap.PAGESIZE):
            shared[page] = 1
        after = finished(walk(os.getpid(), memory, (), list))
    assert after.sizes["anonymous"] - before.sizes["anonymous"] == pytest.approx(64 * MIB, abs=2 * MIB)
    assert after.resident["anonymous"] - before.resident["anonymous"] == pytest.approx(24 * MIB, abs=2 * MIB)
    assert after.sizes["shared"] - before.sizes["shared"] == 16 * MIB
    assert after.resident["shared"] - before.resident["shared"] == 4 * MIB


def test_arenas_are_told_apart_within_a_mapping(memory: ProcessMemory) -> None:
    with mapped(8 * MIB) as (block, start):
        for page in range(0, 3 * MIB, mmap.PAGESIZE):
            block[page] = 1
        arenas = [(start + 6 * MIB, start + 7 * MIB), (start + 2 * MIB, start + 4 * MIB), (4096, 8192)]
        found = finished(walk(os.getpid(), memory, (), lambda: arenas))
    assert (found.kinds["arenas"] or [])[:2] == [3 * MIB, MIB], "what was freed since is in no mapping"
    assert found.rss == sum(found.resident.values())


def test_a_block_of_malloc_may_be_several_mappings(memory: ProcessMemory) -> None:
    """Who asks for huge pages, as numpy does, splits what the C library mapped in one."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    size = 40 * MIB  # above the largest threshold that glibc raises to by itself
    block = libc.malloc(size)
    try:
        ctypes.memset(block, 1, size)
        second = (block // mmap.PAGESIZE + 1) * mmap.PAGESIZE
        assert libc.madvise(second, size - 2 * mmap.PAGESIZE, mmap.MADV_DONTDUMP) == 0
        found = finished(walk(os.getpid(), memory, (), list))
    finally:
        libc.free(block)
    assert found.resident["c_mapped"] >= size
    assert found.rss == sum(found.resident.values())
    assert sum(rss for name, kind, rss in found.largest if kind == "anonymous") < found.rss - size


def test_parts_are_cut_to_what_is_mapped_and_neighbours_joined() -> None:
    there = [(100, 200), (300, 400), (400, 500)]
    assert list(regions.within([(150, 160), (160, 170), (190, 310)], there)) == [
        (150, 170),
        (190, 200),
        (300, 310),
    ]
    assert list(regions.within([(50, 90), (250, 260), (390, 999)], there)) == [(390, 500)]
    assert list(regions.within([(120, 140), (130, 150)], there)) == [(120, 150)]
    assert list(regions.within([(1, 2)], [])) == []


def _stack_pointer(tid: int | None) -> int:
    """Of a thread that is about to block, once it has."""
    while True:
        with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as text:
            words = text.read().split()
        if words[0] != "running":
            return int(words[-2], 16)


def test_a_stack_is_where_its_thread_is(memory: ProcessMemory) -> None:
    there, never = threading.Event(), threading.Event()

    def work() -> None:
        there.set()
        never.wait()

    size = threading.stack_size(24 * MIB)  # more than any that the C library may keep for another
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(size)
    there.wait()
    try:
        assert thread.ident
        [(start, end)] = thread_stack(memory, thread.ident)
        pointer = _stack_pointer(thread.native_id)
        found = finished(walk(os.getpid(), memory, [thread.ident], list))
    finally:
        never.set()
        thread.join()
    assert start < pointer < end
    assert 24 * MIB <= end - start < 25 * MIB
    assert found.sizes["stacks"] >= 24 * MIB


def test_a_process_that_is_gone_has_nothing_to_walk() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()
    assert finished(walk(child.pid, None, (), lambda: None)) is None


def test_a_mapping_that_grows_while_it_is_walked_counts_once() -> None:
    """The kernel goes on behind the end that it had, and finds it again: it reaches beyond that by now."""
    fields = ("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty")
    rest = "AnonHugePages: 0 kB\nPrivate_Hugetlb: 0 kB\nSwap: 0 kB\n"
    found, anonymous = Walk(), []
    for begin, end, kib in ((0x10000, 0x20000, 64), (0x10000, 0x30000, 128), (0x40000, 0x50000, 64)):
        sizes = "".join(f"{name}: {kib * (name in ('Rss', 'Pss', 'Private_Dirty'))} kB\n" for name in fields)
        _add(found, f"{begin:x}-{end:x} rw-p 00000000 00:00 0 \n{sizes}{rest}".encode(), anonymous)
    assert found.rss == found.uss == found.pss == 128 << 10
    assert [(each.first, each.beyond) for each in anonymous] == [(0x10000, 0x20000), (0x40000, 0x50000)]


def test_one_that_ends_in_the_middle_of_a_walk_is_told_by_nothing_and_not_as_empty() -> None:
    """Whichever step it ends at: no page of what is gone is in memory."""
    code = f"import mmap, sys\nkept = mmap.mmap(-1, {256 * MIB}, mmap.MAP_PRIVATE)\nREADY\nsys.stdin.read()"
    for ends_at in count(1):
        with standing_by(sys.executable, code) as child:
            steps = walk(child.pid, None, (), lambda: [(0, 1 << 47)])
            if len([*islice(steps, ends_at)]) < ends_at:
                break
            child.kill()
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            assert finished(steps) is None
    assert ends_at > 2
