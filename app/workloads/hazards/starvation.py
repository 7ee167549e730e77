"""One writer among readers, under policies that are fair and others that are not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from time import sleep

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.hazards.fairness import jain
from app.workloads.hazards.readers_writers import POLICIES, READER, ROLES, WRITER, ReadersWriters
from app.workloads.measured import Shown, of_latencies
from app.workloads.pulse import Pulse


class Library:
    """What is read and written, and how often each role got to it."""

    def __init__(self, policy: str, readers: int) -> None:
        self.lock = ReadersWriters(policy)
        self.members = {WRITER: 1, READER: readers}
        self.accesses = [0] * (1 + readers)
        self.pulse = Pulse()

    def each(self) -> dict[str, float]:
        """Accesses of a role for each of its members: what a fair policy makes equal."""
        by_role = {WRITER: self.accesses[:1], READER: self.accesses[1:]}
        return {role: sum(by_role[role]) / self.members[role] for role in ROLES}

    def report(self, ctx: Context) -> None:
        """Who got how much so far."""
        each = self.each()
        ctx.report(
            {
                "bars": {"title": "Accesses of each", "unit": "accesses", "values": each},
                "fairness": {"jain": jain(list(each.values())), "by_role": each},
            }
        )


def _prepare(setting: Setting, resources: ExitStack) -> Library:
    return Library(str(setting.params["policy"]), setting.workers - 1)


def _work(ctx: Context) -> None:
    library: Library = ctx.prepared
    mean_s = ctx.params["hold_ms"] / 1000
    pause_s = ctx.params["pause_ms"] / 1000
    chance = Random()
    while not ctx.stopping and library.lock.enter(ctx):
        sleep(chance.uniform(mean_s / 2, 3 * mean_s / 2))  # reading or writing; readers fall out of step
        library.accesses[ctx.worker] += 1
        library.lock.leave(ctx.role)
        ctx.count(1)
        if library.pulse.due():
            library.report(ctx)
        if pause_s:
            sleep(pause_s)


def _summarise(library: Library, found: Sequence[Json], companion: Json | None) -> Json:
    each = library.each()
    return {
        "fairness": {"jain": jain(list(each.values())), "by_role": each},
        "waits_ms": {role: library.lock.waits[role].summary_ms() for role in ROLES},
    }


def _showed(result: Json) -> Sequence[str]:
    each, waits = result["fairness"]["by_role"], result["waits_ms"]
    index = result["fairness"]["jain"]
    said = [
        f"Accesses: {each[WRITER]:,.0f} of the writer, {each[READER]:,.0f} of each reader. Longest wait: "
        f"{_ms(waits[WRITER])} for the writer, {_ms(waits[READER])} for a reader."
    ]
    if index is not None:
        said.append(
            f"Jain's index over the two roles is {index:.2f}: 1 is an even share, 0.50 is one role having "
            "everything."
        )
    return said


def _ms(waits: Json) -> str:
    return "none" if waits["max"] is None else f"{waits['max']:,.1f} ms"


STARVATION = Workload(
    name="starvation",
    family="hazards",
    title="Starvation",
    sentence="Readers share a lock that a writer needs alone, and so many overlap that it never comes in.",
    op="one access",
    look_for=(
        "The readers' lanes are sleep, which is reading; the writer's lane is lock from end to end, although "
        "nothing is deadlocked and the count of operations grows.",
        "Compare the waits and the accesses of the roles. Jain's index is 1 where both get the same, and 0.5 "
        "where one gets everything.",
        "With writers first the readers starve instead: a writer that comes back at once is always ahead.",
    ),
    why=(
        "Readers overlap, so the lock is never free of them, and the policy lets a new reader in past a "
        "writer that waits. Each reader waits for nothing, and the writer for all of them.",
        "A priority that is never used up starves everybody below it, in a lock as in a scheduler.",
    ),
    helps=(
        "Let in by order of arrival: nobody passes anybody else who waits.",
        "Or let a wait raise the priority, so that it is bounded.",
        "Readers that work on a copy need no lock at all.",
    ),
    subject="Starvation: the readers-writers problem and its three solutions (chapter 13).",
    finding="starvation",
    mended=Variant("Let in by order of arrival", params={"policy": "fair"}),
    roles=ROLES,
    work=_work,
    executors=("threads",),
    workers=4,
    min_workers=3,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("fairness.by_role", "Accesses of one worker, by role"),
        Shown("fairness.jain", "Jain's index"),
        *of_latencies("waits_ms.writer", "Writer waited"),
        *of_latencies("waits_ms.reader", "Reader waited"),
    ),
    params=(
        Param("policy", "choice", "readers-first", "Who is let in first.", choices=POLICIES),
        Param(
            "hold_ms", "float", 2.0, "How long an access lasts, on average.", min=0.1, max=100.0, unit="ms"
        ),
        Param("pause_ms", "float", 0.0, "The pause after an access.", min=0.0, max=100.0, unit="ms"),
    ),
)
