"""What goes wrong between threads: deadlock, livelock, starvation, contention, lost updates, a leaked lock.

Whether work is lost or nobody gets on is known to the program alone: these rules read a workload's own
account in its result. Contention shows from outside as well, in the states of the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from app.analysis.findings import polling
from app.analysis.findings.rows import (
    SIGNAL,
    BlockedPlace,
    Rule,
    at_a_lock,
    most_blocked,
    seen_enough,
    share,
)
from app.analysis.sources import LIBRARY, owner
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements, Reported, ThreadRow, TimeRow, callers
from app.model.units import count

# Livelock: so many attempts without a single success are no slow start.
_FUTILE_ATTEMPTS = 100

# Starvation: an index of Jain over n roles below 1/n + 0.1. For two roles, 0.6 is reached where one gets a
# tenth of what the other does; a fair lock is above 0.95.
_ABOVE_THE_WORST = 0.1

# Contention, told from outside: threads that take turns at a lock. Each of them works (those of an idle
# pool do not) and is blocked for a good half of the time (of three in turn, each for two thirds), and
# together they do the work of about one: not less than 0.6, where wake-ups take their time, nor over 1.25.
# Time in the run queue is not held against them, since the machine causes it and not the lock. Threads of a
# pool whose tasks happen to keep one of them busy look the same, hence three threads and a narrow band.
_MIN_THREADS = 3
_BLOCKED = 0.4
_WORKS = 0.05
_AT_WORK = (0.6, 1.25)
_CALLERS = 3  # that are told by name
_MOST = 0.5  # of the time in `lock`

# Threads that hardly get a lock: for nearly all of the time they wait, and are woken, so it is let go of.
# Where one wait makes up most of that time, what woke them was something else, before.
_NEARLY_ALL = 0.85
_WOKEN = 8
_ONE_WAIT = 0.5
_NAMED = 3

# Contention, told by a workload that measures it: the share of their time that its workers wait for the lock.
_WAITS = 0.4


def deadlock(summary: Measurements) -> Finding | None:
    """Threads of which each waits for what the next one holds."""
    told = _workload(summary).get("deadlock")
    if not told:
        return None
    cycle = told["cycle"]
    return Finding(
        code="deadlock",
        severity="critical",
        title="A deadlock: nobody in the cycle can ever go on",
        detail=f"{len(cycle) // 2} threads have waited for one another since {told['at_s']:.2f} s after the "
        f"start: "
        f"{' → '.join([*cycle, cycle[0]])}. It was found {told['found_after_s']:.2f} s later.",
        evidence={**told, "wait_for": _workload(summary).get("wait_for")},
        advice="Rank the locks and take them in that order everywhere, or give up the first lock when the "
        "second does not come within a time-out.",
    )


def leaked_lock(summary: Measurements) -> Finding | None:
    """A lock whose holder went on without releasing it."""
    result = _workload(summary)
    blocked, raised_at_s = result.get("blocked_workers"), result.get("raised_at_s")
    if not blocked or raised_at_s is None:
        return None
    return Finding(
        code="lock-leak",
        severity="critical",
        title="A lock was never released",
        detail=f"{blocked} of {result['workers']} workers waited for a lock that was left locked when a "
        f"request raised, {raised_at_s:.2f} s after the start.",
        evidence={"blocked_workers": blocked, "raised_at_s": raised_at_s, "wait_for": result.get("wait_for")},
        advice="Write `with lock:`, so that the lock is released however the block is left.",
    )


def livelock(summary: Measurements) -> Finding | None:
    """Much done, and nothing achieved."""
    result = _workload(summary)
    attempts, progress = result.get("attempts"), result.get("progress")
    if attempts is None or progress != 0 or attempts < _FUTILE_ATTEMPTS:
        return None
    return Finding(
        code="livelock",
        severity="critical",
        title="A livelock: all are busy, and nothing gets done",
        detail=f"{attempts:,} attempts in {result['seconds']:.1f} s, and none of them succeeded.",
        evidence={"attempts": attempts, "progress": progress},
        advice="Bound how often a thread gives way, or let it wait for a random time that grows with each "
        "failure. Watch progress rather than activity.",
    )


def starvation(summary: Measurements) -> Finding | None:
    """One role gets next to nothing while another gets on."""
    fairness = _workload(summary).get("fairness")
    if not fairness or fairness["jain"] is None:
        return None
    by_role = fairness["by_role"]
    if len(by_role) < 2 or fairness["jain"] > 1 / len(by_role) + _ABOVE_THE_WORST:
        return None
    starved = min(by_role, key=lambda role: by_role[role])
    fed = max(by_role, key=lambda role: by_role[role])
    longest_ms = _workload(summary).get("waits_ms", {}).get(starved, {}).get("max")
    waited = "" if longest_ms is None else f" A {starved} waited for up to {longest_ms / 1000:.2f} s."
    return Finding(
        code="starvation",
        severity="warning",
        title=f"The {starved} starves",
        detail=f"A {fed} got {by_role[fed]:,.0f} accesses on average, a {starved} {by_role[starved]:,.0f}."
        f"{waited} Jain's fairness index is {fairness['jain']:.2f}, where 1 is an even share.",
        evidence={**fairness, "longest_wait_ms": longest_ms},
        advice="Let threads in by order of arrival, so that nobody who waits is passed by somebody else.",
    )


def lost_updates(summary: Measurements) -> Finding | None:
    """A shared number came out smaller than the work that was done on it."""
    counts = _workload(summary).get("counts")
    if not counts or counts["lost"] <= 0:
        return None
    lost_share = counts["lost"] / counts["expected"]
    return Finding(
        code="lost-updates",
        severity="critical",
        title="Updates were lost",
        detail=f"{counts['expected']:,} updates were made and {counts['actual']:,} of them kept: "
        f"{counts['lost']:,} ({lost_share:.1%}) were overwritten by threads that had read before.",
        evidence={**counts, "lost_share": lost_share},
        advice="Hold one lock around reading and writing, in every thread that touches the number; or count "
        "in each thread by itself, and add up at the end.",
    )


def lock_contention(summary: Measurements) -> Finding | None:
    """Several threads that take turns, as one lock lets only one of them work."""
    told = _workload(summary).get("lock_wait_share")
    if told is not None:  # measured where it happens, which beats what is inferred from outside
        detail = f"The workers spent {told:.0%} of their time waiting for a lock."
        return _contention(detail, {"lock_wait_share": told}) if told >= _WAITS else None
    if deadlock(summary) or leaked_lock(summary):
        return None  # they are blocked for ever, and that has been said
    by_process: dict[int, list[ThreadRow]] = {}
    # Where some were looked at, nothing is taken for granted of one that was not: it may wait for work.
    looked_at = any(_looks_at_locks(thread) for thread in summary["threads"])
    polls = polling.pollers(summary)
    for thread in summary["threads"]:
        if (thread["pid"], thread["tid"]) in polls:
            continue  # that they meet at the queue's own lock comes of it
        if _takes_turns(thread) and (_looks_at_locks(thread) or not looked_at):
            by_process.setdefault(thread["pid"], []).append(thread)
    group = next((group for group in by_process.values() if _is_serial(group)), None)
    if group is None:
        return _kept_waiting(summary)
    blocked = sum(share(thread, "lock") for thread in group) / len(group)
    busy = _together(group, _busy)
    detail = (
        f"{len(group)} threads are blocked on a lock other than the GIL for {blocked:.0%} of the time on "
        f"average; together they are at work for {busy:.1f} times the run's length."
    )
    names = [thread["name"] for thread in group]
    evidence = {"threads": names, "lock_share": blocked, "at_work": busy}
    place = most_blocked(group, "lock")
    if place is None:
        return _contention(detail, evidence)
    if _lets_several_in(summary, group, place):
        return None
    if _is_of_object(summary, group, place):
        return _contention(
            f"{detail} Most of it was in {place['function']}, in a line of which it is not known that it "
            "takes a lock. It may be that of an object: without a GIL each dict, list and set has one of its "
            "own, which who changes it takes.",
            {**evidence, "place": place},
            "Threads take turns at a lock, which may be that of an object that they share",
            "If that line changes a dict, list or set that they share, give each thread one of its own and "
            "put them together at the end, or divide it by key. If it takes a lock, or calls what does, such "
            "as print() or a database, do so less often, or hold it for less. More threads would only wait "
            "longer.",
        )
    if _is_in_blas(summary, group, place):
        return _contention(
            f"{detail} Most of it was in {place['function']}, in a line that is not known to take a lock. It "
            "may be one inside OpenBLAS, whose pool of threads computes for one caller at a time.",
            {**evidence, "place": place},
            advice="Where several threads call OpenBLAS, let each compute by itself: set "
            "OPENBLAS_NUM_THREADS=1 in the environment before it is loaded, or use threadpoolctl's "
            "threadpool_limits(1). Or call it from one thread.",
        )
    by = "".join(f", called by {caller.function}" for caller in islice(callers(place["callers"]), _CALLERS))
    return _contention(f"{detail} Most of it was in {place['function']}{by}.", {**evidence, "place": place})


def _kept_waiting(summary: Measurements) -> Finding | None:
    """Threads that hardly ever get a lock, though it is let go of again and again."""
    by_process: dict[int, list[ThreadRow]] = {}
    for thread in summary["threads"]:
        if seen_enough(thread) and share(thread, "lock") >= _NEARLY_ALL and _is_woken_at_locks(thread):
            by_process.setdefault(thread["pid"], []).append(thread)
    group = max(by_process.values(), key=len, default=[])
    place = most_blocked(group, "lock")
    if place is None:
        return None
    blocked = sum(share(thread, "lock") for thread in group) / len(group)
    woken = sum(row["count"] for thread in group for row in thread["blocked"] if at_a_lock(row))
    names = [thread["name"] for thread in group]
    more = f" and {len(names) - _NAMED} others" if len(names) > _NAMED else ""
    return Finding(
        code="lock-contention",
        severity="warning",
        title="Threads hardly get a lock",
        detail=f"{', '.join(names[:_NAMED])}{more} of process {own_pid(group[0]['pid'])} waited for a "
        "lock for "
        f"{blocked:.0%} of the time, most of it in {place['function']}. It is let go of again and again, "
        f"which woke them at least {count(woken)} times, and others had it most of the time. threading's "
        "locks are not fair: who lets go of one and takes it again at once gets it before those that wait.",
        evidence={"threads": names, "lock_share": blocked, "woken": woken, "place": place},
        advice="Hold the lock for less: do what waits or takes long before it or after it, so that it is "
        "free for most of the time. Or hand the work on by a queue, which serves in order.",
    )


def _is_woken_at_locks(thread: ThreadRow) -> bool:
    """Whether nearly all of its time at locks was in lines of the program that take one, in many waits."""
    at_locks = [row for row in thread["blocked"] if at_a_lock(row)]
    at_locks_s = sum(row["total_s"] for row in at_locks)
    of_lock_s = sum(row["total_s"] for row in thread["blocked"] if row["state"] == "lock")
    longest_s = max((row["longest_s"] or 0.0 for row in at_locks), default=0.0)
    is_woken = (thread["voluntary_switches"] or 0) >= _WOKEN and longest_s <= _ONE_WAIT * at_locks_s
    return is_woken and 0 < at_locks_s >= _NEARLY_ALL * of_lock_s


def _takes_turns(thread: ThreadRow) -> bool:
    works = share(thread, "lock") >= _BLOCKED and _busy(thread) >= _WORKS
    return seen_enough(thread) and works and not _waits_for_work(thread)


def _waits_for_work(thread: ThreadRow) -> bool:
    """Whether looks at it found a queue, or no function of the program, for most of its time at locks.

    A lock of the program is waited for in one of its functions, or in what it called. An idle thread of
    concurrent.futures waits in the library alone; a host written in C (uWSGI) keeps its idle threads at a
    lock that is held by the one which waits for the next request.
    """
    looked_at = _looks_at_locks(thread)
    nowhere_s = sum(
        row["total_s"]
        for row in looked_at
        if row["function"] is None or _in_library(row) or _waits_for_signal(row)
    )
    return nowhere_s > _MOST * sum(row["total_s"] for row in looked_at)


def _looks_at_locks(thread: ThreadRow) -> list[TimeRow]:
    return [row for row in thread["blocked"] if row["state"] == "lock" and row["count"]]


def _waits_for_signal(place: TimeRow) -> bool:
    """Whether it waits for a queue or an event; a semaphore is a lock that some may have at once."""
    waits = bool(place["function"] and SIGNAL.search(place["function"]))
    return waits and not _is_semaphore(place)


def _is_semaphore(place: TimeRow | BlockedPlace) -> bool:
    return any("Semaphore" in caller.function for caller in callers(place["callers"]))


def _in_library(place: TimeRow) -> bool:
    """Whether neither the function nor any of those that called it is the program's, or a package's."""
    files = (place["file"], *(caller.file for caller in callers(place["callers"])))
    return all(file is None or owner(file) == LIBRARY for file in files)


def _is_serial(group: list[ThreadRow]) -> bool:
    least, most = _AT_WORK
    busy = _together(group, _busy)
    return len(group) >= _MIN_THREADS and least <= busy and busy - _together(group, _run_delay) <= most


def _together(group: list[ThreadRow], share_of: Callable[[ThreadRow], float]) -> float:
    """The sum of a share of each, of threads that may have lived one after the other."""
    lasted_s = max(thread["observed_s"] for thread in group)
    return sum(share_of(thread) * thread["observed_s"] for thread in group) / lasted_s if lasted_s else 0.0


def _busy(thread: ThreadRow) -> float:
    """The share of the time in which it was seen that a thread was not blocked on a lock."""
    return 1 - share(thread, "lock")


def _run_delay(thread: ThreadRow) -> float:
    """The share of time in which it was runnable and had no CPU.

    None of one that waits for a semaphore most of all: that lets several in at once, which then wait for a
    CPU together.
    """
    looked_at = _looks_at_locks(thread)
    semaphores_s = sum(row["total_s"] for row in looked_at if _is_semaphore(row))
    if semaphores_s > _MOST * sum(row["total_s"] for row in looked_at):
        return 0.0
    if not thread["counted_s"] or thread["run_delay_s"] is None:
        return 0.0
    return thread["run_delay_s"] / thread["counted_s"]


_HOLD_LESS = (
    "Hold the lock for less, or split what it guards over several locks. More threads would only wait longer."
)


def _contention(
    detail: str,
    evidence: Mapping[str, object],
    title: str = "Threads take turns at a lock",
    advice: str = _HOLD_LESS,
) -> Finding:
    return Finding(
        code="lock-contention",
        severity="warning",
        title=title,
        detail=detail,
        evidence=evidence,
        advice=advice,
    )


def _lets_several_in(summary: Measurements, group: list[ThreadRow], place: BlockedPlace) -> bool:
    """Whether it is a semaphore, and all that wait there are at work for more than one.

    It is not fair: some get through nearly always and others never, and neither seem to take turns.
    """
    if not _is_semaphore(place):
        return False
    there = [
        thread
        for thread in summary["threads"]
        if thread["pid"] == group[0]["pid"]
        and seen_enough(thread)
        and any(
            (row["function"], row["file"]) == (place["function"], place["file"]) and _is_semaphore(row)
            for row in _looks_at_locks(thread)
        )
    ]
    return _together(there, _busy) > _AT_WORK[1]


def _is_of_object(summary: Measurements, group: list[ThreadRow], place: BlockedPlace) -> bool:
    """Whether what is waited for may be the lock of an object, of a process that runs without a GIL.

    That is not sure: of a line whose source cannot be read it is not known whether it takes a lock, and C
    code has locks of its own.
    """
    pid = group[0]["pid"]
    free = any(row["pid"] == pid and row["gil_enabled"] is False for row in summary.get("processes", ()))
    return free and _in_c_code(group, place)


def _is_in_blas(summary: Measurements, group: list[ThreadRow], place: BlockedPlace) -> bool:
    """Whether they may wait for one another in OpenBLAS: it has a pool, and the line takes no lock."""
    pid = group[0]["pid"]
    pools = [
        name
        for row in summary.get("processes", ())
        if row["pid"] == pid
        for name in row.get("thread_pools", ())
    ]
    return "OpenBLAS" in pools and _in_c_code(group, place)


def _in_c_code(group: list[ThreadRow], place: BlockedPlace) -> bool:
    """Whether they wait in a line of the program, or of a package, that is not known to take a lock."""
    takes_lock = any(
        row["takes_lock"]
        for thread in group
        for row in _looks_at_locks(thread)
        if (row["function"], row["file"]) == (place["function"], place["file"])
    )
    return not takes_lock and owner(place["file"] or "") != LIBRARY


def _workload(summary: Measurements) -> Reported:
    return summary["workload"] or {}


RULES: tuple[Rule, ...] = (
    deadlock,
    leaked_lock,
    livelock,
    starvation,
    lost_updates,
    lock_contention,
)
