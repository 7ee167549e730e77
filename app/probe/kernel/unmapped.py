"""Shared memory that is in no process's RSS, since nobody maps it: files in memory that were left.

A file of /dev/shm takes memory until its name is unlinked and nobody holds it open, whether somebody maps it
or not. A file that is open tells who holds it; a name does not tell who made it, only of which user it is and
when it last changed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Iterator
from itertools import chain

from . import procfs

FileId = tuple[int, int]  # device, inode

_IN_MEMORY = ("/dev/shm/", "/memfd:")
_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) +(?:/dev/shm/|/memfd:)", re.MULTILINE)
_READ = 65536
_BLOCK = 512  # bytes, of st_blocks
_LEAST_BYTES = 8 << 20  # less is not worth a word, nor a look at what all processes map


def unmapped(pid: int) -> Generator[None, None, dict[FileId, int]]:
    """The bytes of each file that no process maps; in steps of less than a millisecond.

    They are those that `pid` and the processes below it hold open, and those in its /dev/shm that are its
    user's and changed since it began. A process that may not be looked at is taken to map none.
    """
    files, tree = dict(_named(pid)), (pid, *procfs.descendants(pid))
    for each in tree:
        files.update(_open(each))
        yield
    for each in chain(tree, _pids()):  # the tree first: most often that is enough
        if sum(files.values()) < _LEAST_BYTES:
            break
        for mapped in (yield from _mapped(each)):
            files.pop(mapped, None)
        yield
    return files


def _named(pid: int) -> Iterator[tuple[FileId, int]]:
    now = procfs.stat(pid)
    if now is None:
        return
    booted_s = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    since_s = booted_s + now.start_ticks / os.sysconf("SC_CLK_TCK")
    try:
        user = os.stat(f"/proc/{pid}").st_uid
        with os.scandir(f"/proc/{pid}/root/dev/shm") as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if (
                    found.st_uid == user
                    and found.st_ctime >= since_s
                    and entry.is_file(follow_symlinks=False)
                ):
                    yield _told(found)
    except OSError:
        return  # it has ended, or has no such directory


def _open(pid: int) -> Iterator[tuple[FileId, int]]:
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except OSError:
        return
    for name in names:
        path = f"{directory}/{name}"
        try:
            if os.readlink(path).startswith(_IN_MEMORY):
                yield _told(os.stat(path))
        except OSError:
            continue  # it has just been closed


def _told(found: os.stat_result) -> tuple[FileId, int]:
    return (found.st_dev, found.st_ino), found.st_blocks * _BLOCK


def _mapped(pid: int) -> Generator[None, None, set[FileId]]:
    """The files in memory that it maps; a step for each 4 KiB of its maps, each line of which comes whole."""
    found: set[FileId] = set()
    try:
        maps = os.open(f"/proc/{pid}/maps", os.O_RDONLY | os.O_CLOEXEC)
        try:
            while text := os.read(maps, _READ):
                for major, minor, inode in _MAPPED.findall(text):
                    found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
                yield
        finally:
            os.close(maps)
    except OSError:
        pass  # it has ended, or may not be looked at
    return found


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
