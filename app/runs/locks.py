"""Locks on files: whoever writes one holds it, and it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os


def lock(descriptor: int) -> None:
    """Take the lock of an open file; BlockingIOError where another process holds it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether another process holds the lock of a file; FileNotFoundError."""
    with open(path, "rb") as file:
        try:
            lock(file.fileno())
        except BlockingIOError:
            return True
    return False
