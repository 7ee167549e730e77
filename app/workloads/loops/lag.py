"""How late an event loop is: what its tasks wait after they could have gone on."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns

from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies

_PERIOD_NS = 5_000_000
_NS_A_SECOND = 1_000_000_000


async def watch(ctx: Context) -> Json:
    """Sleep for a short while, over and over: the lag is by how much each sleep is too long."""
    lag = Latencies()
    while not ctx.stopping:
        due_ns = perf_counter_ns() + _PERIOD_NS
        await asyncio.sleep(_PERIOD_NS / _NS_A_SECOND)
        lag.add(max(perf_counter_ns() - due_ns, 0))
    return {"loop_lag_ms": lag.summary_ms()}


def showed(result: Json) -> str:
    """The lag in a sentence."""
    lag = result["loop_lag_ms"]
    if not lag["count"]:
        return "The run ended before the loop's lag was measured."
    return (
        f"A task that was due waited a median of {lag['p50']:.2f} ms for its turn, once in a hundred times "
        f"{lag['p99']:.1f} ms or more, and {lag['max']:.1f} ms at most."
    )
