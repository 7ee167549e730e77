"""Two locks, taken in opposite orders."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from random import Random
from time import sleep

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.tracked import RunOver, TrackedLocks

_AUDITED = 400  # entries that a transfer reads between its two locks: some microseconds of byte code
_LONGEST_BACK_OFF_S = 0.002


class Account:
    """Some money behind a lock."""

    def __init__(self, label: str, locks: TrackedLocks) -> None:
        self.lock = locks.new(label)
        self.balance = 0
        self.entries = [0] * _AUDITED


class Bank:
    """Two accounts between which every worker moves money, one half of them each way."""

    def __init__(self) -> None:
        self.locks = TrackedLocks()
        self.accounts = [Account(label, self.locks) for label in ("account A", "account B")]


def _prepare(setting: Setting, resources: ExitStack) -> Bank:
    return Bank()


def _work(ctx: Context) -> Json:
    bank: Bank = ctx.prepared
    order = ctx.params["order"]
    source, target = bank.accounts if ctx.worker % 2 == 0 else bank.accounts[::-1]
    first, second = bank.accounts if order == "ranked" else (source, target)
    timeout_s = ctx.params["timeout_ms"] / 1000 if order == "time-out" else None
    found = {"transfers": 0, "given_up": 0}
    chance = Random()
    with suppress(RunOver):
        while not ctx.stopping:
            bank.locks.look(ctx)
            with first.lock.held(ctx):
                ctx.count(1)
                _audit(first)
                done = _move(ctx, second, source, target, timeout_s)
            found["transfers" if done else "given_up"] += 1
            if not done:  # with the first lock released; at random, or both come back at one moment
                sleep(chance.uniform(0, _LONGEST_BACK_OFF_S))
    return found


def _audit(account: Account) -> None:
    """What a transfer does between its two locks, and long enough to be interrupted in."""
    balance = 0
    for entry in account.entries:
        balance += entry
    account.balance = balance


def _move(ctx: Context, second: Account, source: Account, target: Account, timeout_s: float | None) -> bool:
    """Move one unit under the second lock as well; false if that did not come free in time."""
    if not second.lock.acquire(ctx, timeout_s):
        return False
    try:
        ctx.count(1)
        source.entries[0] -= 1
        target.entries[0] += 1
        return True
    finally:
        second.lock.release()


def _summarise(bank: Bank, found: Sequence[Json], companion: Json | None) -> Json:
    deadlock = bank.locks.deadlock
    return {
        "transfers": sum(each["transfers"] for each in found),
        "given_up": sum(each["given_up"] for each in found),
        "wait_for": bank.locks.seen,
        "deadlock": deadlock,
    }


def _showed(result: Json) -> Sequence[str]:
    deadlock = result["deadlock"]
    if deadlock is None:
        said = [f"{result['transfers']:,} transfers in {result['seconds']:.1f} s, and no deadlock."]
        if result["given_up"]:
            said.append(
                f"{result['given_up']:,} times a worker gave up waiting for its second lock, released its "
                "first and began again."
            )
        return said
    return (
        f"After {deadlock['at_s']:.3f} s and {result['transfers']:,} transfers nobody could go on: "
        f"{told(deadlock['cycle'])}.",
        f"The workers found it in the wait-for graph {deadlock['found_after_s']:.2f} s after it happened; "
        f"for the remaining {result['seconds'] - deadlock['at_s']:.1f} s they did nothing.",
    )


def told(cycle: Sequence[str]) -> str:
    """A cycle as a sentence: threads and locks by turns."""
    following = [*cycle[2::2], cycle[0]]
    steps = zip(cycle[::2], cycle[1::2], following)
    return "; ".join(f"{thread} waits for {lock}, which {holder} holds" for thread, lock, holder in steps)


DEADLOCK = Workload(
    name="deadlock",
    family="hazards",
    title="Deadlock",
    sentence="Transfers lock two accounts, some in one order and some in the other, until none can go on.",
    op="one lock taken",
    look_for=(
        "The workers run for a moment, a few switches of the lock's holder at the most. Then every lane is "
        "lock, no core is busy, and the count of operations stands still.",
        "The wait-for graph closes into a cycle: each of two threads holds what the other waits for. It is "
        "named within two seconds, and nothing but the end of the run releases it.",
        "Set the order to ranked: both take account A first, and the run goes on. With a time-out it goes on "
        "as well, but counts how often work was given up and done again.",
    ),
    why=(
        "Four conditions meet: a lock has one holder, a thread that holds one waits for another, nobody can "
        "take a lock away, and the waits form a cycle. Without any one of them there is no deadlock.",
        "It takes one unlucky switch: a thread is interrupted between its two locks, and another begins in "
        "the opposite order. A test that makes few transfers may never see it.",
    ),
    helps=(
        "Rank the locks, and always take them in that order: then no cycle can close.",
        "Take both at once or none: acquire(timeout=...) or acquire(blocking=False) for the second, and "
        "release the first if it fails.",
        "Hold one lock at a time, or hand the work to one thread through a queue.",
    ),
    subject="Deadlocks: the four conditions, and ranking among locks (chapter 12).",
    finding="deadlock",
    mended=Variant("Rank the locks: everybody takes account A first", params={"order": "ranked"}),
    roles=("teller",),
    work=_work,
    executors=("threads",),
    workers=2,
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("transfers", "Transfers"),
        Shown("given_up", "Transfers given up"),
        Shown("deadlock.at_s", "Nobody could go on after", "s"),
        Shown("deadlock.found_after_s", "Found after another", "s"),
    ),
    params=(
        Param(
            "order",
            "choice",
            "opposite",
            "How the two locks are taken: source first, so in opposite orders; by rank; or source first, "
            "waiting for the second no longer than the time-out.",
            choices=("opposite", "ranked", "time-out"),
        ),
        Param(
            "timeout_ms",
            "float",
            10.0,
            "How long the order time-out waits for its second lock.",
            min=0.1,
            max=300.0,
            unit="ms",
        ),
    ),
)
