"""Hungry diners with one spoon, each of whom lets the others go first."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from threading import Lock

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.pulse import Pulse

_SLICE_S = 0.1  # how long a diner waits for the spoon before looking whether to end
_MOST_PATIENT = 5  # a patient diner gives way less often than that, and then eats


class Spoon:
    """The one spoon, handed round among diners who are hungry all the time."""

    def __init__(self, diners: int) -> None:
        self.meals = [0] * diners
        self.given_way = [0] * diners
        self.pulse = Pulse()
        # One lock a diner, which is free only when the spoon is that diner's to take.
        self._turns = [Lock() for _ in range(diners)]
        for turn in self._turns[1:]:
            turn.acquire()

    def take(self, ctx: Context) -> bool:
        """Wait for the spoon; false if it is time to end."""
        turn = self._turns[ctx.worker]
        while not ctx.stopping:
            if turn.acquire(timeout=_SLICE_S):
                return True
        return False

    def pass_on(self, ctx: Context) -> None:
        """Hand it to the next at the table."""
        self._turns[(ctx.worker + 1) % len(self._turns)].release()

    def report(self, ctx: Context) -> None:
        """What came of it so far."""
        values = {"gave way": sum(self.given_way), "meals": sum(self.meals)}
        ctx.report({"bars": {"title": "What came of it", "unit": "times", "values": values}})


def _prepare(setting: Setting, resources: ExitStack) -> Spoon:
    return Spoon(setting.workers)


def _work(ctx: Context) -> None:
    spoon: Spoon = ctx.prepared
    polite, chance = ctx.params["manners"] == "polite", Random()
    gives_way = chance.randrange(_MOST_PATIENT)  # how often a patient diner lets the next one eat first
    while spoon.take(ctx):
        ctx.count(1)
        if spoon.pulse.due():
            spoon.report(ctx)
        if polite or gives_way:
            gives_way -= 1
            spoon.given_way[ctx.worker] += 1
        else:
            gives_way = chance.randrange(_MOST_PATIENT)
            spoon.meals[ctx.worker] += 1
        spoon.pass_on(ctx)


def _summarise(spoon: Spoon, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        "attempts": sum(spoon.given_way) + sum(spoon.meals),
        "progress": sum(spoon.meals),
        "gave_way": sum(spoon.given_way),
        "meals": {f"diner-{place + 1}": meals for place, meals in enumerate(spoon.meals)},
    }


def _showed(result: Json) -> Sequence[str]:
    attempts, meals, seconds = result["attempts"], result["progress"], result["seconds"]
    if not meals:
        return (
            f"The spoon changed hands {attempts:,} times in {seconds:.1f} s, "
            f"{attempts / seconds:,.0f} times a second, and nobody ate.",
        )
    return (
        f"{meals:,} meals in {seconds:.1f} s: of {attempts:,} times that somebody had the spoon, "
        f"{meals / attempts:.0%} ended in a meal.",
    )


LIVELOCK = Workload(
    name="livelock",
    family="hazards",
    title="Livelock",
    sentence="Hungry diners with one spoon hand it on for ever, because each lets the others eat first.",
    op="one turn with the spoon",
    look_for=(
        "Unlike in a deadlock, all is in motion: the lock changes hands thousands of times a second, threads "
        "run, cores are busy, and the count of operations grows.",
        "Only the meals stay at nothing. A watchdog that asks whether threads are alive sees no trouble: "
        "what counts is progress.",
        "Set the manners to patient: each gives way a few times at random, then eats.",
    ),
    why=(
        "Each reacts to the others by the same rule, and so their moves answer one another in a circle. The "
        "same happens where threads that cannot get a second lock release the first and retry in step.",
    ),
    helps=(
        "Bound the politeness: after so many attempts insist.",
        "Break the step: wait for a random time before the next attempt, longer after each failure.",
        "Measure progress, not activity: work done in a second.",
    ),
    subject="Deadlocks: livelock, the deadlock that moves (chapter 12).",
    finding="livelock",
    mended=Variant("Each gives way a few times, then eats", params={"manners": "patient"}),
    roles=("diner",),
    work=_work,
    executors=("threads",),
    workers=2,
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("attempts", "Turns with the spoon"),
        Shown("gave_way", "Gave way"),
        Shown("progress", "Meals"),
        Shown("meals", "Meals of each"),
    ),
    params=(
        Param(
            "manners",
            "choice",
            "polite",
            "Whether a diner who has the spoon gives way as long as another is hungry, or a random number of "
            "times, four at the most.",
            choices=("polite", "patient"),
        ),
    ),
)
