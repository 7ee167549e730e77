"""C code that keeps the GIL for as long as its call lasts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from operator import methodcaller
from statistics import median
from time import perf_counter_ns, sleep, thread_time_ns
from typing import Any, NamedTuple

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown

Call = Callable[[], object]
Clock = Callable[[], int]

_NS_A_MS = 1_000_000
_PROBE_NS = 10 * _NS_A_MS  # a call this long says enough of how the next one will scale
_ATTEMPTS = 6  # at a size with which a call takes as long as it should,
_CLOSE = 0.1  # within a tenth
_TICKS_A_ROUND = 1_000
_call_it: Callable[[Call], Any] = methodcaller("__call__")


def backtrack(size: int) -> Call:
    """A regular expression that tries size³/6 ways to share out the letters, and then fails."""
    return partial(re.compile("a*a*a*b").match, "a" * size)


def raise_to_power(size: int) -> Call:
    """An integer of `size` thousand bits or so, by repeated squaring."""
    return partial(pow, 3, size * 1_000)


def sort_numbers(size: int) -> Call:
    """Some thousands of random floats, sorted into a new list."""
    numbers = random.Random(0)
    return partial(sorted, [numbers.random() for _ in range(size * 1_000)])


class CallKind(NamedTuple):
    """A call of any size, and the power of its size with which its time grows."""

    make: Callable[[int], Call]
    exponent: float


_KINDS = {
    "regex": CallKind(backtrack, 3.0),
    "power": CallKind(raise_to_power, 1.585),
    "sort": CallKind(sort_numbers, 1.1),
}


class Prepared(NamedTuple):
    """The call, and how it came to its length."""

    call: Call
    size: int
    calibrated_ms: float


def timed_ns(call: Call, clock: Clock = perf_counter_ns) -> int:
    """How long a call takes, without the wait for the GIL that may follow it.

    Clock, call and clock again are one byte code instruction, which unpacks an iterator written in C: the
    interpreter looks at a request to let go of the GIL only between instructions. Written as three
    statements it would let go as the call ends, before the clock is read.
    """
    start_ns, _, end_ns = map(_call_it, (clock, call, clock))
    return int(end_ns - start_ns)


def calibrate(kind: CallKind, length_ms: float) -> Prepared:
    """Find the size with which a call takes about so long on this machine, now.

    It goes by the thread's CPU time: what else runs on the machine is no part of the call.
    """
    size = 16
    length_ns = 0
    while length_ns < _PROBE_NS:
        size *= 2
        length_ns = timed_ns(kind.make(size), thread_time_ns)
    for _ in range(_ATTEMPTS):
        size = max(1, round(size * (length_ms * _NS_A_MS / length_ns) ** (1 / kind.exponent)))
        call = kind.make(size)
        length_ns = timed_ns(call, thread_time_ns)
        if abs(length_ns / (length_ms * _NS_A_MS) - 1) <= _CLOSE:
            break
    return Prepared(call, size, length_ns / _NS_A_MS)


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    return calibrate(_KINDS[str(setting.params["kind"])], float(setting.params["call_ms"]))


def _work(ctx: Context) -> Json:
    return make_calls(ctx, ctx.prepared.call) if ctx.role == "caller" else tick(ctx)


def make_calls(ctx: Context, call: Call) -> Json:
    """Make the call over and over, with the pause of `pause_ms` before each; how long each took."""
    pause_s = ctx.params["pause_ms"] / 1000
    lengths_ms: list[float] = []
    while True:
        # A thread that comes out of a sleep has just taken the GIL, so nobody may ask for it back for a
        # whole switch interval: the call begins within one hold, microseconds after that hold did.
        sleep(pause_s)
        if ctx.stopping:
            return {"lengths_ms": lengths_ms}
        lengths_ms.append(timed_ns(call) / _NS_A_MS)


def tick(ctx: Context) -> Json:
    """Read the clock over and over: a step between two readings is time in which this thread stood still."""
    longest_ns, last_ns = 0, perf_counter_ns()
    while not ctx.stopping:
        for _ in range(_TICKS_A_ROUND):
            now_ns = perf_counter_ns()
            if now_ns - last_ns > longest_ns:
                longest_ns = now_ns - last_ns
            last_ns = now_ns
        ctx.count(_TICKS_A_ROUND)
    # The deadline may have passed while this thread stood still.
    longest_ns = max(longest_ns, perf_counter_ns() - last_ns)
    return {"gap_ms": longest_ns / _NS_A_MS}


def calls_and_gaps(found: Sequence[Json]) -> Json:
    """What the calls took, and how long the tickers stood still meanwhile."""
    caller, tickers = found[0], found[1:]
    lengths_ms = caller["lengths_ms"]
    return {
        "calls": len(lengths_ms),
        "call_ms": median(lengths_ms) if lengths_ms else None,
        "longest_call_ms": max(lengths_ms, default=None),
        "longest_gap_ms": max(ticker["gap_ms"] for ticker in tickers),
    }


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    return {**calls_and_gaps(found), "calibrated_ms": prepared.calibrated_ms}


def showed_calls_and_gaps(result: Json) -> Sequence[str]:
    """The same in a sentence."""
    if not result["calls"]:
        return ("The run ended before the first call.",)
    return (
        f"{result['calls']} calls took a median of {result['call_ms']:.0f} ms, the longest "
        f"{result['longest_call_ms']:.0f} ms. The other workers stood still for up to "
        f"{result['longest_gap_ms']:.0f} ms at a stretch.",
    )


NATIVE_HOLD = Workload(
    name="native-hold",
    family="gil",
    title="C code that keeps the GIL",
    sentence="A long C call that does not let go of the GIL freezes every other thread of the interpreter.",
    op="one tick: a reading of the clock by one of the other threads",
    look_for=(
        "While the caller is in its C call the GIL lane is its colour without a break: the switch interval "
        "does not help, because the interpreter looks at requests only between byte code instructions.",
        "All the other threads wait as long as the call lasts: compare longest_gap_ms with longest_call_ms.",
        "On processes the ticks go on: the call holds only its own interpreter's GIL.",
    ),
    why=(
        "A thread lets go of the GIL between two byte code instructions, when it sees that another has "
        "asked. One C call is one instruction, however long it lasts.",
        "C code lets go of its own accord only where its author wrote so: re, int and list.sort work on "
        "Python's own objects, and may not.",
    ),
    helps=(
        "Bound the call: a pattern that cannot backtrack, smaller numbers, shorter lists, a part at a time.",
        "Make it in another process, or in another interpreter: it then holds only that one's GIL.",
    ),
    subject="The global interpreter lock: what extension modules may do with it (chapter 15).",
    finding="gil-long-hold",
    mended=Variant("The call in a process of its own", executor="processes"),
    showed=showed_calls_and_gaps,
    shown=(
        Shown("calls", "Calls"),
        Shown("call_ms", "Call, median", "ms"),
        Shown("longest_call_ms", "Call, longest", "ms"),
        Shown("longest_gap_ms", "Others stood still for up to", "ms"),
        Shown("calibrated_ms", "Call as calibrated, alone", "ms"),
    ),
    roles=("caller", "ticker"),
    counting="ticker",
    work=_work,
    executors=("threads", "processes"),
    workers=3,
    min_workers=2,
    prepare=_prepare,
    summarise=_summarise,
    params=(
        Param(
            "kind",
            "choice",
            "regex",
            "The C call: a regular expression that backtracks, a large integer power, or a sort.",
            choices=tuple(_KINDS),
        ),
        Param("call_ms", "float", 150.0, "How long one call lasts, about.", min=20.0, max=300.0, unit="ms"),
        Param("pause_ms", "float", 100.0, "The pause between two calls.", min=1.0, max=300.0, unit="ms"),
    ),
)
