"""Names of threads, such that an observer outside sees them on every version."""

from __future__ import annotations

import contextlib
import threading

_COMM_BYTES = 15  # what the kernel keeps of a thread's name


def name_this_thread(name: str) -> None:
    """Give the calling thread its name, in threading and in the kernel.

    CPython passes a name on to the kernel only from 3.14 on, and then only as the thread starts.
    """
    threading.current_thread().name = name
    # A name is a convenience: a sandbox that mounts /proc read-only is no reason not to run.
    with (
        contextlib.suppress(OSError),
        open(f"/proc/self/task/{threading.get_native_id()}/comm", "wb") as comm,
    ):
        comm.write(name.encode()[:_COMM_BYTES])
