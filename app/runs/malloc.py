"""What the server's C library keeps of the memory that runs have freed.

Each run's ring holds texts of a kilobyte to some tens for ten seconds; between them lies what its ledger
learns, for as long as the run is there. glibc takes all of that from one heap, which then grows although no
more of it is in use (docs/cases/soak.md). A block with a mapping of its own leaves no hole; where smaller
ones have left whole pages free between others, they are given back once a run has left memory.
"""

from __future__ import annotations

import ctypes

LARGE = 16 * 1024  # bytes: above most messages, below the figures
_M_MMAP_THRESHOLD = -3  # malloc.h


def map_large_blocks() -> bool:
    """Have malloc map each large block by itself; False where the C library knows no such choice."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_MMAP_THRESHOLD, LARGE) == 1


def give_back() -> bool:
    """Give the kernel each page that is free; False where there was none, or the C library cannot.

    Some milliseconds, in which no other thread may allocate from the same heap.
    """
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return malloc_trim is not None and malloc_trim(0) == 1
