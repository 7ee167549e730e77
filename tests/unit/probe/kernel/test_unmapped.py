"""Shared memory that no process maps, by files of this process."""

from __future__ import annotations

import mmap
import os
from multiprocessing import shared_memory

from app.probe.kernel.unmapped import FileId, unmapped

MIB = 1 << 20


def found() -> dict[FileId, int]:
    steps = unmapped(os.getpid())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def identity(path: int | str) -> FileId:
    told = os.stat(path)
    return told.st_dev, told.st_ino


def test_a_file_in_memory_that_is_held_open_is_told_until_somebody_maps_it() -> None:
    fd = os.memfd_create("left")
    try:
        os.write(fd, bytes(9 * MIB))
        assert found()[identity(fd)] == 9 * MIB
        with mmap.mmap(fd, 9 * MIB):
            assert identity(fd) not in found(), "though none of its pages is in this process's RSS yet"
        assert identity(fd) in found()
    finally:
        os.close(fd)


def test_a_segment_that_is_closed_and_not_unlinked_is_told_by_its_name() -> None:
    segment = shared_memory.SharedMemory(create=True, size=12 * MIB)
    path = f"/dev/shm/{segment.name}"
    try:
        segment.buf[: 9 * MIB] = bytes(9 * MIB)
        assert identity(path) not in found()
        segment.close()
        assert found()[identity(path)] == 9 * MIB, "and no more than was written to"
    finally:
        segment.unlink()
    assert not os.path.exists(path)
