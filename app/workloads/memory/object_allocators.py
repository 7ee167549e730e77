"""What each type keeps for reuse, so that most allocations never happen."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from time import sleep
from typing import Any, NamedTuple

from app.workloads.catalogue import Param, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown, head
from app.workloads.memory.measures import allocator

_TURN_S = 0.02
_NUMBERS_TRIED = 4096
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NO_ITEMS: list[object] = []


_HEADS = [
    *(head("Type", "text"), head("By", "text"), head("Blocks, first round")),
    *(head("Blocks kept when let go"), head("Blocks, second round")),
]


class ObjectKind(NamedTuple):
    """A kind of object: how one is made, and the means by which CPython could save its allocation."""

    make: Callable[[int], object]
    means: str


KINDS: dict[str, ObjectKind] = {
    "float": ObjectKind(lambda number: number + 0.5, "free list"),
    "tuple of 3": ObjectKind(lambda number: (number, number, number), "free list"),
    "list": ObjectKind(lambda number: [], "free list"),
    "list of 1": ObjectKind(lambda number: [None], "free list for the list, none for its items"),
    "dict": ObjectKind(lambda number: {}, "free list"),
    "int below 200": ObjectKind(lambda number: number % 200, "made once, when the interpreter starts"),
    "int above a million": ObjectKind(lambda number: 1_000_000 + number, "free list from 3.14 on"),
    "str of one letter": ObjectKind(
        lambda number: _LETTERS[number % 26], "made once, when the interpreter starts"
    ),
    "interned str": ObjectKind(
        lambda number: sys.intern(_LETTERS[: number % 8 + 2]), "one for all that are equal"
    ),
    "str": ObjectKind(lambda number: _LETTERS * (number % 7 + 2), "none"),
    "bytes": ObjectKind(lambda number: bytes(20), "none"),
    "empty tuple": ObjectKind(lambda number: tuple(_NO_ITEMS), "made once, when the interpreter starts"),
}


def _work(ctx: Context) -> Json:
    """Make objects of each kind, let go of them, make them again: how many blocks does the heap lend?"""
    gc.freeze()  # a collection empties the free lists: it need not look at what was there before
    best: dict[str, Json] = {}
    nothing = _count(_NOTHING, ctx.params["objects"])
    while not ctx.stopping:
        for name, kind in KINDS.items():
            if ctx.stopping:
                break
            counted = _count(kind, ctx.params["objects"], nothing)
            ctx.count(2 * ctx.params["objects"])
            best[name] = min(counted, best.get(name, counted), key=lambda each: each["again"])
        sleep(_TURN_S)
    return {"kinds": best}


def _count(kind: ObjectKind, objects: int, nothing: Json | None = None) -> Json:
    """Blocks in use, counted by the heap itself, as the objects come, go, and come again.

    `nothing` is what counting takes where no object is made: it is left out.
    """
    places: list[object] = [None] * objects
    numbers = list(range(objects))  # made before, so that they are not counted
    gc.collect()  # empties the free lists
    gc.disable()
    start = sys.getallocatedblocks()
    _make(kind, places, numbers)
    made = sys.getallocatedblocks()
    _make(_NOTHING, places, numbers)
    freed = sys.getallocatedblocks()
    _make(kind, places, numbers)
    again = sys.getallocatedblocks()
    gc.enable()
    counted = {"first": made - start, "kept": freed - start, "again": again - freed}
    return {name: count - (nothing[name] if nothing else 0) for name, count in counted.items()}


_NOTHING = ObjectKind(lambda number: None, "none")


def _make(kind: ObjectKind, places: list[object], numbers: list[int]) -> None:
    make = kind.make
    for number in numbers:
        places[number] = make(number)


def _small_ints() -> list[int]:
    """The range of the ints that exist once, found by asking for each twice."""
    twice = [int(str(number)) is int(str(number)) for number in range(-_NUMBERS_TRIED, _NUMBERS_TRIED)]
    first = twice.index(True)
    last = len(twice) - 1 - twice[::-1].index(True)
    return [first - _NUMBERS_TRIED, last - _NUMBERS_TRIED]


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    kinds = [
        {"kind": name, "means": KINDS[name].means, **counted} for name, counted in found[0]["kinds"].items()
    ]
    shown = ("kind", "means", "first", "kept", "again")
    return {
        "kinds": kinds,
        "small_ints": _small_ints(),
        "free_lists": allocator().free_lists,
        "table": {
            "columns": list(shown),
            "heads": _HEADS,
            "rows": [[kind[name] for name in shown] for kind in kinds],
        },
    }


def _showed(result: Json) -> list[str]:
    by_name = {kind["kind"]: kind for kind in result["kinds"]}
    low, high = result["small_ints"]
    said = [f"The ints from {low} to {high:,} exist once each: no arithmetic allocates them."]
    for name in ("float", "str"):
        if name in by_name:
            kind = by_name[name]
            said.append(
                f"{name}: the first round took {kind['first']:,} blocks; when all were let go "
                f"{kind['kept']:,} stayed with the type, and the second round took {kind['again']:,}."
            )
    return said


OBJECT_ALLOCATORS = Workload(
    name="object-allocators",
    family="memory",
    title="Free lists, small ints, interning",
    sentence="Makes objects, lets go of them and makes them again: many types do not allocate the second "
    "time.",
    op="one object made",
    look_for=(
        "In the table: first, the blocks that the heap lent when the objects were made; kept, what the type "
        "did not give back when they were let go; again, what the heap lent when they were made once more.",
        "A float needs a block the first time only. A str needs one each time. A small int never needs one.",
    ),
    why=(
        "Types that come and go all the time keep their dead for reuse: a free list a type, up to 100 "
        "floats, 80 lists and dicts, 2,000 tuples of each size. A full collection empties them.",
        "Small ints, the empty tuple and one-letter strings are made once with the interpreter; interned "
        "strings are made once a program, so that a look-up of a name compares addresses.",
    ),
    helps=(
        "Nothing has to be done: this is why loops over numbers allocate so little. sys.intern helps where "
        "millions of equal strings are kept.",
        "Never compare values with `is`: what it says of ints and strings follows from these shelves.",
    ),
    subject="Memory management: object-specific allocators (chapter 17).",
    roles=("main",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("small_ints", "Ints that exist once, first and last"),
        Shown("free_lists", "Left in free lists"),
    ),
    params=(
        Param(
            "objects", "int", 64, "Objects of each kind in a round; free lists are short.", min=8, max=2000
        ),
    ),
)
