"""Work that falls apart by itself: no piece needs another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.models import speedup

NUMBERS = 100  # in a piece


def is_prime(number: int) -> bool:
    """By trial division."""
    if number % 2 == 0 or number < 3:
        return number == 2
    divisor = 3
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 2
    return True


class PrimeSearch:
    """One worker's pieces: every N-th, beginning with its own, so that no number is tried twice."""

    def __init__(self, worker: int, workers: int, numbers_from: int) -> None:
        self.found = 0
        self.tried = 0
        self._next = numbers_from + worker * NUMBERS
        self._stride = workers * NUMBERS

    def piece(self) -> None:
        """Try the next piece's numbers."""
        self.found += sum(map(is_prime, range(self._next, self._next + NUMBERS)))
        self.tried += NUMBERS
        self._next += self._stride


def _prepare(setting: Setting, resources: ExitStack) -> tuple[int, bool]:
    return setting.workers, setting.executor == "sequential"


def _search(ctx: Context) -> tuple[PrimeSearch, speedup.Steps]:
    workers, in_turn = ctx.prepared
    search = PrimeSearch(ctx.worker, workers, ctx.params["numbers_from"])
    return search, speedup.steps(ctx, search.piece, in_turn)


def _work(ctx: Context) -> Json:
    search, steps = _search(ctx)
    return {**speedup.run(steps), "primes": search.found, "tried": search.tried}


async def _coroutine(ctx: Context) -> Json:
    search, steps = _search(ctx)
    return {**await speedup.run_async(steps), "primes": search.found, "tried": search.tried}


def _summarise(prepared: object, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        **speedup.compared(found),
        "primes_found": sum(each["primes"] for each in found),
        "numbers_tried": sum(each["tried"] for each in found),
    }


PRIMES = Workload(
    name="primes",
    family="models",
    title="Embarrassingly parallel",
    sentence="A search for primes whose pieces need nothing of each other: as fast as there are cores.",
    op=f"{NUMBERS} numbers tried",
    look_for=(
        "In the first third of the time one worker is alone; then all of them work. Compare the two rates: "
        "their ratio is the speed-up.",
        "On processes it comes close to the number of free cores, on threads of a build with a GIL it stays "
        "at 1: nothing in the work is in the way, only the lock.",
    ),
    why=(
        "No number's answer depends on another's, so the pieces can be done in any order, by anybody.",
        "What is left to hold them up is what they share: the GIL, the cores, the memory.",
    ),
    helps=(
        "Processes, subinterpreters or a free-threaded build, one worker for each core.",
        "Larger pieces, where handing them out costs as much as doing them.",
    ),
    subject="Amdahl's law, and what can be done at the same time (chapters 1 and 2).",
    mended=Variant("A process for each worker", executor="processes"),
    roles=("searcher",),
    work=_work,
    coroutine=_coroutine,
    executors=("threads", "processes", "sequential", "asyncio", "subinterpreters"),
    prepare=_prepare,
    summarise=_summarise,
    showed=speedup.showed,
    shown=(
        Shown("alone_per_s", "Pieces, one worker alone", "rate"),
        Shown("together_per_s", "Pieces, all together", "rate"),
        Shown("speed_up", "Speed-up", "times"),
        Shown("primes_found", "Primes found"),
        Shown("numbers_tried", "Numbers tried"),
    ),
    params=(
        Param(
            "numbers_from",
            "int",
            1_000_000,
            "Where the search begins: the larger the numbers, the longer each takes.",
            min=1_000,
            max=1_000_000_000,
        ),
    ),
)
