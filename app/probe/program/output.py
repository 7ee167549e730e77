"""What a target writes on its standard streams, taken from a pipe so that it is not held up.

Only the end of it is ever told, so the rest goes from the pipe to /dev/null inside the kernel, uncopied
(splice): a program that writes a gigabyte a second costs the observer next to nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import ctypes
import fcntl
import os
import struct
import termios
from typing import Any

KEPT = 65536  # the tail that is kept, and the most that is told at once
TOLD_IN_FULL = 8 << 20  # after so much no more than SAMPLED is told at once: a recording is not to be a flood
SAMPLED = 1024
_PIPE = 1 << 20  # room for what a target writes between two drains; one that writes more waits
_MOST_A_TURN = 4 * _PIPE  # sampling goes on beside a target that writes without end
_F_SETPIPE_SZ = 1031  # which fcntl names from 3.10 on
_SPLICE_F_NONBLOCK = 2

_libc = ctypes.CDLL(None, use_errno=True)


class Output:
    """The reading end of a pipe, and the tail of what came out of it. `writer` is for the target.

    `whole`: nothing of the first TOLD_IN_FULL bytes is let go, so the target waits where it writes too fast.
    """

    def __init__(self, whole: bool = False) -> None:
        self._whole = whole
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(PermissionError):  # above the user's limit the pipe stays at 64 KiB
            fcntl.fcntl(self._reader, _F_SETPIPE_SZ, _PIPE)
        self._nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self._untold = b""
        self._dropped = 0
        self._told = 0
        self.total = 0  # bytes that came

    def started(self) -> None:
        """The target has its own end now: ours is closed, so that its end is seen."""
        os.close(self.writer)

    @property
    def is_whole(self) -> bool:
        """Whether all of what comes is told."""
        return self._whole and self.total < TOLD_IN_FULL

    def relieve(self) -> None:
        """Makes room in a pipe that fills up; costs one system call where it does not."""
        if self.is_whole:
            return
        for _ in range(_MOST_A_TURN // _PIPE):
            excess = self._there() - KEPT
            if excess <= 0 or not self._skip(excess):
                return

    def drain(self) -> None:
        """Takes what is there, without waiting."""
        self.relieve()
        if self._reader < 0:
            return
        try:
            data = os.read(self._reader, _PIPE)
        except BlockingIOError:
            return
        if not data:
            self.close()
        is_whole = self.is_whole  # these are still among the first
        self.total += len(data)
        self._tail = (self._tail + data)[-KEPT:]
        self._untold += data
        if is_whole:
            return
        self._dropped += max(0, len(self._untold) - KEPT)
        self._untold = self._untold[-KEPT:]

    def _there(self) -> int:
        """How many bytes the pipe holds."""
        if self._reader < 0:
            return 0
        answer = fcntl.ioctl(self._reader, termios.FIONREAD, b"\0" * 4)
        there: int = struct.unpack("=i", answer)[0]
        return there

    def _skip(self, size: int) -> bool:
        """Drops the next `size` bytes, or fewer; whether any were there. What was read before is older."""
        skipped = _libc.splice(self._reader, None, self._nowhere, None, size, _SPLICE_F_NONBLOCK)
        if skipped <= 0:
            return False
        self.total += skipped
        self._dropped += skipped + len(self._untold)
        self._untold = self._tail = b""
        return True

    def told(self, last: bool = False) -> dict[str, Any] | None:
        """What came since the last call, as the data of a report; None where nothing did.

        Where much was told before only the end of it, unless it is the last that is told.
        """
        if not self._untold:
            return None
        if self._told > TOLD_IN_FULL and not last:
            self._dropped += max(0, len(self._untold) - SAMPLED)
            self._untold = self._untold[-SAMPLED:]
        self._told += len(self._untold)
        report: dict[str, Any] = {"output": self._decoder.decode(self._untold)}
        if self._dropped:
            report["dropped"] = self._dropped
        self._untold, self._dropped = b"", 0
        return report

    def close(self) -> None:
        """Gives the descriptors back; a second call does nothing."""
        if self._reader >= 0:
            os.close(self._reader)
            os.close(self._nowhere)
            self._reader = -1

    @property
    def tail(self) -> str:
        """The last 64 KiB."""
        return self._tail.decode("utf-8", "replace").strip()
