"""Philosophers around a table, each between two forks, and each in need of both."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from random import Random
from time import sleep

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.hazards.deadlock import told
from app.workloads.measured import Shown
from app.workloads.pulse import Pulse
from app.workloads.tracked import RunOver, TrackedLocks

_ARRIVAL_S = 0.05  # within which they sit down


class Table:
    """Forks, as many as philosophers; and what each has eaten."""

    def __init__(self, philosophers: int) -> None:
        self.locks = TrackedLocks()
        self.forks = [self.locks.new(f"fork {fork + 1}") for fork in range(philosophers)]
        self.meals = [0] * philosophers
        self._pulse = Pulse()

    def look(self, ctx: Context) -> None:
        """Report the meals, and who holds which fork."""
        self.locks.look(ctx)
        if self._pulse.due():
            ctx.report({"bars": {"title": "Meals", "unit": "meals", "values": self.meals_by_name()}})

    def meals_by_name(self) -> dict[str, int]:
        """What each has eaten."""
        return {f"philosopher-{place + 1}": meals for place, meals in enumerate(self.meals)}


def _prepare(setting: Setting, resources: ExitStack) -> Table:
    return Table(setting.workers)


def _work(ctx: Context) -> None:
    table: Table = ctx.prepared
    left, right = ctx.worker, (ctx.worker + 1) % len(table.forks)
    if ctx.params["order"] == "ordered":
        left, right = sorted((left, right))
    chance = Random()
    sleep(chance.uniform(0, _ARRIVAL_S))  # all at once, and half of the runs would be over before a meal
    with suppress(RunOver):
        while not ctx.stopping:
            table.look(ctx)
            _pause(chance, ctx.params["think_ms"])
            with table.forks[left].held(ctx):
                ctx.count(1)
                _pause(chance, ctx.params["reach_ms"])
                with table.forks[right].held(ctx):
                    ctx.count(1)
                    _pause(chance, ctx.params["eat_ms"])
                    table.meals[ctx.worker] += 1


def _pause(chance: Random, mean_ms: float) -> None:
    sleep(chance.uniform(0, 2 * mean_ms / 1000))


def _summarise(table: Table, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        "meals": table.meals_by_name(),
        "meals_eaten": sum(table.meals),
        "wait_for": table.locks.seen,
        "deadlock": table.locks.deadlock,
    }


def _showed(result: Json) -> Sequence[str]:
    deadlock, meals = result["deadlock"], result["meals"].values()
    if deadlock is None:
        return (
            f"{result['meals_eaten']:,} meals in {result['seconds']:.1f} s, between {min(meals):,} and "
            f"{max(meals):,} for each philosopher, and no deadlock.",
        )
    return (
        f"{result['meals_eaten']:,} meals were eaten, and after {deadlock['at_s']:.3f} s no more: each of "
        f"the {len(meals)} held one fork and waited for the next.",
        f"Found {deadlock['found_after_s']:.2f} s later: {told(deadlock['cycle'])}.",
    )


PHILOSOPHERS = Workload(
    name="philosophers",
    family="hazards",
    title="The dining philosophers",
    sentence="Five philosophers share five forks, and each needs two: all take the left one, and starve.",
    op="one fork taken up",
    look_for=(
        "At first they eat: lanes alternate between sleep, which is thinking, reaching and eating, and lock, "
        "which is waiting for a neighbour's fork.",
        "At some moment each holds the fork on the left and waits for the one on the right. Every lane is "
        "lock from there on, the meals stand still, and the graph is one cycle through all of them.",
        "Set the order to ordered: the last philosopher then takes the right fork first, and they eat on.",
    ),
    why=(
        "The forks form a ring and everybody goes round it the same way, so that the waits can close into a "
        "cycle. One who goes the other way breaks it.",
        "How soon it happens depends on how long one fork is held while the other is reached for: the "
        "longer, the sooner. That it can happen does not depend on it.",
    ),
    helps=(
        "Number the forks and take the lower one first.",
        "Let one fewer sit down than there are forks: a threading.Semaphore around the meal.",
    ),
    subject="Deadlocks: the dining philosophers (chapter 12).",
    finding="deadlock",
    mended=Variant("Number the forks, and take the lower one first", params={"order": "ordered"}),
    roles=("philosopher",),
    work=_work,
    executors=("threads",),
    workers=5,
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("meals_eaten", "Meals"),
        Shown("meals", "Meals of each"),
        Shown("deadlock.at_s", "Nobody could go on after", "s"),
        Shown("deadlock.found_after_s", "Found after another", "s"),
    ),
    params=(
        Param(
            "order",
            "choice",
            "left-first",
            "Which fork is taken first: the left one, or the one with the lower number.",
            choices=("left-first", "ordered"),
        ),
        Param("think_ms", "float", 1.0, "Time between two meals, on average.", min=0.0, max=100.0, unit="ms"),
        Param(
            "reach_ms",
            "float",
            2.0,
            "Time between taking the first fork and reaching for the second, on average.",
            min=0.0,
            max=100.0,
            unit="ms",
        ),
        Param("eat_ms", "float", 2.0, "How long a meal lasts, on average.", min=0.0, max=100.0, unit="ms"),
    ),
)
