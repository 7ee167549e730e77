"""What the workload memory-ladder holds, and what each of its actions does to it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

from app.workloads.context import Json
from app.workloads.memory.measures import (
    MEGABYTE,
    allocator,
    c_library,
    resident,
    sized,
    trimmed,
)
from app.workloads.memory.objects import made, one_a_pool
from app.workloads.memory.reader import ChildReader

SIZES = (64, 128, 256, 512)  # of the small objects, in equal parts by bytes
LARGE_BYTES = 16 * 1024
MOST_MB = 250  # that may be held at a time
CYCLES = 50_000


class Ladder:
    """Small objects, large ones, and a child that reads them; an action moves one or more of the rungs."""

    def __init__(self, megabytes_a_time: int) -> None:
        self._bytes_a_time = megabytes_a_time * MEGABYTE
        self._small: list[bytes] = []
        self._large: list[bytes] = []
        self._child: ChildReader | None = None

    def do(self, action: str) -> Json:
        """Do it; what that was, in a sentence, and what an onlooker may want of its own figures."""
        return _ACTIONS[action](self)

    def state(self) -> Json:
        """Every rung's figures, as this process knows them."""
        own = allocator()
        return {
            "objects": len(self._small) + len(self._large),
            "bytes": self._held(),
            "blocks": sys.getallocatedblocks(),
            "allocator": own.name,
            "arenas": own.arenas,
            "arena_bytes": None if own.arenas is None else own.arenas * (own.arena_bytes or 0),
            "free_lists": own.free_lists,
            "counts": list(gc.get_count()),
            "c_library": c_library(),
            "rss": resident(),
        }

    def close(self) -> None:
        """Let the child go."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _held(self) -> int:
        return sum(map(sys.getsizeof, self._small)) + sum(map(sys.getsizeof, self._large))

    def allocate(self) -> Json:
        """Small objects, of several sizes."""
        if refusal := self._too_much():
            return refusal
        before = len(self._small)
        for size in SIZES:
            self._small += made(size, self._bytes_a_time // len(SIZES) // size)
        count = len(self._small) - before
        return {
            "what": f"Made {count:,} objects of {SIZES[0]} to {SIZES[-1]} bytes, "
            f"{sized(self._bytes_a_time)} together."
        }

    def malloc(self) -> Json:
        """Objects that are too large for pymalloc."""
        if refusal := self._too_much():
            return refusal
        count = self._bytes_a_time // LARGE_BYTES
        self._large += made(LARGE_BYTES, count)
        return {"what": f"Made {count:,} objects of 16 KiB, {sized(count * LARGE_BYTES)} together."}

    def _too_much(self) -> Json | None:
        if self._held() + self._bytes_a_time <= MOST_MB * MEGABYTE:
            return None
        return {
            "what": f"Made nothing: {sized(self._held())} are held, and {sized(MOST_MB * MEGABYTE)} is the "
            "most here."
        }

    def free_all(self) -> Json:
        """Every object."""
        count, size = len(self._small) + len(self._large), self._held()
        self._small, self._large = [], []
        return {"what": f"Freed all {count:,} objects, {sized(size)}."}

    def free_all_but_one(self) -> Json:
        """Every object but one in each pool, and of the large ones the last."""
        count = len(self._small) + len(self._large)
        self._small = one_a_pool(self._small, allocator().pool_bytes)
        self._large = self._large[-1:]
        kept = len(self._small) + len(self._large)
        return {
            "what": f"Freed {count - kept:,} objects and kept {kept:,}, one in each pool: "
            f"{sized(self._held())}.",
            "kept": kept,
        }

    def make_cycles(self) -> Json:
        """Garbage that no reference count frees."""
        for _ in range(CYCLES):
            one: list[object] = []
            one.append([one])
        return {
            "what": f"Made {CYCLES:,} cycles of two lists and let go of them: nothing refers to them any "
            "more but "
            "they themselves, so no count reached zero.",
            "cycles": CYCLES,
        }

    def collect(self) -> Json:
        """A collection of all generations."""
        found = gc.collect()
        return {"what": f"The collector found {found:,} objects that could not be reached.", "found": found}

    def fork(self) -> Json:
        """A child that reads all the small objects, and lives until the next one is asked for."""
        self.close()
        self._child = ChildReader(self._small)
        read = self._child.read
        grew = read["uss_after"] - read["uss_before"]
        return {
            "what": f"Process {read['pid']}, forked, read {len(self._small):,} objects and wrote none. "
            "What it has to itself "
            f"grew by {sized(grew)}: their reference counts are in the objects.",
            "child": read,
        }

    def trim(self) -> Json:
        """The C library's free pages."""
        told = trimmed()
        if told is None:
            return {"what": "This C library has no malloc_trim."}
        back = max(told["rss_before"] - told["rss_after"], 0)
        return {
            "what": f"malloc_trim gave {sized(back)} back to the operating system.",
            "trimmed": told,
        }


_ACTIONS: dict[str, Callable[[Ladder], Json]] = {
    "allocate": Ladder.allocate,
    "free-all": Ladder.free_all,
    "free-all-but-one": Ladder.free_all_but_one,
    "make-cycles": Ladder.make_cycles,
    "collect": Ladder.collect,
    "fork": Ladder.fork,
    "malloc": Ladder.malloc,
    "trim": Ladder.trim,
}
