"""What the kernel is asked for so that a thread which beats every millisecond wakes on time."""

from __future__ import annotations

import os
import struct

from .machine import HERE


def tighten_timer() -> int | None:
    """Asks the kernel to wake this thread on time: its default slack of 50 us is as long as a whole sample.

    Returns the errno of a kernel that refuses, None where it was done.
    """
    import ctypes

    pr_set_timerslack = 29
    libc = ctypes.CDLL(None, use_errno=True)
    return None if libc.prctl(pr_set_timerslack, 1, 0, 0, 0) == 0 else ctypes.get_errno()


def shorten_slice() -> int | None:
    """Asks the kernel for short slices of CPU, which it owes the sooner: the mean share stays what it was.

    With the default of 3 ms a beat that comes while the target's threads keep every CPU busy is often late by
    more than a period, and just then a lock changes hands. From Linux 6.12 on any process may ask for its own
    slice; older kernels take the call and ignore it. Children do not inherit it.

    Returns the errno of a kernel that refuses, None where it was done.
    """
    import ctypes

    reset_on_fork, slice_ns = 1, 100_000
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
    wanted = struct.pack("=IIQiIQQQ", 48, 0, reset_on_fork, nice, 0, slice_ns, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    return None if libc.syscall(HERE.sched_setattr, 0, wanted, 0) == 0 else ctypes.get_errno()
