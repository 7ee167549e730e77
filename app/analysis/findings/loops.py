"""The event loop: blocked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.model.findings import Finding

# Half of what asyncio's own debug mode calls slow (0.1 s): people notice that, and no busy machine does it to
# a loop that yields.
_LATE_S = 0.05
_LEAST_SHARE = 0.01  # of the time: a loop that is late for less has had a bad moment
_ONCE_S = 0.5  # what happened once is told if it took so long

_DOES = {
    "running": "computes",
    "native": "computes in C code without the GIL",
    "stalled": "blocks in the kernel with the GIL held",
    "waiting": "waits for the GIL",
    "lock": "waits for a lock",
    "io": "waits for I/O",
    "sleep": "sleeps",
    "unknown": "blocks",
}
_THREAD = "`await asyncio.to_thread({function})`"
_ADVICE = {
    "running": "Move it to a process pool (`loop.run_in_executor` with a ProcessPoolExecutor), or divide it "
    "and `await asyncio.sleep(0)` in between. A thread would compete with the loop for the GIL.",
    "native": f"It lets go of the GIL, so a thread is enough: {_THREAD}.",
    "stalled": "It holds the GIL while it blocks, so a thread would stop the loop as well: call it in a "
    "process (`loop.run_in_executor` with a ProcessPoolExecutor).",
    "waiting": "Other threads compute with the GIL: move their work to processes.",
    "lock": "Use an asyncio.Lock or asyncio.Queue where both sides are tasks; else wait in a thread: "
    f"{_THREAD}.",
    "io": f"Use a client that is made for asyncio, or call it in a thread: {_THREAD}.",
    "sleep": f"Use `await asyncio.sleep(...)`; where the call is another's, run it in a thread: {_THREAD}.",
    "unknown": f"Run it in a thread: {_THREAD}.",
}
_GREENLETS = (
    "With gevent, call `gevent.monkey.patch_all()` before anything else is imported, so that what blocks "
    "goes back to the hub; let code that computes call `gevent.sleep(0)`, or run it in "
    "`gevent.get_hub().threadpool`."
)


def event_loop_blocked(summary: dict[str, Any]) -> Finding | None:
    """What is ready to run waits for a callback that does not give the loop back."""
    rows = [row for row in summary["loops"] if _late_s(row) >= _LEAST_SHARE * row["observed_s"]]
    if not rows:
        return None
    row = max(rows, key=_late_s)
    blocks = _blocks(row)
    worst = blocks[0]
    count, longest_s = sum(b["count"] for b in blocks), max(b["longest_s"] for b in blocks)
    if count < 2 and longest_s < _ONCE_S:
        return None
    function = worst["function"]
    task = f" of task {worst['task']}" if worst["task"] else ""
    lag = row["lag_s"]
    return Finding(
        code="event-loop-blocked",
        severity="warning",
        title=f"{function} blocks the event loop" if function else "Something blocks the event loop",
        detail=f"{function or 'A callback'}{task} {_DOES[worst['state']]} without giving the loop back: "
        f"{_times(worst['count'])}, {_ms(worst['longest_s'])} at most, {worst['total_s']:.2g} s in all. "
        f"Meanwhile nothing else runs: a timer of this loop is {_ms(lag['p50'])} late at the median, "
        f"{_ms(lag['p99'])} once in a hundred times.{_others(blocks)}",
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
        advice=_GREENLETS
        if row["kind"] == "gevent"
        else _ADVICE[worst["state"]].format(function=(function or "function").rpartition(".")[2]),
    )


def _blocks(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What blocked for long; a program that imports has yet to begin."""
    return [block for block in row["blocks"] if block["longest_s"] >= _LATE_S and not block["importing"]]


def _late_s(row: dict[str, Any]) -> float:
    """For how long a timer that was due would have been late by _LATE_S and more."""
    return float(sum(max(block["total_s"] - _LATE_S * block["count"], 0) for block in _blocks(row)))


def _others(blocks: list[dict[str, Any]]) -> str:
    named = [
        f"{b['function']} ({_times(b['count'])}, {_ms(b['longest_s'])})" for b in blocks[1:4] if b["function"]
    ]
    return f" Also {', '.join(named)}." if named else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


RULES: tuple[Callable[[dict[str, Any]], Finding | None], ...] = (event_loop_blocked,)
