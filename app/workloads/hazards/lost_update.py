"""A number that several threads read, add to, and write back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Lock
from time import monotonic_ns

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.interpreter import gil_enabled
from app.workloads.measured import Shown
from app.workloads.pulse import Pulse
from app.workloads.rounds import RoundBarrier

ROUND_NS = 60_000_000  # a dozen switch intervals, so that threads are interrupted in every round
_BATCH = 500


class Number:
    """What the threads add to, and how often each of them did."""

    def __init__(self, workers: int) -> None:
        self.n = 0
        self.lock = Lock()
        self.added = [0] * workers

    def counts(self) -> dict[str, int]:
        """What it should be, what it is, and the difference. Exact while nobody adds."""
        expected = sum(self.added)
        return {"expected": expected, "actual": self.n, "lost": expected - self.n}


def with_call(number: Number, times: int) -> None:
    """Add to it with a call between the read and the write: there the interpreter may switch threads."""
    for _ in range(times):
        seen = number.n
        seen = int(seen)
        number.n = seen + 1


def plus_equals(number: Number, times: int) -> None:
    """Add to it by three instructions in a row: read, add, write."""
    for _ in range(times):
        number.n += 1


Update = Callable[[Number, int], None]

_UPDATES: dict[str, Update] = {"x = int(n); n = x + 1": with_call, "n += 1": plus_equals}


class Race:
    """A number for each way to add to it; the ways take turns within a round."""

    def __init__(self, workers: int) -> None:
        self.numbers = {way: Number(workers) for way in _UPDATES}
        self.rounds = RoundBarrier(workers, ROUND_NS)
        self.pulse = Pulse()

    def counts(self) -> dict[str, int]:
        """The counts of both ways together."""
        each = [number.counts() for number in self.numbers.values()]
        return {key: sum(counts[key] for counts in each) for key in each[0]}


def _prepare(setting: Setting, resources: ExitStack) -> Race:
    return Race(setting.workers)


def _work(ctx: Context) -> None:
    race: Race = ctx.prepared
    locked = _takes_the_lock(ctx)

    def play(until_ns: int) -> None:
        left = len(_UPDATES)
        for way, update in _UPDATES.items():
            now_ns = monotonic_ns()
            _add(ctx, update, race.numbers[way], locked, now_ns + (until_ns - now_ns) // left)
            left -= 1

    def between() -> None:
        if race.pulse.due():
            ctx.report({"counts": race.counts()})

    race.rounds.run(ctx, play, between)


def _takes_the_lock(ctx: Context) -> bool:
    locked_by = ctx.params["locked_by"]
    return locked_by == "all" or (locked_by == "all-but-one" and ctx.worker > 0)


def _add(ctx: Context, update: Update, number: Number, locked: bool, until_ns: int) -> None:
    while monotonic_ns() < until_ns:
        if locked:
            for _ in range(_BATCH):
                with number.lock:
                    update(number, 1)
        else:
            update(number, _BATCH)
        number.added[ctx.worker] += _BATCH
        ctx.count(_BATCH)


def _summarise(race: Race, found: Sequence[Json], companion: Json | None) -> Json:
    rows = [[way, *number.counts().values()] for way, number in race.numbers.items()]
    return {
        "counts": race.counts(),
        "table": {"columns": ["update", "expected", "actual", "lost"], "rows": rows},
        "gil_enabled": gil_enabled(),
    }


def _showed(result: Json) -> Sequence[str]:
    rows = result["table"]["rows"]
    said = [
        f"`{way}`: {expected:,} updates, {actual:,} of them kept, {lost:,} lost"
        + (f" ({lost / expected:.1%})." if lost else ".")
        for way, expected, actual, lost in rows
    ]
    if result["gil_enabled"] and rows[0][-1] and not rows[1][-1]:
        said.append(
            "`n += 1` lost nothing only because this version of CPython switches threads at calls and at "
            "jumps back, of which it has none: nothing promises that, and a free-threaded build loses."
        )
    return said


LOST_UPDATE = Workload(
    name="lost-update",
    family="hazards",
    title="Lost updates",
    sentence="Threads read a number, add one and write it back: without a lock they overwrite each other.",
    op="one update",
    look_for=(
        "Expected is how often a thread added one, actual is what the number came to. The difference was "
        "overwritten by a thread that had read the number before.",
        "Compare the two rows of the table: with a call between read and write much is lost, while `n += 1` "
        "loses nothing on a build with a GIL. On a free-threaded build both lose.",
        "Set locked_by to all-but-one: a lock that one thread does not take protects nobody.",
    ),
    why=(
        "An update is three steps: read, add, write. A thread that is interrupted after its read later "
        "writes back a number that is out of date, and takes all updates in between away with it.",
        "The GIL makes each instruction safe, not what several of them do together. The interpreter lets "
        "others run at calls and at jumps back: between the read and the write of `n += 1` there is neither, "
        "which is how 3.11 to 3.15 are built, and not a promise of the language.",
    ),
    helps=(
        "Hold one lock around read and write, in every thread that touches the number.",
        "Count in each thread by itself, and add up at the end; or let one thread own the number, and send "
        "it the updates through a queue.",
    ),
    question="work",
    subject="Race conditions: critical sections, and locks as the solution (chapter 14).",
    finding="lost-updates",
    mended=Variant("Every thread takes the lock", params={"locked_by": "all"}),
    roles=("adder",),
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=32,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("counts.expected", "Updates expected"),
        Shown("counts.actual", "Updates kept"),
        Shown("counts.lost", "Updates lost"),
    ),
    params=(
        Param(
            "locked_by",
            "choice",
            "nobody",
            "Who holds the lock while it reads and writes.",
            choices=("nobody", "all-but-one", "all"),
        ),
    ),
)
