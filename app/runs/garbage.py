"""When the server's own garbage collector looks for cycles.

A full collection looks at all that runs and viewers hold, and nobody is sent anything meanwhile: with two
runs of 64 threads and 500 viewers, 80 ms of CPU every seven seconds by CPython's own thresholds. So it comes
seldom while they are there, and at once when a run, which is one large cycle, leaves memory.
"""

from __future__ import annotations

import gc

# Objects made and not freed, before the young are looked at; how many of those looks before one at the older
# ones; and how many of these before one at all: half a million objects, a minute of what is described above.
SELDOM = (10_000, 10, 5)


def collect_seldom() -> None:
    """From now on; what is there now is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def collect_now() -> None:
    """Once a run has left memory; without effect in a process that collects as CPython does."""
    if gc.get_threshold() == SELDOM:
        gc.collect()
