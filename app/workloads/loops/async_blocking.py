"""One call that blocks holds up every task of a loop; a thread or a process for it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from time import sleep

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.children import die_with_parent, stop_signals_held
from app.workloads.context import Context, Json
from app.workloads.loops import lag
from app.workloads.loops.async_yield import compute
from app.workloads.measured import Shown, of_latencies

_NS_A_MS = 1_000_000
_HANDLED_S = 0.005


def _sleep_ms(length_ms: float) -> None:
    sleep(length_ms / 1000)


def _compute_ms(length_ms: float) -> None:
    compute(int(length_ms * _NS_A_MS))


_CALLS: dict[str, Callable[[float], None]] = {"sleep": _sleep_ms, "compute": _compute_ms}


def _prepare(setting: Setting, resources: ExitStack) -> Executor | None:
    """Who makes the call in the loop's place."""
    if setting.params["where"] == "to_thread":
        return resources.enter_context(ThreadPoolExecutor(1, thread_name_prefix="blocking"))
    if setting.params["where"] == "to_process":
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=die_with_parent)
        resources.enter_context(pool)
        with stop_signals_held("spawn"):
            pool.submit(_sleep_ms, 0).result()
        return pool
    return None


async def _coroutine(ctx: Context) -> Json | None:
    if ctx.role == "watch":
        return await lag.watch(ctx)
    if ctx.role == "caller":
        return await _block(ctx)
    while not ctx.stopping:
        await asyncio.sleep(_HANDLED_S)
        ctx.count(1)
    return None


async def _block(ctx: Context) -> Json:
    call = partial(_CALLS[ctx.params["call"]], ctx.params["block_ms"])
    loop, calls = asyncio.get_running_loop(), 0
    while not ctx.stopping:
        if ctx.prepared is None:
            call()
        else:
            await loop.run_in_executor(ctx.prepared, call)
        calls += 1
        await asyncio.sleep(ctx.params["pause_ms"] / 1000)
    return {"calls": calls}


def _summarise(prepared: Executor | None, found: Sequence[Json], companion: Json | None) -> Json:
    return {**found[0], **found[1]}


def _showed(result: Json) -> Sequence[str]:
    return (
        lag.showed(result),
        f"Blocking calls made meanwhile: {result['calls']}; requests handled: {result['ops_per_s']:,.0f} a "
        "second.",
    )


ASYNC_BLOCKING = Workload(
    name="async-blocking",
    family="asyncio",
    title="A call that blocks the loop",
    sentence="One task makes a call that blocks: every other task of the loop stands still meanwhile.",
    op="one request handled by another task",
    look_for=(
        "While the call lasts the loop's thread is asleep (or running, if the call computes), and nothing "
        "else happens: loop_lag_ms says how late the other tasks were.",
        "Set where to to_thread: the call has a thread of its own, and the lag is gone. A call that computes "
        "still takes turns for the GIL, which to_process ends.",
    ),
    why=(
        "A loop is one thread. A function that does not await cannot be left before it returns, whatever it "
        "waits for.",
    ),
    helps=(
        "asyncio.to_thread for calls that wait; a process pool for calls that compute.",
        "A library that awaits, in place of one that blocks. asyncio's debug mode tells of callbacks that "
        "take longer than 0.1 s.",
    ),
    subject="Asynchronous programming: what blocks it (chapters 9 and 10).",
    finding="event-loop-blocked",
    mended=Variant("The call in a thread", params={"where": "to_thread"}),
    roles=("watch", "caller", "handler"),
    counting="handler",
    coroutine=_coroutine,
    executors=("asyncio",),
    executor="asyncio",
    workers=5,
    min_workers=3,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        *of_latencies("loop_lag_ms", "Loop lag"),
        Shown("calls", "Blocking calls"),
    ),
    params=(
        Param(
            "where",
            "choice",
            "loop",
            "Where the call is made: in the loop's own thread, in another, or in a process.",
            choices=("loop", "to_thread", "to_process"),
        ),
        Param("call", "choice", "sleep", "What the call does.", choices=tuple(_CALLS)),
        Param("block_ms", "float", 150.0, "How long one call lasts.", min=1.0, max=300.0, unit="ms"),
        Param("pause_ms", "float", 100.0, "The pause between two calls.", min=1.0, max=300.0, unit="ms"),
    ),
)
