"""The workers of a cluster in the report of a run: a row each, and the tasks that held their GILs."""

from __future__ import annotations

from app.cli.tables import Column, render
from app.model import units
from app.model.pids import own_pid
from app.model.summary import ProcessRow, Summary

TASKS = 12
_EXACT_S = 1e-6


def is_cluster(summary: Summary) -> bool:
    """Whether the run is of a cluster's workers."""
    return any(row.get("worker") is not None for row in summary["processes"])


def called(summary: Summary, pid: int) -> str:
    """What a process is called: of a cluster its worker's name, too."""
    worker = next((row for row in summary["processes"] if row["pid"] == pid and row.get("worker")), None)
    return f"pid {pid}" if worker is None else f"worker {worker['worker']} · pid {own_pid(pid)}"


def cluster(summary: Summary) -> list[str]:
    """The tables of workers and of tasks; of other runs there are none."""
    if not is_cluster(summary):
        return []
    return [part for part in (_workers(summary), _unseen(summary), _tasks(summary), _own(summary)) if part]


def _workers(summary: Summary) -> str:
    columns = [Column("worker"), Column("host"), Column("pid", "right"), Column("seen", "right")]
    columns += [
        Column(name, "right") for name in ("GIL held", "contended", "Dask's own", "CPU", "clock off by")
    ]
    columns += [Column("held most by")]
    rows = []
    said = {row["pid"]: row for row in summary["workers"]}
    for worker in sorted(_workers_of(summary), key=lambda row: (row["host"] or "", row["worker"] or "")):
        gil = next((row for row in summary["gils"] if row["pid"] == worker["pid"]), None)
        own = said.get(worker["pid"])
        tasks = [task for task in summary["tasks"] if task["pid"] == worker["pid"] and task["held_s"]]
        off_s = own["clock_off_s"] if own else None
        rows.append(
            [
                *(worker["worker"] or "", worker["host"] or "", str(own_pid(worker["pid"]))),
                units.coverage(gil["coverage"] if gil else None),
                units.share(gil["held_share"] if gil else None),
                units.share(gil["contended_share"] if gil else None),
                units.share(own["own_gil_share"] if own else None),
                units.seconds(worker["cpu_s"]),
                "the run's own" if off_s is not None and off_s < _EXACT_S else units.seconds(off_s),
                tasks[0]["name"] if tasks else units.ABSENT,
            ]
        )
    return render(columns, rows)


def _workers_of(summary: Summary) -> list[ProcessRow]:
    """A row each: of what a worker has started the worker itself tells."""
    known = {row["pid"] for row in summary["workers"]}
    return [row for row in summary["processes"] if row["pid"] in known]


def _unseen(summary: Summary) -> str:
    """The workers that were not observed, with why."""
    rows = summary.get("unseen_workers", [])  # recordings of before have none
    columns = [Column("not observed"), Column("host"), Column("pid", "right"), Column("why")]
    table = [
        [
            row["worker"],
            row["host"],
            units.ABSENT if row["pid"] is None else str(own_pid(row["pid"])),
            row["why"],
        ]
        for row in rows
    ]
    return render(columns, table) if table else ""


def _tasks(summary: Summary) -> str:
    columns = [Column("tasks"), Column("on")]
    columns += [Column(name, "right") for name in ("done", "time", "held the GIL", "longest")]
    names = {row["pid"]: row["worker"] for row in summary["processes"]}
    rows = [
        [
            *(task["name"], f"worker {names.get(task['pid'])}"),
            units.count(task["count"]),
            units.seconds(task["total_s"]),
            units.seconds(task["held_s"]),
            units.seconds(task["longest_s"]),
        ]
        for task in summary["tasks"][:TASKS]
    ]
    return render(columns, rows) if rows else ""


def _own(summary: Summary) -> str:
    """Why there is nothing to set beside."""
    if any(row["own_gil_share"] is not None for row in summary["workers"]):
        return ""
    return "Dask's own GIL figure is not there: it wants gilknocker in the environment of the workers."
