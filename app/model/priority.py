"""A place among those that want a CPU, for the observer and for the server."""

from __future__ import annotations

import contextlib
import os

FIRST = -10  # niceness: of a CPU that two want all the time, nine tenths
_SESSION = "/proc/self/autogroup"


def come_first() -> bool:
    """Ask the kernel for the CPU before others, as root may: whether it was given to this thread.

    Where every CPU is busy with what is observed, a sample is else late, and a viewer waits for slices that
    are there: docs/benchmarks.md. A niceness or a policy that somebody has chosen stays, and what this thread
    starts, threads too, has the usual one. Where the kernel shares CPUs out by sessions, a niceness counts
    within its session alone, so one that is this process's own asks, too.
    """
    if os.sched_getscheduler(0) != os.SCHED_OTHER or os.getpriority(os.PRIO_PROCESS, 0) != 0:
        return False
    try:
        # musl has no such call, and without it what is started would come first, too.
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, FIRST)
    except OSError:
        return False
    if os.getsid(0) == os.getpid():
        # There may be no such file, /proc may be read-only, and a kernel takes but ten such words a second:
        # then the session stays as it is.
        with contextlib.suppress(OSError), open(_SESSION, "w") as session:
            session.write(str(FIRST))
    return True
