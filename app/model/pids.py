"""The pids of a run whose processes run on several machines."""

from __future__ import annotations

BEYOND = 10_000_000  # more than any pid: worker 3's 1234 is 30001234 where another machine has a 1234


def own_pid(pid: int) -> int:
    """What the process's own machine calls it, which says who it is beside the machine's name alone."""
    return pid % BEYOND
