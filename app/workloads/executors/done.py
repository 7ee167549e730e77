"""Waiting for the workers of this process, without missing a signal.

A handler runs in the main thread between two byte code instructions. A signal that comes when that thread is
already on its way into a lock, as that of `Thread.join`, is not heard until the lock is free; and beside
computing threads the way is long, because who lets go of the GIL stays until another has it. A pipe keeps
what was written before anybody reads, so each signal's number goes into the pipe that the workers write to.
"""

from __future__ import annotations

import os
import signal

_DONE = b"\0"  # no signal has that number


class Done:
    """Workers tell, the main thread waits for all of them."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def tell(self) -> None:
        """One more worker is done."""
        os.write(self._writer, _DONE)

    def wait(self, workers: int) -> None:
        """Return when so many have told; to be called once."""
        before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        try:
            while workers:
                workers -= os.read(self._reader, workers).count(_DONE)
        finally:
            signal.set_wakeup_fd(before)
            os.close(self._reader)
            os.close(self._writer)
