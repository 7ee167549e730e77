"""A few survivors keep whole arenas: why memory that was freed does not go back."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Param, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown, head
from app.workloads.memory.measures import MEGABYTE, SMALL_BYTES, allocator, resident, sized
from app.workloads.memory.objects import made, one_a_pool

FREED_FROM = 0.25  # of the time: until then the heap is full
LAST_FREED_FROM = 0.8  # of the time: until then the survivors live

_CHUNK_BYTES = 4 * MEGABYTE
_LOOK_S = 0.1


def _work(ctx: Context) -> Json:
    """Fill the heap, free all but a few objects, and then those; look at itself after each step."""
    phases = [_phase(ctx, "empty", 0)]
    objects = _fill(ctx)
    phases.append(_phase(ctx, "full", len(objects)))
    _pause(ctx, FREED_FROM)
    if not ctx.stopping:
        survivors = one_a_pool(objects, allocator().pool_bytes)
        if ctx.params["survivors"] == "together":
            survivors = objects[: len(survivors)]
        ctx.count(len(objects) - len(survivors))
        objects = survivors
        del survivors
        phases.append(_phase(ctx, "survivors", len(objects)))
    _pause(ctx, LAST_FREED_FROM)
    if not ctx.stopping:
        ctx.count(len(objects))
        objects.clear()
        phases.append(_phase(ctx, "freed", 0))
    _pause(ctx, 1.0)
    return {"phases": phases}


def _fill(ctx: Context) -> list[bytes]:
    size, wanted = ctx.params["object_bytes"], ctx.params["megabytes"] * MEGABYTE
    objects: list[bytes] = []
    while len(objects) * size < wanted and not ctx.stopping:
        objects += made(size, _CHUNK_BYTES // size)
        ctx.count(_CHUNK_BYTES // size)
    return objects


def _pause(ctx: Context, until: float) -> None:
    """Hold still until this share of the time has passed, so that the heap is seen as it is."""
    start_ns, deadline_ns = ctx.span
    end_ns = start_ns + int(until * (deadline_ns - start_ns))
    while monotonic_ns() < end_ns and not ctx.stopping:
        sleep(_LOOK_S)


def _phase(ctx: Context, name: str, objects: int) -> Json:
    """What the process sees of itself now; the observer is told which phase begins."""
    own = allocator()
    ctx.report({"phase": name})
    return {
        "phase": name,
        "at_s": (monotonic_ns() - ctx.span.start_ns) / 1e9,
        "objects": objects,
        "held_bytes": objects * ctx.params["object_bytes"],
        "arenas": own.arenas,
        "arena_bytes": None
        if own.arenas is None or own.arena_bytes is None
        else own.arenas * own.arena_bytes,
        "rss": resident(),
    }


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    """The phases; and what the survivors keep: the arenas, and the RSS, that only go once they do."""
    phases = found[0]["phases"]
    by_name = {phase["phase"]: phase for phase in phases}
    kept: Json = {"pinned_arenas": None, "pinned_bytes": None, "kept_rss": None}
    if "survivors" in by_name:
        start, then = by_name["empty"], by_name["survivors"]
        kept["kept_rss"] = then["rss"] - start["rss"]
        if then["arenas"] is not None:
            kept["pinned_arenas"] = then["arenas"] - start["arenas"]
            kept["pinned_bytes"] = then["arena_bytes"] - start["arena_bytes"]
    return {"phases": phases, **kept, "table": _table(phases)}


def _table(phases: Sequence[Json]) -> Json:
    shown = ("phase", "at_s", "objects", "held_bytes", "arenas", "arena_bytes", "rss")
    heads = [
        *(head("Phase", "text"), head("At", "s"), head("Objects"), head("Of their own", "bytes")),
        *(head("Arenas"), head("Memory of arenas", "bytes"), head("RSS", "bytes")),
    ]
    return {
        "columns": list(shown),
        "heads": heads,
        "rows": [[phase[name] for name in shown] for phase in phases],
    }


def _showed(result: Json) -> list[str]:
    by_name = {phase["phase"]: phase for phase in result["phases"]}
    if "survivors" not in by_name:
        return []
    full, left = by_name["full"], by_name["survivors"]
    share = left["objects"] / full["objects"]
    said = [
        f"{full['objects'] - left['objects']:,} of {full['objects']:,} objects were freed. The "
        f"{left['objects']:,} that were left, {share:.1%} of them, held {sized(left['held_bytes'])}; "
        f"RSS went from {sized(full['rss'])} to {sized(left['rss'])}."
    ]
    if left["arenas"] is not None:
        said.append(
            f"Arenas: {full['arenas']:,} when the heap was full, {left['arenas']:,} afterwards, which is "
            f"{sized(left['arena_bytes'])} that the operating system did not get back."
        )
    if "freed" in by_name:
        freed = by_name["freed"]
        arenas = "" if freed["arenas"] is None else f", and {freed['arenas']:,} arenas were left"
        said.append(f"After the last of them had been freed RSS was {sized(freed['rss'])}{arenas}.")
    return said


FRAGMENTATION = Workload(
    name="fragmentation",
    family="memory",
    title="Memory that does not come back",
    sentence="Frees all but one object in each pool: the arenas stay, though hardly anything is in them.",
    op="one object made or freed",
    look_for=(
        "At a quarter of the time nearly all objects are freed: blocks in use fall to almost nothing, and in "
        "the map every pool is still there, pale. Neither the arenas nor RSS fall.",
        "At four fifths the last objects go, and the arenas with them: only then RSS falls.",
    ),
    why=(
        "pymalloc gets memory from the operating system in arenas of 1 MiB, cuts them into pools of 16 KiB, "
        "and each pool into blocks of one size. It can give back only a whole arena, and an object never "
        "moves: one block in use keeps its pool, one pool keeps its arena.",
        "Free-threaded builds use mimalloc, whose pages of 64 KiB are kept in the same way, and stay with "
        "the process for later even when the last object has gone.",
    ),
    helps=(
        "Make what lives long before, or apart from, what is thrown away, so that the survivors share their "
        "pools: survivors=together does.",
        "Do work that needs much memory for a short time in a child process: its whole memory goes with it.",
        "Keep the bulk of the data in few large objects (array, bytes, NumPy): above 512 bytes the C library "
        "keeps them, and maps the large ones apart.",
    ),
    subject="Memory management: pymalloc's arenas, pools and blocks (chapter 17).",
    finding="heap-fragmented",
    mended=Variant("The same number of survivors, side by side", params={"survivors": "together"}),
    roles=("main",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("pinned_arenas", "Arenas kept by the objects left"),
        Shown("pinned_bytes", "Memory of these arenas", "bytes"),
        Shown("kept_rss", "RSS not given back", "bytes"),
    ),
    params=(
        Param("megabytes", "int", 100, "How much is filled.", min=4, max=250, unit="MB"),
        Param(
            "object_bytes",
            "int",
            256,
            "The size of an object: pymalloc keeps those of up to 512 bytes.",
            min=64,
            max=SMALL_BYTES,
            unit="bytes",
        ),
        Param(
            "survivors",
            "choice",
            "scattered",
            "Which objects are left: one in each pool, or as many that were made one after the other.",
            choices=("scattered", "together"),
        ),
    ),
)
