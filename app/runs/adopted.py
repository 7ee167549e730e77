"""A program whose observer was lost: it becomes this process's child, and runs on to its end.

So no fault of the observer's, and no lack of memory that has the kernel kill it, ends a program that a person
runs at a terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes this process's child."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Adopted:
    """The program, from when it is first seen: this process is above it, and may become its parent."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd = -1  # means this very process, even once its pid is another's
        with contextlib.suppress(ProcessLookupError):
            self._fd = os.pidfd_open(pid)

    async def ended(self) -> int | None:
        """Wait for its end; its exit code, a signal's number negative, or None where it is not our child."""
        try:
            _, status = await asyncio.to_thread(os.waitpid, self._pid, 0)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status)

    def signal(self, number: int, from_terminal: bool = False) -> None:
        """Send it a signal; not one that the terminal has sent to the group that both are in."""
        with contextlib.suppress(ProcessLookupError):
            if self._fd >= 0 and not (from_terminal and os.getpgid(self._pid) == os.getpgrp()):
                signal.pidfd_send_signal(self._fd, number)

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
