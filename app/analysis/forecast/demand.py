"""What each thread of a run needs for the work that it did: of the GIL, of CPUs, and of time asleep.

The unit of work is what a thread did in a second of the time in which it was seen, so that its present
throughput is 1. That second is made of

    hold      it held the GIL: `python` of it on a CPU, `stalled` blocked in the kernel all the same
    native    on a CPU without the GIL
    blocked   io, sleep and lock: this lasts as long as it did, whatever else changes
    rest      it waited for the GIL, or stood in the run queue: what another way of running may save

States are sampled and say runnable; how much of that was on a CPU the kernel's own total says. What is left
was spent in the run queue. Where the kernel tells of more than was sampled, samples missed some, and the
other states are made to fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.model.summary import Measurements, ThreadRow

LEAST_SEEN = 0.5  # of its time: as for findings
LEAST_BUSY = 0.01  # of a CPU: threads that need less say nothing of what would help

_RUNNABLE = ("running", "native")
_NUMBER = re.compile(r"[-_ (]*\d+\)?")


@dataclass(frozen=True, slots=True)
class Demand:
    """One thread's second, as at the head of this module; shares of it, each from 0 to 1."""

    pid: int
    name: str
    python: float
    stalled: float
    native: float
    lock: float
    asleep: float  # io and sleep
    queued: float  # in the run queue
    held_queued: float  # of that with the GIL
    waiting: float  # for the GIL
    taken: float = 0.0  # of what it needs of a CPU, what other programs had: see choices.py

    @property
    def cpu(self) -> float:
        """What it needs of a CPU."""
        return self.python + self.native

    @property
    def blocked(self) -> float:
        """What lasts as long as it did."""
        return self.stalled + self.lock + self.asleep

    @property
    def kind(self) -> str:
        """Its name without a number: threads of one kind do the same work."""
        return _NUMBER.sub("", self.name) or self.name


def demands(summary: Measurements) -> list[Demand]:
    """Of all threads, in all processes; those are left out that were hardly seen."""
    duration_s = summary["run"]["duration_s"]
    found = (_demand(row, duration_s) for row in summary["threads"])
    return [each for each in found if each is not None]


def _demand(row: ThreadRow, duration_s: float) -> Demand | None:
    if (row["coverage"] or 0.0) < LEAST_SEEN or not row["observed_s"]:
        return None
    shares = {state: share or 0.0 for state, share in row["shares"].items() if state != "unknown"}
    known = sum(shares.values())
    if known <= 0:
        return None
    shares = {state: share / known for state, share in shares.items()}
    running, native = shares.get("running", 0.0), shares.get("native", 0.0)
    runnable = running + native
    on_cpu = runnable
    if row["cpu_s"] is not None and row["counted_s"]:
        on_cpu = min(1.0, row["cpu_s"] / row["counted_s"])
    part = min(1.0, on_cpu / runnable) if runnable else 0.0
    if on_cpu > runnable > 0:  # samples missed some of it, and saw too much of the rest
        more, less = on_cpu / runnable, (1 - on_cpu) / (1 - runnable) if runnable < 1 else 0.0
        shares = {state: share * (more if state in _RUNNABLE else less) for state, share in shares.items()}
        running, native = shares.get("running", 0.0), shares.get("native", 0.0)
        runnable = on_cpu
    there = min(1.0, row["observed_s"] / duration_s) if duration_s else 1.0
    return Demand(
        row["pid"],
        row["name"] or str(row["tid"]),
        running * part * there,
        shares.get("stalled", 0.0) * there,
        native * part * there,
        shares.get("lock", 0.0) * there,
        (shares.get("io", 0.0) + shares.get("sleep", 0.0)) * there + (1 - there),  # not there is no demand
        (runnable - on_cpu) * there,
        running * (1 - part) * there,
        shares.get("waiting", 0.0) * there,
    )


def kinds(threads: Sequence[Demand]) -> dict[tuple[int, str], list[Demand]]:
    """Threads of one process and of one kind, those first that need most of a CPU together.

    Kinds that need next to nothing are left out.
    """
    found: dict[tuple[int, str], list[Demand]] = {}
    for thread in threads:
        found.setdefault((thread.pid, thread.kind), []).append(thread)
    needs = {who: sum(thread.cpu for thread in alike) for who, alike in found.items()}
    return {who: found[who] for who in sorted(needs, key=lambda who: -needs[who]) if needs[who] >= LEAST_BUSY}
