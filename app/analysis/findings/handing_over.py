"""Work that is handed to other processes: what that costs beside the work itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from app.analysis.findings.rows import LEAST_S, Rule, seen_enough, seen_s
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.states import State
from app.model.summary import Measurements, ThreadRow, TimeRow, callers

# A worker waits for its next piece of work in one of these, whatever is between.
_GETS = ("Queue.get", "SimpleQueue.get", "_process_worker")
_TAKES = ("/multiprocessing/queues.py", "/concurrent/futures/process.py")
# What hands work over and takes back what came of it: feeder threads, the threads of a pool's manager.
_HANDS = (*_TAKES, "/multiprocessing/pool.py", "/multiprocessing/connection.py")
_AT_REST: tuple[State, ...] = ("lock", "io", "sleep", "unknown")
_WAITS: tuple[State, ...] = ("lock", "io")

_STARVED = 0.4  # of its time a worker waits for work
_WORKERS = 2
_MOSTLY = 0.5  # of a thread's time at work is spent handing over; of a process's CPU time, by such threads
_CPUS = 0.2  # what they take at the least: less would keep no worker waiting


def handing_over_costs(summary: Measurements) -> Finding | None:
    """Processes that wait for work while another takes more CPU to hand it over than they do for the work."""
    threads: dict[int, list[ThreadRow]] = {}
    for thread in summary["threads"]:
        if seen_enough(thread) and seen_s(thread) >= LEAST_S and thread["counted_s"]:
            threads.setdefault(thread["pid"], []).append(thread)
    starved = {
        pid: waited
        for pid, rows in threads.items()
        if (waited := max(map(_waits_for_work, rows))) >= _STARVED
    }
    workers_cpu_s = sum(_cpu_s(threads[pid]) for pid in starved)
    handing = {
        pid: _cpu_s([thread for thread in rows if _hands_over(thread)])
        for pid, rows in threads.items()
        if pid not in starved
    }
    if len(starved) < _WORKERS or not handing:
        return None
    cpu_s, pid = max((each, pid) for pid, each in handing.items())
    counted_s = max(thread["counted_s"] or 0.0 for thread in threads[pid])
    if cpu_s < max(_MOSTLY * _cpu_s(threads[pid]), _CPUS * counted_s, workers_cpu_s):
        return None
    waited = sum(starved.values()) / len(starved)
    return Finding(
        code="handing-over-costs",
        severity="warning",
        title="To hand work over costs more than the work",
        detail=f"Process {own_pid(pid)} took {cpu_s:.2f} s of CPU to hand work to other processes and to "
        "take back "
        f"what came of it; its {len(starved)} workers took {workers_cpu_s:.2f} s for all that they did, and "
        f"waited for work for {waited:.0%} of the time.",
        evidence={
            "pid": pid,
            "worker_pids": sorted(starved),
            "handing_cpu_s": cpu_s,
            "workers_cpu_s": workers_cpu_s,
            "waited_share": waited,
        },
        advice="Hand over more at a time: chunksize= of map(), or a batch in each submit(). What every piece "
        "needs, load once in each worker (initializer=). Work that stays this small one process does sooner.",
    )


RULES: tuple[Rule, ...] = (handing_over_costs,)


def _cpu_s(threads: list[ThreadRow]) -> float:
    return sum(thread["cpu_s"] or 0.0 for thread in threads)


def _waits_for_work(thread: ThreadRow) -> float:
    """The share of its time for which a thread waits for what another process hands to it."""
    waits_s = _time_in(thread, lambda row: row["state"] in _WAITS and _called(row, _TAKES, _GETS))
    return waits_s / seen_s(thread)


def _hands_over(thread: ThreadRow) -> bool:
    """Whether most of what a thread does, but for its rest, is to hand work over."""
    works_s = _time_in(thread, lambda row: row["state"] not in _AT_REST)
    handing_s = _time_in(thread, lambda row: row["state"] not in _AT_REST and _called(row, _HANDS))
    return handing_s > _MOSTLY * works_s


def _time_in(thread: ThreadRow, wanted: Callable[[TimeRow], bool]) -> float:
    return sum(row["total_s"] for row in thread["blocked"] or () if wanted(row))


def _called(row: TimeRow, files: tuple[str, ...], functions: tuple[str, ...] = ()) -> bool:
    """Whether the time was spent in such a file or in what it called; if given, in one of these functions."""
    by = ((caller.function, caller.file) for caller in callers(row["callers"]))
    return any(
        (file or "").endswith(files) and (not functions or function in functions)
        for function, file in chain([(row["function"], row["file"])], by)
    )
