"""The event loop: blocked."""

from __future__ import annotations

from app.analysis.findings.rows import Rule
from app.model.findings import Finding
from app.model.states import State
from app.model.summary import BlockRow, LoopRow, Measurements
from app.model.units import ABSENT

# Half of what asyncio's own debug mode calls slow (0.1 s): people notice that, and no busy machine does it to
# a loop that yields.
_LATE_S = 0.05
_LEAST_SHARE = 0.01  # of the time: a loop that is late for less has had a bad moment
_ONCE_S = 0.5  # what happened once is told if it took so long

_DOES: dict[State, str] = {
    "running": "computes",
    "native": "computes in C code without the GIL",
    "stalled": "blocks in the kernel with the GIL held",
    "waiting": "waits for the GIL",
    "lock": "waits for a lock",
    "io": "waits for I/O",
    "sleep": "sleeps",
    "unknown": "blocks",
}


def _advice_of(
    *, thread: str, pool: str, process: str, yields: str, lock: str, client: str, sleep: str
) -> dict[State, str]:
    """What to do about a callback in each state, in the words of a loop's library."""
    thread = f"`await {thread}({{function}})`"
    return {
        "running": f"Move it to a {pool} ({process}), or divide it and `await {yields}` in between. A thread "
        "would compete with the loop for the GIL.",
        "native": f"It lets go of the GIL, so a thread is enough: {thread}.",
        "stalled": "It holds the GIL while it blocks, so a thread would stop the loop as well: call it in a "
        f"process ({process}).",
        "waiting": "Other threads compute with the GIL: move their work to processes.",
        "lock": f"Use {lock} where both sides are tasks; else wait in a thread: {thread}.",
        "io": f"Use a client that is made for {client}, or call it in a thread: {thread}.",
        "sleep": f"Use `await {sleep}(...)`; where the call is another's, run it in a thread: {thread}.",
        "unknown": f"Run it in a thread: {thread}.",
    }


_ASYNCIO = _advice_of(
    thread="asyncio.to_thread",
    pool="process pool",
    process="`loop.run_in_executor` with a ProcessPoolExecutor",
    yields="asyncio.sleep(0)",
    lock="an asyncio.Lock or asyncio.Queue",
    client="asyncio",
    sleep="asyncio.sleep",
)
_TRIO = _advice_of(
    thread="trio.to_thread.run_sync",
    pool="process",
    process="`anyio.to_process.run_sync` works beneath trio too",
    yields="trio.lowlevel.checkpoint()",
    lock="a trio.Lock or a memory channel",
    client="trio",
    sleep="trio.sleep",
)
_GREENLETS = (
    "With gevent, call `gevent.monkey.patch_all()` before anything else is imported, so that what blocks "
    "goes back to the hub; let code that computes call `gevent.sleep(0)`, or run it in "
    "`gevent.get_hub().threadpool`."
)

_UNSEEN = (
    "Look at the thread's run delay: where it is large, the machine has too few CPUs. Else look for "
    "callbacks in C: extensions, and the loop's own work for many sockets."
)


def event_loop_blocked(summary: Measurements) -> Finding | None:
    """What is ready to run waits for a callback that does not give the loop back."""
    judged = [(row, blocks) for row in summary["loops"] if (blocks := _to_tell(row))]
    if not judged:
        return None
    row, blocks = max(judged, key=lambda found: _late_s(found[1]))
    worst = blocks[0]
    function, lag = worst["function"], row["lag_s"]
    return Finding(
        code="event-loop-blocked",
        severity="warning",
        title=_title(worst),
        detail=f"{_what(worst)}: {_times(worst['count'])}, {_ms(worst['longest_s'])} at most, "
        f"{worst['total_s']:.2g} s in all. Meanwhile nothing else runs: a timer of this loop is "
        f"{_ms(lag['p50'])} late at the median, {_ms(lag['p99'])} once in a hundred times.{_others(blocks)}",
        evidence={
            "function": function,
            "file": worst["file"],
            "line": worst["line"],
            "task": worst["task"],
            "state": worst["state"],
            "count": worst["count"],
            "longest_s": worst["longest_s"],
            "total_s": worst["total_s"],
            "lag_p50_s": lag["p50"],
            "lag_p99_s": lag["p99"],
            "lag_max_s": lag["max"],
        },
        advice=_advice(row["kind"], worst),
    )


def _to_tell(row: LoopRow) -> list[BlockRow]:
    """What blocked a loop for long enough to be told; a program that imports has yet to begin.

    Steps of which nothing but the loop itself was seen are told where no others are worth it.
    """
    long = [block for block in row["blocks"] if block["longest_s"] >= _LATE_S and not block["importing"]]
    for blocks in ([block for block in long if block["function"]], long):
        often = sum(block["count"] for block in blocks) > 1
        longest_s = max((block["longest_s"] for block in blocks), default=0.0)
        if _late_s(blocks) >= _LEAST_SHARE * row["observed_s"] and (often or longest_s >= _ONCE_S):
            return blocks
    return []


def _late_s(blocks: list[BlockRow]) -> float:
    """For how long a timer that was due would have been late by _LATE_S and more."""
    return sum(max(block["total_s"] - _LATE_S * block["count"], 0.0) for block in blocks)


def _title(block: BlockRow) -> str:
    if block["function"] and block["state"] == "waiting":
        return "The event loop waits for the GIL, which other threads hold"
    return f"{block['function'] or 'Something'} blocks the event loop"


def _what(block: BlockRow) -> str:
    task = f" of task {block['task']}" if block["task"] else ""
    if block["function"]:
        return f"{block['function']}{task} {_DOES[block['state']]} without giving the loop back"
    return (
        f"The loop did not look for what is ready, and the callback{task} that kept it was not seen: it is C "
        "code, or the thread had no CPU"
    )


def _advice(kind: str, block: BlockRow) -> str:
    if not block["function"]:
        return _UNSEEN
    if kind == "gevent":
        return _GREENLETS
    advice = _TRIO if kind == "trio" else _ASYNCIO
    return advice[block["state"]].format(function=block["function"].rpartition(".")[2])


def _others(blocks: list[BlockRow]) -> str:
    named = [
        f"{b['function']} ({_times(b['count'])}, {_ms(b['longest_s'])})" for b in blocks[1:4] if b["function"]
    ]
    return f" Also {', '.join(named)}." if named else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return ABSENT
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


RULES: tuple[Rule, ...] = (event_loop_blocked,)
