"""Descriptors within what is pickled for a worker that does not share the sender's Python objects."""

from __future__ import annotations

import os
from multiprocessing.context import get_spawning_popen
from multiprocessing.reduction import DupFd
from typing import Any


class Passed:
    """A descriptor that comes out of a pickle as a number: a copy of it, which is the receiver's own.

    A child process that is being started gets the copy from its parent; an interpreter of the same process
    makes it itself.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __reduce__(self) -> tuple[Any, ...]:
        if get_spawning_popen() is None:
            return os.dup, (self._fd,)
        return _detach, (DupFd(self._fd),)


def _detach(duplicate: Any) -> int:
    fd: int = duplicate.detach()
    return fd
