"""The cores: used at once without the GIL or for want of one, or too few for the threads that want them."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.findings import handing_over, hazards, polling
from app.analysis.findings.rows import LEAST_S, Rule, lets_go, locks, seen_enough, seen_s, share, wanted_cpus
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements, ProcessRow, ThreadRow

# Parallel: two threads that each spend half of their time in C code without the lock, and together want a
# quarter of a CPU more than one. How much they had is told beside it: on a busy machine it is less.
_NATIVE = 0.5
_PARALLEL_THREADS = 2
_CORES = 1.25
# And it computes for longer than this from one wait to the next. Who lets go of the lock for time.sleep(0),
# or to look at something, again and again, has 15 to 30 us between two waits: system calls, no computing.
_PIECE_S = 1e-4

# Without a GIL, a thread computes that is attached for a third of its time and wants as much of a CPU. One of
# the two is not enough: on a busy machine who looks in for moments is attached for long, in the run queue;
# and C code wants a CPU without being attached.
_COMPUTES = 0.3

# Oversubscribed: threads that compute outside of Python's lock want half a CPU more than there are, and a
# quarter more; and it shows: they stand in the run queue for so long that half a CPU would have been kept
# busy. A thread takes part that spends a third of its time in C code, or is none of Python's.
_TAKES_PART = 0.3
_TOO_MANY = 0.5  # CPUs
_TOO_MANY_SHARE = 1.25
_DELAYED = 0.5  # CPUs

# A pool is nested where several threads of Python call its library at once, and its own threads compute
# beside them: they wait for one another inside the library, and so want less than they are. There it is
# enough that they are more than the CPUs, and want three quarters of these. Who calls is in C code for a part
# of its time, and in that or blocked on a lock for half of it.
_CALLERS = 2
_CALLS, _CALLS_OR_WAITS = 0.15, 0.5
_NESTED_SHARE = 0.75

# The libraries whose pools of threads are known, and what bounds each.
_VARIABLES = {
    "OpenBLAS": "OPENBLAS_NUM_THREADS",
    "MKL": "MKL_NUM_THREADS",
    "GNU OpenMP": "OMP_NUM_THREADS",
    "LLVM OpenMP": "OMP_NUM_THREADS",
    "Intel OpenMP": "OMP_NUM_THREADS",
    "TBB": "",
}


def parallel(summary: Measurements) -> Finding | None:
    """Several threads compute in C code without the lock."""
    if oversubscribed(summary) or hazards.lock_contention(summary):
        return None  # too many, or by turns
    for pid, threads in _by_process(summary):
        held = max((lock.held_share for lock in locks(summary) if lock.row["pid"] == pid), default=0.0)
        native = [
            thread
            for thread in threads
            if thread["interpreter"] is not None
            and share(thread, "native") >= _NATIVE
            and lets_go(thread)
            and _in_pieces(thread)
        ]
        cores, wanted = sum(map(_cores, native)), sum(map(wanted_cpus, native))
        cpus = _process(summary, pid)["cpus"]
        if len(native) < _PARALLEL_THREADS or held >= _NATIVE or wanted < _CORES or _too_many(wanted, cpus):
            continue
        return Finding(
            code="native-parallel",
            severity="info",
            title="Threads compute without the GIL",
            detail=f"{len(native)} threads of process {own_pid(pid)} were in C code that had let go of "
            "the GIL, "
            f"and had {cores:.1f} CPUs between them of {wanted:.1f} that they wanted; the lock was held for "
            f"{held:.0%} of the time.",
            evidence={
                "pid": pid,
                "held_share": held,
                "threads": len(native),
                "cores": cores,
                "wanted": wanted,
                "cpus": cpus,
            },
            advice="Threads are the right choice here, up to the number of cores. Keep the pieces large, so "
            "that the lock stays out of the way.",
        )
    return None


def oversubscribed(summary: Measurements) -> Finding | None:
    """More threads want to compute outside of Python's lock than there are CPUs for."""
    for pid, threads in _by_process(summary):
        process = _process(summary, pid)
        cpus = process["cpus"]
        computing = [
            thread
            for thread in threads
            if wanted_cpus(thread) >= _TAKES_PART
            and (
                thread["interpreter"] is None
                or (share(thread, "native") >= _TAKES_PART and _in_pieces(thread))
            )
        ]
        foreign = [thread for thread in computing if thread["interpreter"] is None]
        pools = process["thread_pools"] if foreign else []
        callers = [thread for thread in threads if _calls(thread)]
        nested = bool(pools) and len(callers) >= _CALLERS
        if nested:
            computing += [thread for thread in callers if thread not in computing]
        wanted, cores = sum(map(wanted_cpus, computing)), sum(map(_cores, computing))
        if cpus is None or len(computing) < 2 or wanted - cores < _DELAYED:
            continue
        nested = nested and len(computing) > cpus and wanted >= _NESTED_SHARE * cpus
        if not nested and not _too_many(wanted, cpus):
            continue
        return Finding(
            code="cpu-oversubscribed",
            severity="warning",
            title="More threads compute than there are CPUs",
            detail=f"{len(computing)} threads of process {own_pid(pid)} wanted {wanted:.1f} CPUs at a "
            "time and had "
            f"{cores:.1f}: it may use {cpus:g}. The rest of the time they stood in the run queue."
            + _of_pools(foreign, pools),
            evidence={
                "pid": pid,
                "cpus": cpus,
                "threads": len(computing),
                "threads_without_python": len(foreign),
                "wanted": wanted,
                "cores": cores,
                "thread_pools": pools,
            },
            advice=_bound(pools, len(foreign)),
        )
    return None


def free_threads(summary: Measurements) -> Finding | None:
    """A free-threaded build on which threads did run at once."""
    if summary["gils"] and not summary["target"]["free_threaded"]:
        return None
    if hazards.lock_contention(summary) or handing_over.handing_over_costs(summary):
        return None  # they run by turns, or to no good
    for pid, threads in _by_process(summary):
        process = _process(summary, pid)
        if process["gil_enabled"] is not False:
            continue
        computing = [
            thread for thread in threads if min(share(thread, "running"), wanted_cpus(thread)) >= _COMPUTES
        ]
        cores, wanted, cpus = sum(map(_cores, computing)), sum(map(wanted_cpus, computing)), process["cpus"]
        if len(computing) < _PARALLEL_THREADS or wanted < _CORES or (cpus or _CORES) < _CORES:
            continue
        return Finding(
            code="free-threads-parallel",
            severity="info",
            title="Threads run Python at once: there is no GIL",
            detail=f"{len(computing)} threads of process {own_pid(pid)} computed, and had {cores:.1f} "
            "CPUs between "
            f"them of {wanted:.1f} that they wanted" + ("." if cpus is None else f"; it may use {cpus:g}."),
            evidence={"pid": pid, "threads": len(computing), "cores": cores, "wanted": wanted, "cpus": cpus},
            advice="As many threads as there are CPUs are enough: more stand in the run queue."
            if _too_many(wanted, cpus)
            else "More threads can do more, up to the number of CPUs, if each works on objects of its own. "
            "Those that change the same dict, list or counter take turns at it, and that may look like "
            "computing: `gilscope compare` measures whether more threads get more done. What they share "
            "needs locks.",
        )
    return None


RULES: tuple[Rule, ...] = (parallel, oversubscribed, free_threads)


def _by_process(summary: Measurements) -> Iterator[tuple[int, list[ThreadRow]]]:
    """The threads of each process that were seen enough, but for those that poll: that is no computing."""
    found: dict[int, list[ThreadRow]] = {}
    polls = polling.pollers(summary)
    for thread in summary["threads"]:
        if (thread["pid"], thread["tid"]) in polls:
            continue
        if seen_enough(thread) and seen_s(thread) >= LEAST_S and (thread["counted_s"] or 0) >= LEAST_S:
            found.setdefault(thread["pid"], []).append(thread)
    yield from found.items()


def _process(summary: Measurements, pid: int) -> ProcessRow:
    found = next((row for row in summary["processes"] if row["pid"] == pid), None)
    return found or {
        "pid": pid,
        "python": None,
        "free_threaded": None,
        "gil_enabled": None,
        "counted_s": None,
        "cpu_s": 0.0,
        "cpus": None,
        "thread_pools": [],
        "threads_growth": None,
        "threads_ended": None,
        "host": None,
        "worker": None,
    }


def _cores(thread: ThreadRow) -> float:
    """How much of a CPU it had."""
    return (thread["cpu_s"] or 0.0) / thread["counted_s"] if thread["counted_s"] else 0.0


def _in_pieces(thread: ThreadRow) -> bool:
    """Whether it computes for more than moments from one wait to the next; so too where that is not known."""
    waits = thread["voluntary_switches"]
    return not waits or (thread["cpu_s"] or 0.0) >= _PIECE_S * waits


def _calls(thread: ThreadRow) -> bool:
    """Whether a thread of Python may call a library that has a pool of threads, and waits for it."""
    return (
        thread["interpreter"] is not None
        and share(thread, "native") >= _CALLS
        and share(thread, "native", "lock") >= _CALLS_OR_WAITS
    )


def _too_many(wanted: float, cpus: float | None) -> bool:
    """Whether threads want more CPUs than the process may use."""
    return cpus is not None and wanted >= max(cpus + _TOO_MANY, _TOO_MANY_SHARE * cpus)


def _of_pools(foreign: list[ThreadRow], pools: list[str]) -> str:
    if not foreign:
        return ""
    names = f" of {' and '.join(pools)}" if pools else ""
    are = "is a thread" if len(foreign) == 1 else "are threads"
    return f" {len(foreign)} of them {are} of a C library{names}, beside those of Python."


def _bound(pools: list[str], foreign: int) -> str:
    variables = dict.fromkeys(_VARIABLES[pool] for pool in pools if _VARIABLES.get(pool))
    if variables:
        named = " or ".join(f"{name}=1" for name in variables)
        return (
            f"Set {named} in the environment before the library is loaded, or use threadpoolctl's "
            "threadpool_limits(1), where several threads of Python call it at once."
        )
    if foreign:
        return "Bound the library's own pool of threads, so that all threads together are as many as CPUs."
    return (
        "Use as many threads as there are CPUs (len(os.sched_getaffinity(0)), os.process_cpu_count() from "
        "3.13 on), or give the process more: taskset and the container's CPU limit bound it."
    )
