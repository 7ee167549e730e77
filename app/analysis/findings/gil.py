"""The lock: saturated, held long, held asleep, waited for, let go of."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from app.analysis.findings import polling
from app.analysis.findings.rows import (
    COMES_BACK_HZ,
    Rule,
    SeenLock,
    at_a_lock,
    blocked_a_second,
    had_cpu,
    held_s,
    holds,
    locks,
    mean_hold_s,
    most_blocked,
    seen_s,
    share,
)
from app.analysis.histogram import LOWER_S
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements, ThreadRow, steps

# Saturated: nine tenths of the time somebody holds the lock, and for three quarters somebody else wants it.
# On a busy machine a thread that was made to let go is without a CPU before it can ask for the lock again: it
# wants it, though it does not yet wait. One thread that computes alone holds it as long, but nobody waits.
# Those that take turns hold the lock for a part of a switch interval each time, and there are turns: with a
# lock that changes hands less than twice a second nobody gets on, whatever they wait for.
_SATURATED_HELD = 0.9
_SATURATED_WANTED = 0.75
_TURN_WAITED = (
    0.1  # of its time: who takes turns waits for the others, who computes before they begin does not
)
_TURNS_A_SECOND = 2.0
_TAKES_PART = 0.2  # of what the thread that holds it most does: one that does less is no reason
# Those that are blocked at a lock of the program for so much of their time work under it, by turns: that
# goes on without a GIL.
_AT_A_LOCK = 0.1

# Long: ten switch intervals at a stretch, while for a third of the time others wait. Byte code lets go one
# interval after it was asked; on a busy machine it may be put aside for a few more, not for ten each time.
# They are counted in the steps of a histogram, and there is more than one. Only the part of a hold counts for
# which another waited: a thread that nobody asks may hold the lock for as long as it likes.
# And it lasts for a few samples: one that was seen in a single sample may have had any length below two, and
# at a switch interval of a tenth of a millisecond ten intervals are one sample.
_LONG_INTERVALS = 10
_LONG_SAMPLES = 5
_LONG_HOLDS = 2
_LONG_HELD = 0.1  # of the thread's time: less is an accident
_LONG_CONTENDED = 0.3
_COLLECTED = 0.5  # of that time the collector took, and is told of by another finding

# Stalled: a twentieth of the time lost to everybody, and somebody waiting meanwhile. Page faults of a program
# that fills memory stay below it.
_STALLED = 0.05

# Convoy: a thread that holds the lock for less than a fifth of an interval at a time, and waits for most of
# an interval each time, beside one that holds it for half an interval or more: it needs little and waits
# long. Of several that poll together one waits for the interval and the others come right after it, so the
# longest twentieth of the waits is asked.
_BRIEF = 0.2
_WAIT = 0.8
_COMPUTES = 0.5
_CONVOY_WAITING = 0.3  # of the thread's time

_OfLock = Literal["held_share", "contended_share", "waiters", "switches_per_s"]  # in the evidence

_INTERVAL_S = 0.005  # CPython's default, where the target's own could not be read


def saturated(summary: Measurements) -> Finding | None:
    """Somebody always holds the lock, and somebody else always wants it."""
    least_s, polls = _BRIEF * _interval_s(summary), polling.pollers(summary)
    for lock in locks(summary):
        if lock.held_share < _SATURATED_HELD:
            continue
        most = max(share(thread, "running") for thread in lock.threads)
        takers = [
            thread
            for thread in lock.threads
            if share(thread, "running") >= max(_TAKES_PART * most, share(thread, "stalled"))
            and mean_hold_s(thread) >= least_s
            and share(thread, "waiting") >= _TURN_WAITED
            and (thread["pid"], thread["tid"]) not in polls  # that is another finding
        ]
        if len(takers) < 2 or (lock.row["switches_per_s"] or 0) < _TURNS_A_SECOND:
            continue
        wanted = min(lock.contended_share + sum(map(_on_its_way, takers)), lock.held_share)
        if wanted < _SATURATED_WANTED:
            continue
        more = wanted - lock.contended_share
        locked, function = _at_locks(takers)
        return Finding(
            code="gil-saturated",
            severity="warning",
            title="The GIL is saturated: more threads do no more work",
            detail=f"In process {own_pid(lock.row['pid'])} some thread held the GIL for "
            f"{lock.held_share:.0%} of the "
            f"time, and for {lock.contended_share:.0%} at least one other waited for it: "
            f"{lock.waiters:.1f} on average. "
            + (
                f"For up to {more:.0%} more one was on its way back to it, without a CPU. "
                if more > 0.05
                else ""
            )
            + f"{len(takers)} threads that compute took turns."
            + (f" They were blocked at a lock too, {locked:.0%} of their time{function}." if locked else ""),
            evidence={
                **_of_lock(lock, "held_share", "contended_share", "waiters", "switches_per_s"),
                "wanted_share": wanted,
                "threads": len(takers),
                **({"lock_share": locked} if locked else {}),
            },
            advice=(_LOCK_FIRST if locked else "")
            + "Move the computing to processes or subinterpreters, "
            + ("run with the GIL off" if summary["target"]["free_threaded"] else "use a free-threaded build")
            + ", or C code that lets go of the GIL. More threads only wait longer.",
        )
    return None


_LOCK_FIRST = (
    "First hold that lock for less, or divide what it guards: it lets one thread in at a time with or "
    "without a GIL. "
)


def _at_locks(threads: list[ThreadRow]) -> tuple[float, str]:
    """(the share of their time at locks of the program, in which function); 0.0 where it is little."""
    blocked_s = sum(row["total_s"] for thread in threads for row in thread["blocked"] if at_a_lock(row))
    locked = blocked_s / sum(map(seen_s, threads))
    if locked < _AT_A_LOCK:
        return 0.0, ""
    place = most_blocked(threads, "lock")
    return locked, f", most in {place['function']}" if place else ""


def _on_its_way(thread: ThreadRow) -> float:
    """For how much of its time a thread stood in the run queue and had let go of the lock."""
    counted_s, delayed_s = thread["counted_s"], thread["run_delay_s"]
    return min(share(thread, "native"), delayed_s / counted_s) if counted_s and delayed_s else 0.0


def long_hold(summary: Measurements) -> Finding | None:
    """C code keeps the lock for as long as it computes."""
    least_s = _long_s(summary)
    for lock in locks(summary):
        if lock.contended_share < _LONG_CONTENDED:
            continue
        long = [
            (thread, found) for thread in lock.threads if (found := _long_holds(summary, thread, least_s))
        ]
        if not long:
            continue
        thread, (count, from_s) = max(long, key=lambda found: found[1][0] * found[1][1])
        function, max_s = _holding_function(summary, thread), thread["gil_kept"]["max_s"] or 0.0
        return Finding(
            code="gil-long-hold",
            severity="warning",
            title="A thread keeps the GIL far longer than it may be asked to",
            detail=f"{thread['name']} held the GIL {count} times for {from_s * 1000:.0f} ms or more while "
            f"others waited, {max_s * 1000:.0f} ms the longest"
            + (f", in {function}" if function else "")
            + f", where a switch interval is {_interval_s(summary) * 1000:g} ms. Others waited for "
            f"{lock.contended_share:.0%} of the time.",
            evidence={
                **_of_lock(lock, "contended_share"),
                **_of_thread(thread),
                "long_holds": count,
                "long_from_s": from_s,
                "holds": holds(thread),
                "max_hold_s": max_s,
                "function": function,
            },
            advice="One long C call does not let go: bound its input, do it in parts, or call it in another "
            "process or interpreter.",
        )
    return None


def _long_holds(summary: Measurements, thread: ThreadRow, least_s: float) -> tuple[int, float] | None:
    """(how many holds of the thread kept another waiting for long, from which length on).

    The length is the largest step of the histogram that half of them reach.
    """
    if share(thread, "stalled") > share(thread, "running"):  # that is another finding
        return None
    least_s /= had_cpu(thread)  # a holder without a CPU cannot let go
    long: list[tuple[float, int]] = []  # (no shorter than, how many)
    for upper, count in steps(thread["gil_kept"]["histogram"]):
        lower = LOWER_S[upper]
        if sqrt(lower * (upper or lower)) >= least_s and count:  # the middle of a step stands for it
            long.append((lower, count))
    count, long_s = sum(count for _, count in long), sum(from_s * count for from_s, count in long)
    if count < _LONG_HOLDS or long_s < _LONG_HELD * seen_s(thread):
        return None
    if _collected_s(summary, thread, least_s) >= _COLLECTED * long_s:
        return None  # that too
    from_s = max(f for f, _ in long if 2 * sum(n for g, n in long if g >= f) >= count)
    return sum(n for f, n in long if f >= from_s), from_s


def _collected_s(summary: Measurements, thread: ThreadRow, least_s: float) -> float:
    """For how long the collector held the lock of a thread, if it did so for so long at a time."""
    return sum(
        row["pauses"]["total_s"]
        for row in summary["gc"] or ()
        if (row["pid"], row["interpreter"]) == (thread["pid"], thread["interpreter"])
        and (row["pauses"]["max_s"] or 0.0) >= least_s
    )


def stalled_holder(summary: Measurements) -> Finding | None:
    """The holder of the lock sleeps in the kernel."""
    for lock in locks(summary):
        holder = max(lock.threads, key=lambda thread: share(thread, "stalled"))
        others = sum(share(thread, "waiting") for thread in lock.threads if thread is not holder)
        if share(holder, "stalled") < _STALLED or others < _STALLED:
            continue
        stalled_s = share(holder, "stalled") * seen_s(holder)
        function = _holding_function(summary, holder)
        return Finding(
            code="gil-stalled-holder",
            severity="critical",
            title="A thread sleeps with the GIL held",
            detail=f"{holder['name']} held the GIL for {stalled_s:.2f} s while it was blocked in the kernel"
            + (f", in {function}, " if function else ", ")
            + f"{share(holder, 'stalled'):.0%} of its time: nobody could run Python code meanwhile.",
            evidence={
                **_of_lock(lock, "contended_share"),
                **_of_thread(holder),
                "stalled_s": stalled_s,
                "stalled_share": share(holder, "stalled"),
                "function": function,
            },
            advice="The C code that blocks has to let go of the GIL: call it through ctypes.CDLL instead of "
            "PyDLL, or put Py_BEGIN_ALLOW_THREADS around the call.",
        )
    return None


def convoy(summary: Measurements) -> Finding | None:
    """A thread that needs the lock for moments waits for those who need it for long."""
    interval_s = _interval_s(summary)
    for lock in locks(summary):
        computing = [
            thread
            for thread in lock.threads
            if mean_hold_s(thread) >= _COMPUTES * interval_s and share(thread, "running") >= 0.1
        ]
        brief = [thread for thread in lock.threads if _is_made_to_wait(thread, interval_s)]
        if not computing or not brief:
            continue
        if any(_long_holds(summary, thread, _long_s(summary)) for thread in lock.threads):
            continue  # that is another finding
        worst = max(brief, key=lambda thread: share(thread, "waiting"))
        wait = worst["gil_wait"]
        p50_s, p95_s = wait["p50_s"] or 0.0, wait["p95_s"] or 0.0
        return Finding(
            code="gil-convoy",
            severity="warning",
            title="A thread that needs the GIL for moments waits for it for long",
            detail=f"{worst['name']} waited for the GIL {wait['count']} times, half of them for "
            f"{p50_s * 1000:.1f} ms or more and one in twenty for {p95_s * 1000:.1f} ms, "
            f"{share(worst, 'waiting'):.0%} of its time; it held it for "
            f"{share(worst, 'running', 'stalled'):.1%}, while "
            + ("another thread computes." if len(computing) == 1 else f"{len(computing)} others compute."),
            evidence={
                **_of_lock(lock, "held_share"),
                **_of_thread(worst),
                "waits": wait["count"],
                "wait_p50_s": p50_s,
                "wait_p95_s": p95_s,
                "waiting_share": share(worst, "waiting"),
                "computing_threads": len(computing),
            },
            advice="Compute in another process or interpreter. A shorter switch interval makes each wait "
            "shorter, at the price of more switches.",
        )
    return None


RULES: tuple[Rule, ...] = (
    saturated,
    convoy,
    long_hold,
    stalled_holder,
)


def _is_made_to_wait(thread: ThreadRow, interval_s: float) -> bool:
    wait = thread["gil_wait"]
    return (
        wait["count"] >= COMES_BACK_HZ * thread["observed_s"] / 2
        and (wait["p95_s"] or 0.0) >= _WAIT * interval_s
        and share(thread, "waiting") >= _CONVOY_WAITING
        and held_s(thread) / max(wait["count"], holds(thread)) <= _BRIEF * interval_s
        and blocked_a_second(thread) >= COMES_BACK_HZ
        and share(thread, "io", "sleep") >= share(thread, "lock")  # at a lock it waits for its peers
    )


def _long_s(summary: Measurements) -> float:
    """From which length on a hold of the lock is a long one."""
    gil_hz = summary["sampling"]["gil_hz"]
    return max(_LONG_INTERVALS * _interval_s(summary), _LONG_SAMPLES / gil_hz if gil_hz else 0.0)


def _interval_s(summary: Measurements) -> float:
    return summary["target"]["switch_interval_s"] or _INTERVAL_S


def _holding_function(summary: Measurements, thread: ThreadRow) -> str | None:
    """The function in which the thread's longest hold was seen."""
    for hold in summary["longest_holds"]:
        if hold["pid"] == thread["pid"] and hold["tid"] == thread["tid"] and hold["function"]:
            return hold["function"]
    return None


def _of_lock(lock: SeenLock, *names: _OfLock) -> dict[str, object]:
    row = lock.row
    return {"pid": row["pid"], "interpreter": row["interpreter"], **{name: row[name] for name in names}}


def _of_thread(thread: ThreadRow) -> dict[str, object]:
    return {"tid": thread["tid"], "name": thread["name"]}
