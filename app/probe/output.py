"""What a target writes on its standard streams, taken from a pipe so that it is seldom held up."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
from typing import Any

KEPT = 65536  # the tail that is kept, and the most that is told at once
_ERROR_TAIL = 8192
_PIPE = 1 << 20  # room for what a target writes between two drains; one that writes more waits
_F_SETPIPE_SZ = 1031  # which fcntl names from 3.10 on


class Output:
    """The reading end of a pipe, and the tail of what came out of it. `writer` is for the target."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(PermissionError):  # above the user's limit the pipe stays at 64 KiB
            fcntl.fcntl(self._reader, _F_SETPIPE_SZ, _PIPE)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = b""
        self._untold = b""
        self._dropped = 0

    def started(self) -> None:
        """The target has its own end now: ours is closed, so that its end is seen."""
        os.close(self.writer)

    def drain(self) -> None:
        """Takes what is there, without waiting."""
        if self._reader < 0:
            return
        try:
            data = os.read(self._reader, _PIPE)
        except BlockingIOError:
            return
        if not data:
            self.close()
        self._tail = (self._tail + data)[-_ERROR_TAIL:]
        self._untold += data
        self._dropped += max(0, len(self._untold) - KEPT)
        self._untold = self._untold[-KEPT:]

    def told(self) -> dict[str, Any] | None:
        """What came since the last call, as the data of a report; None where nothing did."""
        if not self._untold:
            return None
        report: dict[str, Any] = {"output": self._decoder.decode(self._untold)}
        if self._dropped:
            report["dropped"] = self._dropped
        self._untold, self._dropped = b"", 0
        return report

    def close(self) -> None:
        """Gives the descriptor back; a second call does nothing."""
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1

    @property
    def tail(self) -> str:
        """The last 8 KiB."""
        return self._tail.decode("utf-8", "replace").strip()
