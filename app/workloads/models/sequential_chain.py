"""Work of which each step needs the one before: no executor helps."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic_ns

from app.workloads.catalogue import Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.models import speedup
from app.workloads.models.ring import Pipe

STEPS = 5_000  # in a link
SEED = 1
_MODULUS = 2**31 - 1


def link(state: int) -> int:
    """Some steps of a generator of random numbers: each is made of the last."""
    for _ in range(STEPS):
        state = state * 48_271 % _MODULUS
    return state


def _prepare(setting: Setting, resources: ExitStack) -> list[Pipe]:
    """A pipe to each worker; one for all, where they come one after the other."""
    workers = 1 if setting.executor == "sequential" else setting.workers
    ring = [Pipe.made(resources) for _ in range(workers)]
    ring[0].put(SEED)
    return ring


def _work(ctx: Context) -> Json:
    """Get the state, compute the next link, and hand it on; the first worker alone keeps it for a while."""
    ring: list[Pipe] = ctx.prepared
    mine, after = ring[ctx.worker % len(ring)], ring[(ctx.worker + 1) % len(ring)]
    start_ns, deadline_ns = ctx.span
    together_ns = start_ns + int(speedup.ALONE_SHARE * (deadline_ns - start_ns))
    alone = together = 0
    began_ns = together_ns if len(ring) > 1 else start_ns
    while (handed := mine.get(ctx)) is not None:
        [state] = handed
        while ctx.worker == 0 and monotonic_ns() < together_ns and not ctx.stopping:
            state = link(state)
            alone += 1
            ctx.count(1)
            began_ns = monotonic_ns()
        state = link(state)
        together += 1
        ctx.count(1)
        after.put(state)
    ended_ns = monotonic_ns()
    return {
        "alone": alone,
        "alone_ns": began_ns - start_ns,
        "together": together,
        "began_ns": began_ns,
        "ended_ns": ended_ns,
    }


def _summarise(prepared: object, found: Sequence[Json], companion: Json | None) -> Json:
    return speedup.compared(found)


SEQUENTIAL_CHAIN = Workload(
    name="sequential-chain",
    family="models",
    title="Inherently sequential",
    sentence="A chain of numbers, each made of the last: workers can only hand it on, and none is faster.",
    op=f"one link: {STEPS} numbers",
    look_for=(
        "One worker runs at a time, on any executor: the others wait for the state, not for the GIL. On "
        "processes that is plain to see, because their GILs are idle.",
        "The speed-up is about 1, or less by what it costs to hand the state on.",
    ),
    why=(
        "A step cannot begin before its input exists. No lock is in the way, and no core is missing: it is "
        "the problem itself that has no two things to do at once.",
    ),
    helps=(
        "Another algorithm: this generator can jump ahead, and a sum need not be taken from left to right.",
        "Several chains at once: each is as slow as before, but all go on together.",
    ),
    subject="What cannot be done at the same time (chapters 1 and 2).",
    roles=("link",),
    work=_work,
    executors=("threads", "processes", "sequential", "subinterpreters"),
    executor="processes",
    min_workers=2,
    prepare=_prepare,
    summarise=_summarise,
    showed=speedup.showed,
    shown=(
        Shown("alone_per_s", "Pieces, one worker alone", "rate"),
        Shown("together_per_s", "Pieces, all together", "rate"),
        Shown("speed_up", "Speed-up", "times"),
    ),
)
