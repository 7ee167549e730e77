"""Cycles made fast: what the collector has to do, and how long everything stands still while it does."""

from __future__ import annotations

import gc
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import monotonic_ns, sleep

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown

LONGEST_TOLD = 100  # pauses with their start, the longest of the run

_MOMENT_S = 0.001
_MADE_AT_A_TIME = 1_000
_KEPT_ONE_IN = 4  # cycles; these grow old before they die, so that only a collection of the old finds them
_KEPT = 5_000
_UNCOLLECTED = 200_000  # cycles without a collector before the workload collects by itself: 20 MB or so


class Node:
    """One half of a cycle, or one of those that live long."""

    __slots__ = ("__weakref__", "other")

    def __init__(self, other: object = None) -> None:
        self.other = other


class PauseLog:
    """Every collection, as gc.callbacks tells of it.

    It holds numbers in arrays: objects that the collector follows would have it run more often.
    """

    def __init__(self) -> None:
        self.columns = [array("q") for _ in range(4)]  # start, length (ns), generation, collected
        self._began_ns = 0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        now_ns = monotonic_ns()
        if phase == "start":
            self._began_ns = now_ns
            return
        row = (self._began_ns, now_ns - self._began_ns, info["generation"], info["collected"])
        for column, value in zip(self.columns, row):
            column.append(value)

    def rows(self) -> list[tuple[int, ...]]:
        """All of them: (start, length, generation, collected)."""
        return list(zip(*self.columns))


def _prepare(setting: Setting, resources: ExitStack) -> PauseLog:
    log = PauseLog()
    gc.disable()  # until what lives long is there
    if setting.params["threshold"]:
        gc.set_threshold(int(setting.params["threshold"]), *gc.get_threshold()[1:])
    gc.callbacks.append(log)
    resources.callback(gc.callbacks.remove, log)
    return log


def _work(ctx: Context) -> Json:
    return _stand_by(ctx) if ctx.role == "bystander" else _make(ctx)


def _stand_by(ctx: Context) -> Json:
    """Sleep for a moment over and over; how much longer than that it took until this thread ran again."""
    longest_ns = 0
    while not ctx.stopping:
        begin_ns = monotonic_ns()
        sleep(_MOMENT_S)
        longest_ns = max(longest_ns, monotonic_ns() - begin_ns)
    return {"gap_ms": max(longest_ns / 1e6 - _MOMENT_S * 1000, 0.0)}


def _make(ctx: Context) -> Json:
    """Make what lives long, and then, over and over, two objects that refer to each other.

    Most are let go of at once, some later. Where the collector is off, it is called now and then.
    """
    long_lived = _long_lived(ctx)
    recent: deque[Node] = deque(maxlen=_KEPT)
    refer_back: Callable[[Node], object] = weakref.ref if ctx.params["back"] == "weak" else _itself
    by_hand = ctx.params["collector"] == "disabled"
    uncollected = 0
    while not ctx.stopping:
        for number in range(_MADE_AT_A_TIME):
            one = Node()
            one.other = Node(refer_back(one))
            if number % _KEPT_ONE_IN == 0:
                recent.append(one)
        ctx.count(_MADE_AT_A_TIME)
        uncollected += _MADE_AT_A_TIME
        if by_hand and uncollected >= _UNCOLLECTED:
            gc.collect()
            uncollected = 0
    return {"long_lived": len(long_lived), "frozen": gc.get_freeze_count()}


def _long_lived(ctx: Context) -> list[Node]:
    """Objects that are never garbage, already among the old; and the collector as it is asked for."""
    made: list[Node] = []
    while len(made) < ctx.params["live_objects"] and not ctx.stopping:
        made += [Node() for _ in range(_MADE_AT_A_TIME)]
    gc.freeze()
    if ctx.params["collector"] != "frozen":
        gc.unfreeze()  # among the old, without a collection that would be the longest of the run
    if ctx.params["collector"] != "disabled":
        gc.enable()
    ctx.report({"phase": "making"})
    return made


def _itself(node: Node) -> Node:
    return node


def _summarise(prepared: PauseLog, found: Sequence[Json], companion: Json | None) -> Json:
    rows = prepared.rows()
    longest = sorted(sorted(rows, key=lambda row: row[1])[-LONGEST_TOLD:])
    by_generation: Json = {}
    for generation in sorted({row[2] for row in rows}):
        of_it = [row for row in rows if row[2] == generation]
        lengths = Latencies()
        for row in of_it:
            lengths.add(row[1])
        total_ms = sum(row[1] for row in of_it) / 1e6
        collected = sum(row[3] for row in of_it)
        by_generation[str(generation)] = {**lengths.summary_ms(), "total": total_ms, "collected": collected}
    return {
        "collections": len(rows),
        "collected": sum(row[3] for row in rows),
        "paused_s": sum(row[1] for row in rows) / 1e9,
        "longest_pause_ms": max((row[1] for row in rows), default=0) / 1e6,
        "longest_gap_ms": max(each["gap_ms"] for each in found[1:]),
        "pauses_ms": by_generation,
        "longest_pauses": [
            {"start_ns": start, "length_ns": length, "generation": generation, "collected": collected}
            for start, length, generation, collected in longest
        ],
        "threshold": list(gc.get_threshold()),
        "long_lived": found[0]["long_lived"],
        "frozen": found[0]["frozen"],
    }


def _showed(result: Json) -> list[str]:
    said = [
        f"The collector ran {result['collections']:,} times and found {result['collected']:,} objects. "
        f"Everything stood still for {result['paused_s']:.2f} s of {result['seconds']:.1f} s, "
        f"{result['paused_s'] / result['seconds']:.1%}, and {result['longest_pause_ms']:.1f} ms at the "
        f"longest; a thread that wanted to run every millisecond waited for up to "
        f"{result['longest_gap_ms']:.1f} ms."
    ]
    said += [
        f"Generation {generation}: {pauses['count']:,} collections, a median of {pauses['p50']:.2f} ms, "
        f"{pauses['max']:.1f} ms the longest."
        for generation, pauses in result["pauses_ms"].items()
    ]
    if result["frozen"]:
        said.append(f"{result['frozen']:,} objects were frozen: no collection looked at them.")
    return said


REFERENCE_CYCLES = Workload(
    name="reference-cycles",
    family="memory",
    title="Cycles, and the collector's pauses",
    sentence="Makes cycles that only the collector can free, beside many objects that live: every thread "
    "pauses.",
    op="one cycle of two objects made",
    look_for=(
        "The collector's lane above the threads: many short collections of the young, and now and then a "
        "long one of the old, in which no thread of the interpreter runs.",
        "A long one is as long as there are objects that live: it looks at all of them to find the few that "
        "are garbage. With collector=frozen it passes them over.",
    ),
    why=(
        "Reference counts free an object as soon as the last reference goes. Objects that refer to each "
        "other never get there: the collector finds them, by counting which references come from inside "
        "the group.",
        "With a GIL the collecting thread holds it throughout; without one it stops all the others. Either "
        "way nothing else runs.",
    ),
    helps=(
        "gc.freeze() once the program has started: what lives for ever is never looked at again.",
        "A higher threshold: fewer collections, each with more to free. gc.disable() and gc.collect() "
        "between two requests, where garbage is bounded.",
        "Break cycles, and there is nothing to collect: weakref for what points back to a parent, and no "
        "exception kept with its traceback.",
    ),
    subject="Memory management: the cyclic garbage collector (chapter 17).",
    finding="gc-pauses",
    mended=Variant("The same objects, referring back weakly", params={"back": "weak"}),
    # A second maker would take its turn between a collection's end and the log's look at the clock.
    roles=("maker", "bystander"),
    counting="maker",
    work=_work,
    executors=("threads",),
    workers=2,
    min_workers=2,
    max_workers=8,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("collections", "Collections"),
        Shown("collected", "Objects that they found"),
        Shown("paused_s", "Everything stood still for", "s"),
        Shown("longest_pause_ms", "Longest pause", "ms"),
        Shown("longest_gap_ms", "Longest wait of another thread", "ms"),
        Shown("long_lived", "Objects that live long"),
        Shown("frozen", "Objects frozen"),
        Shown("threshold", "Thresholds"),
    ),
    params=(
        Param(
            "live_objects",
            "int",
            600_000,
            "Objects that live as long as the run.",
            min=0,
            max=2_000_000,
        ),
        Param(
            "collector",
            "choice",
            "automatic",
            "automatic: as it is; frozen: gc.freeze() for all that lives long; disabled: gc.disable(), and a "
            "collection by hand whenever much garbage has come together.",
            choices=("automatic", "frozen", "disabled"),
        ),
        Param(
            "back",
            "choice",
            "strong",
            "How the second of two objects refers to the first: strongly, which is a cycle, or by a weakref.",
            choices=("strong", "weak"),
        ),
        Param(
            "threshold",
            "int",
            0,
            "How many more objects may be made than freed before the young are collected; 0: CPython's own.",
            min=0,
            max=1_000_000,
        ),
    ),
)
