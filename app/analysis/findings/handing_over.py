"""Work that is handed to other processes: what that costs beside the work itself.

It costs CPU on both sides: to make bytes of objects, to pass them on, and to make objects of them again.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from app.analysis.findings.rows import LEAST_S, Rule, seen_enough, seen_s
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.states import State
from app.model.summary import Measurements, ThreadRow, TimeRow, callers

# A worker waits for its next piece of work in one of these, whatever is between.
_GETS = ("Queue.get", "SimpleQueue.get", "_process_worker")
_TAKES = ("/multiprocessing/queues.py", "/concurrent/futures/process.py")
# In these it makes objects of the bytes that it got, and bytes of what it gives back.
_PASSES = ("Queue.get", "SimpleQueue.get", "SimpleQueue.put", "_sendback_result")
_FEEDS = "Queue._feed"  # a thread beside it, of who hands over as of a worker
# What hands work over and takes back what came of it: feeder threads, the threads of a pool's manager.
_HANDS = (*_TAKES, "/multiprocessing/pool.py", "/multiprocessing/connection.py")
_AT_REST: tuple[State, ...] = ("lock", "io", "sleep", "unknown")
_WAITS: tuple[State, ...] = ("lock", "io")

_STARVED = 0.4  # of its time a worker waits for work, or takes it and gives back what came of it
_WORKERS = 2
_MOSTLY = 0.5  # of a thread's time at work is spent handing over; of a process's CPU time, by such threads
_CPUS = 0.2  # what all of it takes at the least: less would keep no worker waiting
# What is handed over is large if workers take it and give back for longer than they wait for it: where it is
# only much, they wait for the one who hands it over.
_LARGE = 2.0  # times the wait


class _Worker(NamedTuple):
    """What one process did with its time."""

    waited: float  # of its time, for work
    passes: float  # of its time, to take work and to give back what came of it, waits of that included
    passing_cpu_s: float
    cpu_s: float


def handing_over_costs(summary: Measurements) -> Finding | None:
    """Processes that wait for work, or take and give, for longer than they work; and CPU goes into that."""
    threads: dict[int, list[ThreadRow]] = {}
    for thread in summary["threads"]:
        if seen_enough(thread) and seen_s(thread) >= LEAST_S and thread["counted_s"]:
            threads.setdefault(thread["pid"], []).append(thread)
    workers = {
        pid: worker for pid, rows in threads.items() if (worker := _as_worker(rows)).passes >= _STARVED
    }
    handing = {
        pid: _cpu_s([thread for thread in rows if _hands_over(thread)])
        for pid, rows in threads.items()
        if pid not in workers
    }
    if len(workers) < _WORKERS or not handing:
        return None
    cpu_s, pid = max((each, pid) for pid, each in handing.items())
    counted_s = max(thread["counted_s"] or 0.0 for thread in threads[pid])
    passing_cpu_s = sum(worker.passing_cpu_s for worker in workers.values())
    work_cpu_s = sum(worker.cpu_s for worker in workers.values()) - passing_cpu_s
    if cpu_s < _MOSTLY * _cpu_s(threads[pid]) or cpu_s + passing_cpu_s < max(_CPUS * counted_s, work_cpu_s):
        return None
    waited = sum(worker.waited for worker in workers.values()) / len(workers)
    large = sum(worker.passes for worker in workers.values()) / len(workers) > _LARGE * waited
    return Finding(
        code="handing-over-costs",
        severity="warning",
        title="To hand work over costs more than the work",
        detail=f"Process {own_pid(pid)} took {cpu_s:.2f} s of CPU to hand work to other processes and to "
        f"take back what came of it; its {len(workers)} workers took {work_cpu_s:.2f} s for the work, "
        f"{passing_cpu_s:.2f} s to take it and to give back, and waited for work for {waited:.0%} of the "
        "time.",
        evidence={
            "pid": pid,
            "worker_pids": sorted(workers),
            "handing_cpu_s": cpu_s,
            "passing_cpu_s": passing_cpu_s,
            "work_cpu_s": work_cpu_s,
            "waited_share": waited,
        },
        advice=_SEND_LESS if large else _SEND_MORE,
    )


_SEND_MORE = (
    "Hand over more at a time: chunksize= of map(), or a batch in each submit(). What every piece "
    "needs, load once in each worker (initializer=). Work that stays this small one process does sooner."
)
_SEND_LESS = (
    "What is handed over is large for the work that is done with it. Let a worker load it by itself: hand "
    "over a file's name or a range of rows, load what every piece needs once in each worker (initializer=), "
    "put bytes and arrays into multiprocessing.shared_memory, and give back a result rather than the data. "
    "Where the pieces are small and many, hand over more of them at a time (chunksize= of map())."
)

RULES: tuple[Rule, ...] = (handing_over_costs,)


def _cpu_s(threads: list[ThreadRow]) -> float:
    return sum(thread["cpu_s"] or 0.0 for thread in threads)


def _as_worker(threads: list[ThreadRow]) -> _Worker:
    """What a process did, if it is a worker; a share of the thread that does so most."""
    return _Worker(
        max(map(_waits_for_work, threads)),
        max(map(_passes, threads)),
        sum(_passing_cpu_s(thread) for thread in threads),
        _cpu_s(threads),
    )


def _waits_for_work(thread: ThreadRow) -> float:
    """The share of its time for which a thread waits for what another process hands to it."""
    waits_s = _time_in(thread, lambda row: row["state"] in _WAITS and _called(row, _TAKES, _GETS))
    return waits_s / seen_s(thread)


def _passes(thread: ThreadRow) -> float:
    """The share of its time for which it waits so, takes what came, or gives something back."""
    passes_s = _time_in(thread, lambda row: row["state"] not in _WAITS and _called(row, _TAKES, _PASSES))
    gives_s = _time_in(thread, lambda row: row["state"] in _WAITS and _gives(row))
    return _waits_for_work(thread) + (passes_s + gives_s) / seen_s(thread)


def _gives(row: TimeRow) -> bool:
    return _called(row, _TAKES, _PASSES) and not _called(row, _TAKES, _GETS)


def _passing_cpu_s(thread: ThreadRow) -> float:
    """Its CPU time, by the share of its time at work that is spent so."""
    works_s = _time_in(thread, lambda row: row["state"] not in _AT_REST)
    passes_s = _time_in(
        thread, lambda row: row["state"] not in _AT_REST and _called(row, _TAKES, (*_PASSES, _FEEDS))
    )
    return (thread["cpu_s"] or 0.0) * passes_s / works_s if works_s else 0.0


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
