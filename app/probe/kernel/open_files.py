"""The descriptors of a process, from /proc/PID/fd: what each is open on."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass

from .procfs import read

_A_STEP = 100  # descriptors: some 2 us each
_MOST = 8  # paths that are told
_LIMIT = re.compile(rb"^Max open files +(\d+|unlimited) ", re.MULTILINE)


@dataclass(frozen=True)
class Descriptors:
    """How many there are by kind; `limit` and `most` as of a message of open files."""

    files: int
    sockets: int
    pipes: int
    others: int
    limit: int | None
    most: list[tuple[str, int]]


def descriptors(pid: int) -> Generator[None, None, Descriptors | None]:
    """Asked in steps; None where the process has ended or may not be looked at."""
    folder, limits = f"/proc/{pid}/fd", read(f"/proc/{pid}/limits")
    try:
        numbers = os.listdir(folder)
    except OSError:
        return None
    if not limits:
        return None
    kinds: Counter[str] = Counter()
    paths: Counter[str] = Counter()
    for place, number in enumerate(numbers, 1):
        try:
            target = os.readlink(f"{folder}/{number}")
        except OSError:
            continue  # it has been closed since
        kind = _kind(target)
        kinds[kind] += 1
        if kind == "files":
            paths[target] += 1
        if place % _A_STEP == 0:
            yield
    found = _LIMIT.search(limits)
    most = [(path, times) for path, times in paths.most_common(_MOST) if times > 1]
    return Descriptors(
        kinds["files"],
        kinds["sockets"],
        kinds["pipes"],
        kinds["others"],
        int(found[1]) if found and found[1].isdigit() else None,
        most,
    )


def _kind(target: str) -> str:
    if target.startswith("/"):
        return "files"
    if target.startswith("socket:"):
        return "sockets"
    return "pipes" if target.startswith("pipe:") else "others"
