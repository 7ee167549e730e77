"""One lock for everything, or one for each part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from threading import Lock
from time import perf_counter_ns

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown

_KEYS = 4096
_NS_A_SECOND = 1_000_000_000


class Shard:
    """A part of the store, and the lock that guards it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.digests: dict[int, bytes] = {}


class Store:
    """Entries spread over shards by their key."""

    def __init__(self, shards: int, block_kib: int) -> None:
        self.shards = [Shard() for _ in range(shards)]
        self.block = bytes(block_kib * 1024)

    def shard(self, key: int) -> Shard:
        """The one that a key belongs to."""
        return self.shards[key % len(self.shards)]


def _prepare(setting: Setting, resources: ExitStack) -> Store:
    return Store(int(setting.params["shards"]), int(setting.params["block_kib"]))


def _work(ctx: Context) -> Json:
    store: Store = ctx.prepared
    chance = Random()
    blocked = waited_ns = 0
    begin_ns = perf_counter_ns()
    while not ctx.stopping:
        key = chance.randrange(_KEYS)
        shard = store.shard(key)
        if not shard.lock.acquire(blocking=False):
            asked_ns = perf_counter_ns()
            shard.lock.acquire()  # held for one digest at a time, so it is soon free
            waited_ns += perf_counter_ns() - asked_ns
            blocked += 1
        try:
            shard.digests[key] = hashlib.sha256(store.block).digest()
        finally:
            shard.lock.release()
        ctx.count(1)
    return {"blocked": blocked, "waited_ns": waited_ns, "lived_ns": perf_counter_ns() - begin_ns}


def _summarise(store: Store, found: Sequence[Json], companion: Json | None) -> Json:
    total = {key: sum(each[key] for each in found) for key in ("blocked", "waited_ns", "lived_ns")}
    return {
        "shards": len(store.shards),
        "blocked": total["blocked"],
        "waited_s": total["waited_ns"] / _NS_A_SECOND,
        "lock_wait_share": total["waited_ns"] / total["lived_ns"],
    }


def _showed(result: Json) -> Sequence[str]:
    shards, workers = result["shards"], result["workers"]
    locks = "one lock" if shards == 1 else f"{shards:,} locks"
    return (
        f"{result['ops_per_s']:,.0f} operations a second by {workers} workers over {locks}.",
        f"{result['blocked']:,} of {result['ops']:,} times a worker found its lock taken; the workers spent "
        f"{result['lock_wait_share']:.0%} of their time waiting for one.",
    )


LOCK_CONTENTION = Workload(
    name="lock-contention",
    family="hazards",
    title="Lock contention",
    sentence="Threads that could use all cores take turns, because one lock guards everything they touch.",
    op="one block hashed and stored",
    look_for=(
        "One lane at a time is native, and the others are lock: it is not the GIL that they wait for. The "
        "GIL lane is nearly empty, because hashing lets go of it.",
        "Set the shards to 1,024, each with a lock of its own: the workers hardly ever meet, and use as many "
        "cores as are free.",
        "More workers on one lock do not add throughput: they add waiting.",
    ),
    why=(
        "What happens under one lock happens one at a time, on however many cores: it is the serial part of "
        "the program, and Amdahl's law sets the limit.",
        "The lock is held around the hashing, which is nearly all of the work, although only the store needs "
        "it.",
    ),
    helps=(
        "Hold the lock for less: compute first, then lock for the assignment alone.",
        "Split what it guards: one lock for each shard of the keys.",
        "Keep results per thread, and merge them now and then.",
    ),
    subject="Designing lock-based data structures: what a lock costs, and how it scales (chapter 16).",
    finding="lock-contention",
    mended=Variant("Split the store over 1,024 locks", params={"shards": 1024}),
    roles=("hasher",),
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=32,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("shards", "Locks"),
        Shown("blocked", "Times that a lock was taken already"),
        Shown("waited_s", "Waited for locks, all workers", "s"),
        Shown("lock_wait_share", "Share of the workers' time", "share"),
    ),
    params=(
        Param(
            "shards", "int", 1, "Into how many parts, each with a lock, the store is split.", min=1, max=_KEYS
        ),
        Param("block_kib", "int", 1024, "The size of a block.", min=4, max=4096, unit="KiB"),
    ),
)
