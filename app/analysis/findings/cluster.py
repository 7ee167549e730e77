"""A worker of a cluster: its GIL is what its tasks have in common."""

from __future__ import annotations

from app.analysis.findings.rows import Rule, locks
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements, ProcessRow, TaskRow

# Bound: most of the time somebody holds the lock, and its tasks do for more than half. That is less than in
# gil-saturated: a lock that was let go of stands free until the next one has a CPU, and a cluster's hosts are
# busy. Whether others wait says nothing here: a worker with one thread is as full.
_HELD = 0.85
_BY_TASKS = 0.6
_LEAST_S = 1.0


def worker_gil_bound(summary: Measurements) -> Finding | None:
    """The GIL of a worker is held by its tasks nearly all the time; of several the one that is held most."""
    workers = {row["pid"]: row for row in summary["processes"] if row["worker"] is not None}
    bound = []
    for lock in locks(summary) if workers else ():
        pid, seen_s = lock.row["pid"], lock.row["seen_s"]
        tasks = [task for task in summary["tasks"] if task["pid"] == pid]
        by_tasks_s = sum(task["held_s"] for task in tasks)
        if (
            pid not in workers
            or lock.held_share < _HELD
            or seen_s < _LEAST_S
            or by_tasks_s < _BY_TASKS * seen_s
        ):
            continue
        bound.append((lock.held_share, pid, seen_s, max(tasks, key=lambda task: task["held_s"])))
    if not bound:
        return None
    held_share, pid, seen_s, task = max(bound, key=lambda each: each[3]["held_s"] / each[2])
    return _finding(summary, workers[pid], held_share, seen_s, task, len(bound) - 1)


def _finding(
    summary: Measurements, worker: ProcessRow, held_share: float, seen_s: float, task: TaskRow, more: int
) -> Finding:
    share = task["held_s"] / seen_s
    own = next((row["own_gil_share"] for row in summary["workers"] if row["pid"] == worker["pid"]), None)
    says = (
        f"Dask's own figure says {own:.0%}: how much of the time a thread that asked for the GIL waited."
        if own is not None
        else "Dask's own figure is not there: it wants gilknocker in the worker's environment."
    )
    others = f" So it is with {more} more worker{'s' if more > 1 else ''}." if more else ""
    return Finding(
        code="worker-gil-bound",
        severity="warning",
        title=f"Worker {worker['worker']}'s GIL is held {held_share:.0%} of the time, {share:.0%} by "
        f"`{task['name']}`",
        detail=f"On {worker['host']}, worker {worker['worker']} (process {own_pid(worker['pid'])}) did "
        f"{task['count']:,} tasks `{task['name']}`, which held its GIL for {task['held_s']:.1f} s of the "
        f"{seen_s:.1f} s that were seen. More threads a worker would not help; "
        f"processes would.{others} {says}",
        evidence={
            "pid": worker["pid"],
            "worker": worker["worker"],
            "host": worker["host"],
            "task": task["name"],
            "held_share": held_share,
            "task_share": share,
            "tasks": task["count"],
            "own_gil_share": own,
            "processes": more + 1,
        },
        advice="Start more workers with one thread each (`dask worker --nworkers 4 --nthreads 1`), as many "
        f"as the host has cores to give; or have `{task['name']}` let go of the GIL.",
    )


RULES: tuple[Rule, ...] = (worker_gil_bound,)
