"""Pure Python work: it needs the GIL at every step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.workloads.catalogue import Param, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.gil.implementations import IMPLEMENTATIONS
from app.workloads.throughput import told

COUNTDOWN_FROM = 10_000
PRIMES_BELOW = 2_000


def count_down() -> None:
    """Count down to nothing: well under a millisecond of byte code."""
    n = COUNTDOWN_FROM
    while n > 0:
        n -= 1


def find_primes() -> None:
    """Find the primes below a bound by trial division."""
    for candidate in range(3, PRIMES_BELOW, 2):
        divisor = 3
        while divisor * divisor <= candidate and candidate % divisor:
            divisor += 2


_KINDS = {"countdown": count_down, "primes": find_primes}


def _work(ctx: Context) -> None:
    piece = _KINDS[ctx.params["kind"]]
    while not ctx.stopping:
        piece()
        ctx.count(1)


async def _coroutine(ctx: Context) -> None:
    piece = _KINDS[ctx.params["kind"]]
    while not ctx.stopping:
        piece()
        ctx.count(1)
        await asyncio.sleep(0)


def _showed(result: Json) -> Sequence[str]:
    return (told(result, "did pieces"),)


CPU_BOUND = Workload(
    name="cpu-bound",
    family="gil",
    title="CPU-bound threads",
    sentence="Pure Python work: threads take turns with one GIL, so more of them gain nothing.",
    op=f"one countdown from {COUNTDOWN_FROM:,}, or one search for the primes below {PRIMES_BELOW:,}",
    look_for=(
        "The GIL lane is never empty: some thread always holds the lock, and all the others wait for it.",
        "Each of N threads runs for 1/N of the time and waits for the rest; the lock changes hands up to "
        "200 times a second, once in every switch interval of 5 ms.",
        "On processes each worker has a GIL of its own: as many run at once as there are free cores.",
    ),
    why=(
        "The interpreter runs byte code only in the thread that holds the GIL, and pure Python work is "
        "nothing but byte code: N threads share what one could do.",
        "On a free-threaded build there is no such lock, and on processes and subinterpreters each worker "
        "has one to itself.",
    ),
    helps=(
        "Processes, subinterpreters or a free-threaded build: as many workers as there are cores.",
        "C code that lets go of the GIL, as in native-release, where the work allows it.",
    ),
    subject="The global interpreter lock, and working with threads and processes (chapters 3, 6 and 15).",
    table=IMPLEMENTATIONS,
    finding="gil-saturated",
    mended=Variant("A process for each worker", executor="processes"),
    showed=_showed,
    roles=("cpu",),
    work=_work,
    coroutine=_coroutine,
    executors=("threads", "processes", "sequential", "asyncio", "subinterpreters"),
    params=(
        Param(
            "kind",
            "choice",
            "countdown",
            "What is computed: a loop that counts down, or primes by trial division.",
            choices=tuple(_KINDS),
        ),
    ),
)
