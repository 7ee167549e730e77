"""Which operations lose something when several threads do them at once, on this interpreter."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from app.workloads.atomicity.operations import MOST_THREADS, OPERATIONS
from app.workloads.atomicity.trial import Trial
from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown
from app.workloads.pulse import Pulse
from app.workloads.rounds import RoundBarrier

_ROUND_NS = 15_000_000  # all of them have had one within half a second


class Matrix:
    """The trials, which take turns round by round."""

    def __init__(self, threads: int) -> None:
        self.trials = [Trial(operation, threads) for operation in OPERATIONS]
        self.rounds = RoundBarrier(threads, _ROUND_NS)
        self.pulse = Pulse()
        self.now: Trial | None = None
        self._next = 0

    def turn(self) -> None:
        """Judge the round that has ended, and make the next operation ready; no thread is at work."""
        if self.now is not None:
            self.now.judge()
        self.now = self.trials[self._next]
        self.now.begin()
        self._next = (self._next + 1) % len(self.trials)


def _prepare(setting: Setting, resources: ExitStack) -> Matrix:
    sys.setswitchinterval(float(setting.params["switch_interval_ms"]) / 1000)
    gc.disable()  # it would look again and again at what the threads note, of which nothing is a cycle
    resources.callback(gc.enable)
    return Matrix(setting.workers)


def _work(ctx: Context) -> None:
    matrix: Matrix = ctx.prepared

    def play(until_ns: int) -> None:
        assert matrix.now is not None  # between came first
        ctx.count(matrix.now.play(ctx.worker, until_ns))

    def between() -> None:
        matrix.turn()
        if matrix.pulse.due():
            lost = {trial.operation.statement: trial.lost for trial in matrix.trials if trial.lost}
            ctx.report({"bars": {"title": "Lost or raised", "unit": "times", "values": lost}})

    matrix.rounds.run(ctx, play, between)


def _summarise(matrix: Matrix, found: Sequence[Json], companion: Json | None) -> Json:
    columns = ["operation", "byte code", "tries", "lost or raised", "verdict", "the book says"]
    rows = [
        [
            trial.operation.statement,
            trial.byte_code,
            trial.tries,
            trial.lost,
            trial.verdict,
            trial.operation.book,
        ]
        for trial in matrix.trials
    ]
    return {"table": {"columns": columns, "rows": rows}, "python": sys.version.split()[0]}


def _showed(result: Json) -> Sequence[str]:
    tried = [row for row in result["table"]["rows"] if row[2]]
    lost = [row for row in tried if row[3]]
    kept = [row for row in tried if not row[3]]
    said = [f"CPython {result['python']}: of {len(tried)} operations {len(lost)} lost something or raised."]
    if kept:
        said.append(
            f"Of the other {len(kept)} none did, with at least {min(row[2] for row in kept):,} tries of each."
        )
    said += [f"`{row[0]}` went wrong {row[3]:,} times in {row[2]:,} tries." for row in lost]
    surprises = [row[0] for row in kept if row[5] == "not atomic"]
    if surprises:
        names = ", ".join(f"`{name}`" for name in surprises)
        said.append(
            f"Of what the book calls not atomic, {names} lost nothing here, and nothing promises that."
        )
    return said


ATOMIC_MATRIX = Workload(
    name="atomic-matrix",
    family="atomicity",
    title="What is atomic?",
    sentence="One line of Python after the other is run by all threads at once, and its losses are counted.",
    op="one try of one operation",
    look_for=(
        "The table: each operation with the byte code that this interpreter makes of it, how often it was "
        "tried, and how often something was lost, or an exception raised that one thread alone never sees.",
        "No loss seen is not atomic: it says how many tries there were, and no more. A loss is proof.",
        "Run it on another version, and on a free-threaded build: what changes was never promised.",
    ),
    why=(
        "With the GIL, threads switch between byte code instructions, and in 3.11 to 3.15 only at calls and "
        "at jumps back. What is one instruction, or several without such a point, comes out whole.",
        "Without the GIL lists and dicts lock themselves for one operation each: L.append(x) stays whole, "
        "and `i += 1`, a read and a write, does not.",
    ),
    helps=(
        "Do not rely on the table: take a lock wherever a read and a write belong together.",
        "Where one call does it all, prefer it: dict.setdefault, list.append, queue.put; or itertools.count.",
    ),
    subject="Memory models and operations on atomic types (chapter 17).",
    roles=("thread",),
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=MOST_THREADS,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(Shown("python", "CPython", "text"),),
    params=(
        Param(
            "switch_interval_ms",
            "float",
            0.1,
            "How long a thread waits for the GIL before it asks the holder to let go: shorter than the usual "
            "5 ms, so that more happens in between. It means nothing without a GIL.",
            min=0.001,
            max=100.0,
            unit="ms",
        ),
    ),
)
