"""The event loop: blocked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.model.findings import Finding

# A task that is due waits for half of what asyncio's own debug mode calls slow (0.1 s), once in a hundred
# times: people notice that, and no busy machine does it to a loop that yields.
_LAG_P99_MS = 50.0


def event_loop_blocked(summary: dict[str, Any]) -> Finding | None:
    """Tasks that could go on wait for one that does not await."""
    lag = (summary["workload"] or {}).get("loop_lag_ms")
    if not lag or lag["p99"] is None or lag["p99"] < _LAG_P99_MS:
        return None
    return Finding(
        code="event-loop-blocked",
        severity="warning",
        title="Something blocks the event loop",
        detail=f"A task that was due waited a median of {lag['p50']:.1f} ms for its turn, once in a hundred "
        f"times {lag['p99']:.0f} ms or more, and {lag['max']:.0f} ms at most.",
        evidence={"lag_p50_ms": lag["p50"], "lag_p99_ms": lag["p99"], "lag_max_ms": lag["max"]},
        advice="Await what blocks: asyncio.to_thread for calls that wait, a process pool for calls that "
        "compute. asyncio's debug mode names the callbacks that take long.",
    )


RULES: tuple[Callable[[dict[str, Any]], Finding | None], ...] = (event_loop_blocked,)
