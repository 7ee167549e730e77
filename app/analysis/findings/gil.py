"""The lock: saturated, idle, held long, held asleep, waited for, let go of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.analysis.findings.rows import (
    blocked_a_second,
    held_s,
    holds,
    lets_go,
    locks,
    mean_hold_s,
    seen_s,
    share,
)
from app.model.findings import Finding

Summary = dict[str, Any]

# Saturated: nine tenths of the time somebody holds the lock, and for three quarters somebody else wants it.
# One thread that computes alone holds it as long, but nobody waits.
_SATURATED_HELD = 0.9
_SATURATED_CONTENDED = 0.75

# Idle: with less than a tenth held, ten times as much could be done before the lock is in the way. It is
# worth telling only of a program that works: one of its threads waits, and comes back a few times a second.
_IDLE_HELD = 0.1
_WAITS = 0.5
_COMES_BACK_HZ = 5.0

# Parallel: two threads that each spend half of their time in C code without the lock are more than one core.
_NATIVE = 0.5
_PARALLEL_THREADS = 2

# Long: ten switch intervals at a stretch, while for a third of the time others wait. Byte code lets go one
# interval after it was asked; on a busy machine it may be put aside for a few more, not for ten each time.
_LONG_INTERVALS = 10
_LONG_HELD = 0.1  # of the thread's time: less is an accident
_LONG_CONTENDED = 0.3

# Stalled: a twentieth of the time lost to everybody, and somebody waiting meanwhile. Page faults of a program
# that fills memory stay below it.
_STALLED = 0.05

# Convoy: a thread that holds the lock for less than a fifth of an interval at a time, and waits for most of
# an interval each time, beside one that holds it for half an interval or more: it needs little and waits
# long.
_BRIEF = 0.2
_WAIT = 0.8
_COMPUTES = 0.5
_CONVOY_WAITING = 0.3  # of the thread's time

_INTERVAL_S = 0.005  # CPython's default, where the target's own could not be read


def saturated(summary: Summary) -> Finding | None:
    """Somebody always holds the lock, and somebody else always wants it."""
    for gil, threads in locks(summary):
        if gil["held_share"] < _SATURATED_HELD or gil["contended_share"] < _SATURATED_CONTENDED:
            continue
        takers = [thread for thread in threads if share(thread, "running", "stalled", "waiting") >= 0.1]
        return Finding(
            code="gil-saturated",
            severity="warning",
            title="The GIL is saturated: more threads do no more work",
            detail=f"In process {gil['pid']} some thread held the GIL for {gil['held_share']:.0%} of the "
            f"time, and for {gil['contended_share']:.0%} at least one other waited for it: "
            f"{gil['waiters']:.1f} on average. {len(takers)} threads took turns.",
            evidence={
                **_of_lock(gil, "held_share", "contended_share", "waiters", "switches_per_s"),
                "threads": len(takers),
            },
            advice="Move the computing to processes or subinterpreters, use a free-threaded build, or C code "
            "that lets go of the GIL. More threads only wait longer.",
        )
    return None


def idle(summary: Summary) -> Finding | None:
    """The lock is free nearly always, in a program that waits and comes back."""
    found = list(locks(summary))
    busiest = max((gil["held_share"] for gil, _ in found), default=1.0)
    threads = [thread for _, threads in found for thread in threads]
    waiting = [
        thread
        for thread in threads
        if share(thread, "io", "sleep") >= _WAITS and blocked_a_second(thread) >= _COMES_BACK_HZ
    ]
    computing = sum(share(thread, "native") for thread in threads)
    if busiest > _IDLE_HELD or not waiting or computing >= _NATIVE:
        return None
    return Finding(
        code="gil-idle",
        severity="info",
        title="The GIL is hardly held: this program waits for something else",
        detail=f"No GIL was held for more than {busiest:.1%} of the time, and "
        + ("one thread" if len(waiting) == 1 else f"{len(waiting)} threads")
        + " spent most of it in system calls or asleep.",
        evidence={"held_share": busiest, "waiting_threads": len(waiting)},
        advice="Threads or asyncio are enough to wait for more at once; processes would bring no more. What "
        "is waited for is where time can be won.",
    )


def parallel(summary: Summary) -> Finding | None:
    """Several threads compute in C code without the lock."""
    for gil, threads in locks(summary):
        native = [thread for thread in threads if share(thread, "native") >= _NATIVE and lets_go(thread)]
        if len(native) < _PARALLEL_THREADS or gil["held_share"] >= _NATIVE:
            continue
        together = sum(share(thread, "native") for thread in native)
        return Finding(
            code="native-parallel",
            severity="info",
            title="Threads compute without the GIL",
            detail=f"{len(native)} threads of process {gil['pid']} were in C code that had let go of the "
            f"GIL, {together:.1f} of them at a time; the lock was held for {gil['held_share']:.0%} of the "
            "time.",
            evidence={
                **_of_lock(gil, "held_share"),
                "threads": len(native),
                "native_threads_at_a_time": together,
            },
            advice="Threads are the right choice here, up to the number of cores. Keep the pieces large, so "
            "that the lock stays out of the way.",
        )
    return None


def long_hold(summary: Summary) -> Finding | None:
    """C code keeps the lock for as long as it computes."""
    least_s = _LONG_INTERVALS * _interval_s(summary)
    for gil, threads in locks(summary):
        if gil["contended_share"] < _LONG_CONTENDED:
            continue
        longest = max(threads, key=mean_hold_s)
        if (
            mean_hold_s(longest) < least_s
            or share(longest, "running", "stalled") < _LONG_HELD
            or share(longest, "stalled") > share(longest, "running")  # that is another finding
        ):
            continue
        function = _holding_function(summary, longest)
        return Finding(
            code="gil-long-hold",
            severity="warning",
            title="A thread keeps the GIL far longer than it may be asked to",
            detail=f"{longest['name']} held the GIL for {mean_hold_s(longest) * 1000:.0f} ms at a stretch"
            + (f", in {function}" if function else "")
            + f", where a switch interval is {_interval_s(summary) * 1000:g} ms. Others waited for "
            f"{gil['contended_share']:.0%} of the time.",
            evidence={
                **_of_lock(gil, "contended_share"),
                **_of_thread(longest),
                "mean_hold_s": mean_hold_s(longest),
                "max_hold_s": longest["gil_hold"]["max_s"],
                "function": function,
            },
            advice="One long C call does not let go: bound its input, do it in parts, or call it in another "
            "process or interpreter.",
        )
    return None


def stalled_holder(summary: Summary) -> Finding | None:
    """The holder of the lock sleeps in the kernel."""
    for gil, threads in locks(summary):
        holder = max(threads, key=lambda thread: share(thread, "stalled"))
        others = sum(share(thread, "waiting") for thread in threads if thread is not holder)
        if share(holder, "stalled") < _STALLED or others < _STALLED:
            continue
        stalled_s = share(holder, "stalled") * seen_s(holder)
        return Finding(
            code="gil-stalled-holder",
            severity="critical",
            title="A thread sleeps with the GIL held",
            detail=f"{holder['name']} held the GIL for {stalled_s:.2f} s while it was blocked in the kernel, "
            f"{share(holder, 'stalled'):.0%} of its time: nobody could run Python code meanwhile.",
            evidence={
                **_of_lock(gil, "contended_share"),
                **_of_thread(holder),
                "stalled_s": stalled_s,
                "stalled_share": share(holder, "stalled"),
            },
            advice="The C code that blocks has to let go of the GIL: call it through ctypes.CDLL instead of "
            "PyDLL, or put Py_BEGIN_ALLOW_THREADS around the call.",
        )
    return None


def convoy(summary: Summary) -> Finding | None:
    """A thread that needs the lock for moments waits for those who need it for long."""
    interval_s = _interval_s(summary)
    for gil, threads in locks(summary):
        computing = [
            thread
            for thread in threads
            if mean_hold_s(thread) >= _COMPUTES * interval_s and share(thread, "waiting") >= 0.1
        ]
        brief = [thread for thread in threads if _is_made_to_wait(thread, interval_s)]
        if not computing or not brief:
            continue
        worst = max(brief, key=lambda thread: share(thread, "waiting"))
        wait = worst["gil_wait"]
        return Finding(
            code="gil-convoy",
            severity="warning",
            title="A thread that needs the GIL for moments waits for it for long",
            detail=f"{worst['name']} waited for the GIL {wait['count']} times, half of them for "
            f"{wait['p50_s'] * 1000:.1f} ms or more, {share(worst, 'waiting'):.0%} of its time; it held it "
            f"for {share(worst, 'running', 'stalled'):.1%}, while "
            + ("another thread computes." if len(computing) == 1 else f"{len(computing)} others compute."),
            evidence={
                **_of_lock(gil, "held_share"),
                **_of_thread(worst),
                "waits": wait["count"],
                "wait_p50_s": wait["p50_s"],
                "waiting_share": share(worst, "waiting"),
                "computing_threads": len(computing),
            },
            advice="Compute in another process or interpreter. A shorter switch interval makes each wait "
            "shorter, at the price of more switches.",
        )
    return None


RULES: tuple[Callable[[Summary], Finding | None], ...] = (
    saturated,
    idle,
    convoy,
    parallel,
    long_hold,
    stalled_holder,
)


def _is_made_to_wait(thread: dict[str, Any], interval_s: float) -> bool:
    wait = thread["gil_wait"]
    return (
        wait["count"] >= _COMES_BACK_HZ * thread["observed_s"] / 2
        and wait["p50_s"] >= _WAIT * interval_s
        and share(thread, "waiting") >= _CONVOY_WAITING
        and held_s(thread) / max(wait["count"], holds(thread)) <= _BRIEF * interval_s
        and blocked_a_second(thread) >= _COMES_BACK_HZ
        and share(thread, "io", "sleep") > share(thread, "lock")  # at a lock it waits for its peers
    )


def _interval_s(summary: Summary) -> float:
    interval_s: float | None = summary["target"]["switch_interval_s"]
    return interval_s or _INTERVAL_S


def _holding_function(summary: Summary, thread: dict[str, Any]) -> str | None:
    """The function in which the thread's longest hold was seen."""
    for hold in summary["longest_holds"]:
        if hold["pid"] == thread["pid"] and hold["tid"] == thread["tid"] and hold["function"]:
            return str(hold["function"])
    return None


def _of_lock(gil: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: gil[name] for name in ("pid", "interpreter", *names)}


def _of_thread(thread: dict[str, Any]) -> dict[str, Any]:
    return {name: thread[name] for name in ("tid", "name")}
