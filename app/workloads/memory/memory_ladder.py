"""The memory manager as a ladder that a person climbs: each button moves some of its rungs."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from app.workloads.catalogue import Action, Param, Workload
from app.workloads.context import Context, Json
from app.workloads.memory.ladder import MOST_MB, Ladder
from app.workloads.memory.measures import sized

LOG_LENGTH = 100  # actions that the result tells of, the last of the run

ACTIONS = (
    Action("allocate", "Allocate", "Make many small objects, of 64 to 512 bytes, and keep them."),
    Action("free-all", "Free all", "Let go of every object that was made here."),
    Action("free-all-but-one", "Free all but one a pool", "Keep one object in each pool, free the others."),
    Action("make-cycles", "Make cycles", "Make 50,000 cycles of two lists, and let go of them."),
    Action("collect", "Collect", "Run the cyclic garbage collector: gc.collect()."),
    Action("fork", "Fork", "Fork a child that reads every small object, and stays until the next fork."),
    Action("malloc", "Allocate large", "Make objects of 16 KiB, which are the C library's to keep."),
    Action("trim", "Trim", "Have the C library give free pages back: malloc_trim()."),
)


def _work(ctx: Context) -> Json:
    """Allocate once, so that there is something to see; then do as one is told."""
    gc.disable()  # garbage stays until somebody asks for a collection
    ladder = Ladder(ctx.params["megabytes"])
    log: list[Json] = []
    try:
        if not ctx.stopping:
            log.append(_do(ctx, ladder, "allocate"))
        while not ctx.stopping:
            action = ctx.next_action()
            if action is not None:
                log = [*log[1 - LOG_LENGTH :], _do(ctx, ladder, action)]
    finally:
        ladder.close()
    return {"did": log}


def _do(ctx: Context, ladder: Ladder, action: str) -> Json:
    """Do it, tell the observer at once, and return what was told."""
    before = ladder.state()
    begin = perf_counter()
    told = ladder.do(action)
    seconds = perf_counter() - begin
    after = ladder.state()
    did = {
        "action": action,
        **told,
        "moved": _moved(before, after),
        "seconds": seconds,
        **after,
        "before": before,
    }
    ctx.report({"did": did, "trimmed": told["trimmed"]} if "trimmed" in told else {"did": did})
    ctx.count(1)
    return did


def _moved(before: Json, after: Json) -> str:
    """What became of the arenas and of RSS, in a sentence."""
    rss = f"RSS went from {sized(before['rss'])} to {sized(after['rss'])}"
    if before["arenas"] is None:
        return f"{rss}."
    arenas = f"{before['arenas']:,} arenas before, {after['arenas']:,} now"
    blocks = f"{before['blocks']:,} blocks in use before, {after['blocks']:,} now"
    return f"{rss}: {blocks}; {arenas}."


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return {"did": found[0]["did"]}


def _showed(result: Json) -> list[str]:
    return [f"{did['what']} {did['moved']}" for did in result["did"][-5:]]


MEMORY_LADDER = Workload(
    name="memory-ladder",
    family="memory",
    title="The memory manager, rung by rung",
    sentence="Does what you press: allocate, free, make cycles, collect, fork; and says what moved on each "
    "rung.",
    op="one action",
    look_for=(
        "Allocate, free all but one a pool, and look at RSS: it stays, for each arena still holds a block.",
        "Make cycles: the blocks in use rise and stay, until you press collect. The collector is off here, "
        "so that it is you who runs it.",
        "Fork: the child's USS climbs though it only reads.",
    ),
    why=(
        "Objects are blocks, blocks lie in pools of one size, pools in arenas of 1 MiB, and only an arena "
        "that is wholly empty goes back to the operating system.",
        "Above 512 bytes, the C library's malloc has the same trouble with the top of its heap; malloc_trim "
        "gives back the free pages below it.",
    ),
    helps=(
        "Let what lives long be made together; do what needs much memory in a process of its own.",
        "malloc_trim, called where a peak has passed, mends what the C library keeps. For pymalloc there is "
        "no such call.",
    ),
    subject="Memory management: the components of Python's memory manager (chapter 17).",
    roles=("main",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    actions=ACTIONS,
    summarise=_summarise,
    showed=_showed,
    params=(
        Param(
            "megabytes",
            "int",
            32,
            f"How much an allocation makes; {MOST_MB} MB is the most that is held.",
            min=1,
            max=100,
            unit="MB",
        ),
    ),
)
