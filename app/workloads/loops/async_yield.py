"""Tasks that hand on the turn by themselves: how long each keeps it is how late all the others are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns

from app.workloads.catalogue import Param, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.loops import lag
from app.workloads.measured import of_latencies

_NS_A_MS = 1_000_000
_STEPS = 500


async def _coroutine(ctx: Context) -> Json | None:
    if ctx.role == "watch":
        return await lag.watch(ctx)
    slice_ns = int(ctx.params["slice_ms"] * _NS_A_MS)
    while not ctx.stopping:
        compute(slice_ns)
        ctx.count(1)
        await asyncio.sleep(0)
    return None


def compute(length_ns: int) -> None:
    """Compute for about so long, and let nobody else go on."""
    end_ns = perf_counter_ns() + length_ns
    while perf_counter_ns() < end_ns:
        for _ in range(_STEPS):
            pass


def _summarise(prepared: None, found: Sequence[Json], companion: Json | None) -> Json:
    return found[0]


def _showed(result: Json) -> Sequence[str]:
    turns = result["ops_by_worker"]
    return (
        lag.showed(result),
        f"{len(turns)} tasks had {result['ops_per_s']:,.0f} turns a second together, the busiest "
        f"{max(turns):,} and the idlest {min(turns):,} of them in all.",
    )


ASYNC_YIELD = Workload(
    name="async-yield",
    family="asyncio",
    title="Tasks that yield",
    sentence="Tasks of one loop compute a slice each and hand on the turn: nobody is interrupted.",
    op="one turn of a task",
    look_for=(
        "There is one thread, and it always runs: the turns of its tasks are none of the operating system's "
        "business, and the GIL never changes hands.",
        "The loop's lag is about one slice for each task. Make slice_ms ten times as long: the lag follows, "
        "and the turns are shared out as evenly as before.",
    ),
    why=(
        "A task goes on until it awaits something that is not ready. `await asyncio.sleep(0)` is the "
        "plainest such thing: it lets all the others have their turn.",
    ),
    helps=(
        "Await often in what computes, or hand it to a thread or a process.",
        "Await something real where there is something to wait for: a sleep of 0 keeps the processor busy.",
    ),
    subject="Asynchronous programming: cooperation in place of interruption (chapters 9 and 10).",
    mended=Variant("Shorter turns", params={"slice_ms": 0.2}),
    roles=("watch", "task"),
    counting="task",
    coroutine=_coroutine,
    executors=("asyncio",),
    executor="asyncio",
    workers=5,
    min_workers=2,
    summarise=_summarise,
    showed=_showed,
    shown=(*of_latencies("loop_lag_ms", "Loop lag"),),
    params=(
        Param("slice_ms", "float", 1.0, "How long a task keeps the turn.", min=0.05, max=200.0, unit="ms"),
    ),
)
