"""What counts as a reference, what counting costs where threads share an object, and what is not counted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.catalogue import Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown

OWN_FROM = 0.5  # of the time: until then all threads refer to one object
HELD = 1_000

_ROUND = 20  # copies of a list between two looks at the clock


class Thing:
    """An object to refer to."""

    __slots__ = ("__weakref__",)


class Prepared(NamedTuple):
    """The object that all threads share, and what the references to it were before they did."""

    thing: Thing
    references: int
    steps: list[Json]
    immortal: list[Json]


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    thing = Thing()
    return Prepared(thing, sys.getrefcount(thing), aliasing(), immortality())


def aliasing() -> list[Json]:
    """The count of one object's references as names, containers and a call come and go."""
    thing = Thing()
    base = sys.getrefcount(thing)
    steps = [{"step": "thing = Thing()", "references": 1}]

    def step(what: str) -> None:
        steps.append({"step": what, "references": sys.getrefcount(thing) - base + 1})

    alias = thing
    step("alias = thing")
    shelf = [thing, thing]
    step("shelf = [thing, thing]")
    copy = shelf[:]
    step("copy = shelf[:]")
    by_name = {"key": thing}
    step('by_name = {"key": thing}')
    del alias, copy
    step("del alias, copy")
    shelf.clear()
    by_name.clear()
    step("shelf.clear(); by_name.clear()")
    return steps


def immortality() -> list[Json]:
    """Whether the count of well-known objects moves when a thousand references to them are made."""
    known: dict[str, object] = {"None": None, "True": True, "0": 0, '""': "", "()": (), "Thing()": Thing()}
    told = []
    for name, each in known.items():
        before = sys.getrefcount(each)
        held = [each] * HELD
        after = sys.getrefcount(each)
        del held
        told.append({"object": name, "before": before, "after": after, "immortal": after == before})
    return told


def _work(ctx: Context) -> Json:
    """Make and drop references: first all threads to one object, then each to one of its own."""
    start_ns, deadline_ns = ctx.span
    turn_ns = start_ns + int(OWN_FROM * (deadline_ns - start_ns))
    shelf = [ctx.prepared.thing] * HELD
    first = _refer(ctx, shelf, turn_ns)
    references = sys.getrefcount(ctx.prepared.thing)
    if ctx.worker == 0 and not ctx.stopping:
        ctx.report({"phase": "own"})
    second = _refer(ctx, [Thing()] * HELD, deadline_ns)
    return {"shared": first, "own": second, "references": references}


def _refer(ctx: Context, shelf: list[Thing], until_ns: int) -> Json:
    """Copy a list, and drop the copy, until then; how many references that made, in how long.

    The copying is C code: a loop of its own would take longer than the counting that it is about.
    """
    begin_ns = monotonic_ns()
    made = 0
    while monotonic_ns() < until_ns and not ctx.stopping:
        for _ in range(_ROUND):
            shelf.copy()
        made += _ROUND * HELD
        ctx.count(_ROUND * HELD)
    return {"made": made, "seconds": (monotonic_ns() - begin_ns) / 1e9}


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    rates = {half: _rate([each[half] for each in found]) for half in ("shared", "own")}
    return {
        "aliasing": prepared.steps,
        "immortal": prepared.immortal,
        "references_before": prepared.references,
        "references_shared": max(each["references"] for each in found),
        "references_after": sys.getrefcount(prepared.thing),
        "shared_per_s": rates["shared"],
        "own_per_s": rates["own"],
        "table": {
            "columns": ["step", "references"],
            "rows": [[step["step"], step["references"]] for step in prepared.steps],
        },
    }


def _rate(halves: Sequence[Json]) -> float | None:
    seconds = max(half["seconds"] for half in halves)
    return sum(half["made"] for half in halves) / seconds if any(half["made"] for half in halves) else None


def _showed(result: Json) -> list[str]:
    most = max(result["aliasing"], key=lambda step: step["references"])
    last = result["aliasing"][-1]
    immortal = [each["object"] for each in result["immortal"] if each["immortal"]]
    said = [
        f"One object had {most['references']} references after `{most['step']}`, and {last['references']} "
        f"after `{last['step']}`.",
        f"While {result['workers']} threads each held {HELD:,} references, its count was up to "
        f"{result['references_shared']:,}; before, it was {result['references_before']}.",
    ]
    if result["shared_per_s"] and result["own_per_s"]:
        said.append(
            f"All threads on one object: {result['shared_per_s'] / 1e6:.1f} million references a second; "
            f"each on its own: {result['own_per_s'] / 1e6:.1f} million."
        )
    said.append(
        f"Immortal, their counts never move: {', '.join(immortal)}."
        if immortal
        else "Nothing is immortal on this CPython: even the count of None moves with each reference."
    )
    return said


REFERENCE_COUNTS = Workload(
    name="reference-counts",
    family="memory",
    title="Reference counts",
    sentence="Counts references: as names and containers share an object, as threads do, and of what is "
    "immortal.",
    op="one reference made and dropped",
    look_for=(
        "In the first half all threads refer to one object, in the second each to one of its own. With a GIL "
        "both are alike: only its holder counts.",
        "On a free-threaded build the first half is slower: a thread that does not own an object counts with "
        "an atomic instruction, on one cache line that all of them want.",
    ),
    why=(
        "Each name, item and argument that refers to an object is counted in the object. The count is why "
        "the GIL had to be there: two threads that count at once lose one.",
        "Free-threaded builds split the count: the thread that made the object counts for itself, all the "
        "others share a second count, atomically.",
        "From 3.12 on None, small ints and their like are immortal: they are not counted at all.",
    ),
    helps=(
        "On free-threaded builds give each thread objects of its own, above all those used in inner loops.",
        "To see why an object still lives ask gc.get_referrers, not its count alone.",
    ),
    subject="Memory management: reference counts, and aliases (chapter 17).",
    roles=("counter",),
    work=_work,
    executors=("threads", "sequential"),
    workers=4,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("references_before", "References before"),
        Shown("references_shared", "References at most"),
        Shown("references_after", "References after"),
        Shown("shared_per_s", "References to one object", "rate"),
        Shown("own_per_s", "References, each thread to its own", "rate"),
    ),
)
