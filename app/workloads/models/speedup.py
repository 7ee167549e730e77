"""What several workers get done in a second, against what the first of them gets done alone, in one run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from time import monotonic_ns, sleep

from app.workloads.context import Context, Json

ALONE_SHARE = 0.3  # of the time, at first: the first worker is alone

_NS_A_SECOND = 1_000_000_000
_IDLE_S = 0.1

Steps = Generator[float, None, Json]  # yields how long to sleep before the next step


def steps(ctx: Context, piece: Callable[[], None], in_turn: bool) -> Steps:
    """One worker's steps; what it returns is for `compared`.

    Workers that run one after the other (`in_turn`) are never beside another, so they do not wait for the
    first one's time alone to pass.
    """
    start_ns, deadline_ns = ctx.span
    together_ns = start_ns + int(ALONE_SHARE * (deadline_ns - start_ns))
    alone = 0
    while ctx.worker == 0 and monotonic_ns() < together_ns and not ctx.stopping:
        piece()
        alone += 1
        ctx.count(1)
        yield 0
    alone_ns = monotonic_ns() - start_ns
    while ctx.worker and not in_turn and monotonic_ns() < together_ns and not ctx.stopping:
        yield min(_IDLE_S, max(together_ns - monotonic_ns(), 0) / _NS_A_SECOND)
    began_ns, together = monotonic_ns(), 0
    while not ctx.stopping:
        piece()
        together += 1
        ctx.count(1)
        yield 0
    return {
        "alone": alone,
        "alone_ns": alone_ns,
        "together": together,
        "began_ns": began_ns,
        "ended_ns": monotonic_ns(),
    }


def run(steps: Steps) -> Json:
    """Take the steps in this thread."""
    while True:
        try:
            pause_s = next(steps)
        except StopIteration as end:
            found: Json = end.value
            return found
        if pause_s:
            sleep(pause_s)


async def run_async(steps: Steps) -> Json:
    """Take the steps in this task, and let the others go on after each."""
    while True:
        try:
            pause_s = next(steps)
        except StopIteration as end:
            found: Json = end.value
            return found
        await asyncio.sleep(pause_s)


def compared(found: Sequence[Json]) -> Json:
    """Both rates, and the speed-up; null for a phase that never came."""
    first = found[0]
    together_ns = max(each["ended_ns"] for each in found) - min(each["began_ns"] for each in found)
    alone_per_s = _rate(first["alone"], first["alone_ns"])
    together_per_s = _rate(sum(each["together"] for each in found), together_ns)
    return {
        "alone_per_s": alone_per_s,
        "together_per_s": together_per_s,
        "speed_up": together_per_s / alone_per_s if alone_per_s and together_per_s else None,
    }


def showed(result: Json) -> Sequence[str]:
    """The speed-up in a sentence."""
    if result["speed_up"] is None:
        return ("The run ended before both phases had got anything done.",)
    return (
        f"One worker alone did {result['alone_per_s']:,.0f} pieces a second, {result['workers']} on "
        f"{result['executor']} {result['together_per_s']:,.0f}: {result['speed_up']:.2f} times as many.",
    )


def _rate(count: int, length_ns: int) -> float | None:
    return count * _NS_A_SECOND / length_ns if count and length_ns > 0 else None
