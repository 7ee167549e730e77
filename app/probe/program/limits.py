"""Limits of each process of a program that the observer starts: the kernel's own, which its children inherit.

Limits of all of them together: group.py.
"""

from __future__ import annotations

import os
import resource

from app.model.spec import Limits
from app.probe.kernel import access


def of(limits: Limits) -> list[tuple[int, int]]:
    """What is to be set, as (resource, bound); read before the fork, as it takes a look at every process."""
    wanted: list[tuple[int, int | None]] = [
        (resource.RLIMIT_DATA, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
    ]
    if limits.processes is not None and limits.group is None:  # in a group they are counted by themselves
        wanted.append((resource.RLIMIT_NPROC, limits.processes + _tasks_of_user()))
    return [(which, _lowered(which, bound)) for which, bound in wanted if bound is not None]


def apply(bounds: list[tuple[int, int]]) -> None:
    """Set them for this process and what it starts; nothing that they start can raise them again."""
    for which, bound in bounds:
        resource.setrlimit(which, (bound, bound))


def _lowered(which: int, bound: int) -> int:
    _, hard = resource.getrlimit(which)
    return bound if hard == resource.RLIM_INFINITY else min(bound, hard)


def _tasks_of_user() -> int:
    """The processes and threads of this user, by which the kernel counts."""
    count = 0
    for pid in access.pids():
        try:
            if os.stat(f"/proc/{pid}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:  # it has ended
            continue
    return count
