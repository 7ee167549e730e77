"""What the C library keeps of what was freed, and what malloc_trim gives back."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from time import monotonic_ns
from typing import Any

from app.workloads.catalogue import Action, Param, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.memory.measures import MEGABYTE, resident, sized, trimmed

TRIMMED_FROM = 0.6  # of the time, where it does so by itself
WATCHED_S = 2.5  # after it: as long as an observer may take to look again

_ACTION = "trim"


class Mallocs:
    """Blocks of the C library's own malloc, on any build of CPython; each is written to."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self._malloc, self._free = library.malloc, library.free
        self._malloc.restype, self._malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self._free.argtypes = [ctypes.c_void_p]
        self._held: list[int] = []

    def take(self, size: int, count: int) -> None:
        """So many more."""
        for _ in range(count):
            block = self._malloc(size)
            if not block:
                raise MemoryError
            ctypes.memset(block, 1, size)
            self._held.append(block)

    def free_all_but(self, every: int) -> int:
        """Frees all but every so manieth; the number of those that it freed."""
        kept = self._held[::every]
        for place, block in enumerate(self._held):
            if place % every:
                self._free(block)
        freed = len(self._held) - len(kept)
        self._held = kept
        return freed

    def free_all(self) -> None:
        """Frees the rest."""
        for block in self._held:
            self._free(block)
        self._held = []


def _work(ctx: Context) -> Json:
    """Take blocks, free most of them, hold still, and have the C library give back what it kept."""
    size = ctx.params["block_kib"] * 1024
    blocks = Mallocs()
    start = resident()
    blocks.take(size, ctx.params["megabytes"] * MEGABYTE // size)
    full = resident()
    freed = blocks.free_all_but(ctx.params["keep_every"])
    ctx.count(freed)
    phases = {"start": start, "full": full, "freed": resident()}
    ctx.report({"phase": "freed"})
    _hold_still(ctx)
    told = None if ctx.stopping else trimmed()
    if told is not None:
        ctx.report({"trimmed": told})
        _watch(ctx)
    blocks.free_all()
    return {"rss": phases, "freed_bytes": freed * size, "trimmed": told}


def _hold_still(ctx: Context) -> None:
    """Until it is asked to trim, or does so by itself."""
    start_ns, deadline_ns = ctx.span
    due_ns = start_ns + int(TRIMMED_FROM * (deadline_ns - start_ns))
    while not ctx.stopping and not (ctx.params["by_itself"] and monotonic_ns() >= due_ns):
        if ctx.next_action() == _ACTION:
            return


def _watch(ctx: Context) -> None:
    end_ns = monotonic_ns() + int(WATCHED_S * 1e9)
    while not ctx.stopping and monotonic_ns() < end_ns:
        ctx.next_action()


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return found[0]


def _showed(result: Json) -> list[str]:
    rss, told = result["rss"], result["trimmed"]
    said = [
        f"{sized(result['freed_bytes'])} were freed, and RSS went from {sized(rss['full'])} to "
        f"{sized(rss['freed'])}: the C library kept the rest for the next block."
    ]
    if told is not None:
        said.append(
            f"malloc_trim(0) gave back {sized(told['rss_before'] - told['rss_after'])}: RSS is "
            f"{sized(told['rss_after'])}."
        )
    return said


MALLOC_TRIM = Workload(
    name="malloc-trim",
    family="memory",
    title="What malloc_trim gives back",
    sentence="Frees most blocks of the C library's heap, which keeps them, and then calls malloc_trim(0).",
    op="one block freed",
    look_for=(
        "Nearly all blocks are freed at once, and RSS stays: in the bar they are free, and malloc_trim would "
        "give them back.",
        "At three fifths of the time malloc_trim(0) is called: RSS falls by what was foretold.",
    ),
    why=(
        "malloc gives back by itself only what is free at the top of its heap. One block in use above a hole "
        "keeps the hole, however large it is.",
        "malloc_trim(0) goes through all free chunks and gives back each whole page inside of them. The "
        "addresses stay the process's: the next block that needs such a page gets a new one from the kernel.",
    ),
    helps=(
        "Call malloc_trim(0) where a peak has passed: ctypes.CDLL(None).malloc_trim(0).",
        "MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ in the environment: large blocks get mappings of "
        "their own, which go back when they are freed.",
        "Another allocator, such as jemalloc by LD_PRELOAD, gives free pages back by itself.",
    ),
    subject="Memory management: the C library below Python's allocator (chapter 17).",
    roles=("main",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    actions=(Action(_ACTION, "malloc_trim(0)", "Have the C library give its free pages back now."),),
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("freed_bytes", "Freed", "bytes"),
        Shown("rss.start", "RSS at the start", "bytes"),
        Shown("rss.full", "RSS at its fullest", "bytes"),
        Shown("rss.freed", "RSS once freed", "bytes"),
        Shown("trimmed.rss_after", "RSS after malloc_trim", "bytes"),
    ),
    params=(
        Param("megabytes", "int", 96, "How much is taken.", min=4, max=250, unit="MB"),
        Param(
            "block_kib",
            "int",
            16,
            "The size of a block: from 128 KiB on glibc gives each a mapping of its own.",
            min=1,
            max=96,
            unit="KiB",
        ),
        Param("keep_every", "int", 8, "One block in so many is kept, and holds the others.", min=2, max=1000),
        Param(
            "by_itself",
            "bool",
            True,
            "Whether it trims by itself at three fifths of the time, or waits to be asked.",
        ),
    ),
)
