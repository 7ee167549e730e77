"""What can be measured of a process, how well, and why no better."""

from __future__ import annotations

from app.model.states import EXACT, INFERRED, UNAVAILABLE

from .layouts import Layout

Levels = tuple[dict[str, str], dict[str, str]]

_NO_GIL = "this process runs without a GIL"
_NO_HEAP = (
    "this process has no arena of pymalloc's: it runs with PYTHONMALLOC=malloc or mimalloc, or was built "
    "without pymalloc, so its small blocks lie among those of the C library, or in mimalloc's pages"
)
# Of which blocks the types of live objects are known.
ALL, POOLS_ALONE, BLOCKS_ALONE, NOTHING = "all", "pools alone", "blocks alone", "nothing"
_SAMPLED_TYPES = "a random sample of the blocks in use is judged: each figure has its interval"
_TYPES = {
    ALL: _SAMPLED_TYPES,
    BLOCKS_ALONE: f"{_SAMPLED_TYPES}, which is wider where all objects lie among the C library's blocks",
    POOLS_ALONE: (
        f"{_SAMPLED_TYPES}; only glibc's blocks can be walked, and another C library serves this process, so "
        "what is larger than 512 bytes is judged by the sizes that lists, dicts and sets tell of themselves"
    ),
    NOTHING: (
        "this process has no heap of Python's own, and of the C library that serves it the blocks cannot be "
        "walked, so nothing tells where its objects lie"
    ),
}
_NO_STACKS = "this run was asked for no stacks: its rate of looks is 0"
_UNTRIED = "the offsets of this build come from its headers; no live one has confirmed them"
_SAMPLED_PAUSES = (
    "before CPython 3.15 a collection is seen by looking on every sample whether one is going on: its ends "
    "are known to one sampling period, and of shorter ones only some are seen; the counts are exact"
)
_IN_TURN = (
    "without a GIL threads run at the same time and are looked at in turn, so what each was doing is known "
    "only at its turn"
)


def of(
    layout: Layout,
    gil_enabled: bool,
    interpreters: int,
    stacks: bool,
    has_heap: bool = True,
    census_of: str = ALL,
) -> Levels:
    """({measure: exact, inferred or unavailable}, {measure: the reason, where it is not exact})."""
    levels = {"gil": EXACT, "gil_wait": EXACT, "threads": EXACT}
    why: dict[str, str] = {}
    if not gil_enabled:
        levels["gil"] = levels["gil_wait"] = UNAVAILABLE
        why["gil"] = why["gil_wait"] = _NO_GIL
    elif layout.thread_state.gil_requested is None:
        levels["gil_wait"] = INFERRED
        why["gil_wait"] = (
            "before CPython 3.15 a wait shows as the futex that the thread sleeps on: its ends are known to "
            "one sampling period, and two waits within one period look like one"
        )
    if layout.version == (3, 12) and interpreters > 1:
        levels["gil"] = levels["threads"] = INFERRED
        why["gil"] = why["threads"] = (
            "CPython 3.12 names the creator of a subinterpreter as its thread, so what another thread does "
            "in it is put down to the creator"
        )
    if not stacks:
        levels["stacks"], why["stacks"] = UNAVAILABLE, _NO_STACKS
    elif not gil_enabled:
        levels["stacks"], why["stacks"] = INFERRED, _IN_TURN
    else:
        levels["stacks"] = EXACT
    levels["gc"] = EXACT
    if layout.gc_stats is None:
        levels["gc"], why["gc"] = INFERRED, _SAMPLED_PAUSES
    levels["heap"] = EXACT
    if not has_heap:
        levels["heap"], why["heap"] = UNAVAILABLE, _NO_HEAP
    levels["types"] = UNAVAILABLE if census_of == NOTHING else INFERRED
    why["types"] = _TYPES[census_of]
    if layout.free_threaded and layout.version >= (3, 14):
        for name in ("threads", "stacks", "gc", "heap"):
            if levels[name] == EXACT or name not in why:
                levels[name], why[name] = INFERRED, _UNTRIED
    return levels, why
