"""Causes in the report of a run: functions, longest waits, what the workload showed and what was found."""

from __future__ import annotations

import textwrap
from pathlib import PurePath

from app.cli.tables import Column, render
from app.model import units
from app.model.summary import Blamed, FindingRow, HotRow, StepRow, StretchRow, Summary, TimeRow, callers
from app.model.units import ABSENT

HOT_ROWS = 8
WAITS = 5
BLOCKED = 8
POOLS = 8

_NOT_BLOCKED = ("running", "waiting")

_WIDTH = 100


def causes(summary: Summary) -> list[str]:
    """The tables of functions, waits, blocked threads, event loops and pools; empty ones are left out."""
    tables = (_hot, _waits, _blocked, _loops, _steps, _pools)
    return [part for table in tables if (part := table(summary))]


def judgements(summary: Summary) -> list[str]:
    """What the workload showed, in its own sentences, and what was found, with what could be done."""
    showed = (summary["workload"] or {}).get("showed") or ()
    said = "\n".join(textwrap.fill(sentence, _WIDTH) for sentence in showed)
    found = [_finding(finding) for finding in summary["findings"]]
    return [part for part in (said, *found) if part]


def _hot(summary: Summary) -> str:
    waiting = bool(summary["gils"])  # without a GIL nobody waits, and the looks are at threads that run
    columns = [
        Column("held the GIL in" if waiting else "ran in"),
        Column(""),
        Column("held" if waiting else "of the looks", "right"),
        *([Column("of all waiting", "right")] if waiting else ()),
    ]
    rows = [
        [
            function["function"],
            _place(function),
            units.share(function["held_share"]),
            *([units.share(function["waited_share"])] if waiting else ()),
        ]
        for function in (summary["hot"] or ())[:HOT_ROWS]
    ]
    return render(columns, rows) if rows else ""


def _waits(summary: Summary) -> str:
    columns = [Column("longest waits", "right"), Column("at", "right"), Column("thread"), Column("in")]
    columns += [Column(""), Column("for"), Column("in")]
    rows = [
        [
            ("≥ " if wait["at_least"] else "") + units.seconds(wait["length_s"]),
            units.seconds(wait["at_s"]),
            wait["name"] or str(wait["tid"]),
            wait["function"] or ABSENT,
            _place(wait),
            *_blamed(wait["blamed"]),
        ]
        for wait in summary["longest_waits"][:WAITS]
    ]
    return render(columns, rows) if rows else ""


def _blocked(summary: Summary) -> str:
    """Where the threads were that did not run: of all of them together, the most time first."""
    columns = [Column("blocked in"), Column(""), Column("called by"), Column("as"), Column("task")]
    columns += [Column(name, "right") for name in ("in all", "longest", "seen")]
    found = [
        row
        for row in (summary["where"]["blocked"] if summary["where"] else ())
        if row["function"] is not None and row["state"] not in _NOT_BLOCKED
    ][:BLOCKED]
    tasks = any(row["task"] for row in found)
    rows = [
        [
            row["function"] or "",
            _place(row),
            _caller(row),
            row["state"],
            row["task"] or "",
            units.seconds(row["total_s"]),
            units.seconds(row["longest_s"]),
            units.count(row["count"]),
        ]
        for row in found
    ]
    if not tasks:
        del columns[4]
        for cells in rows:
            del cells[4]
    return render(columns, rows) if rows else ""


def _loops(summary: Summary) -> str:
    columns = [Column("event loop"), Column("thread")]
    columns += [Column(name, "right") for name in ("lag p50", "p99", "max")]
    rows = [
        [
            loop["kind"],
            loop["name"] or str(loop["tid"]),
            *map(units.seconds, (loop["lag_s"]["p50"], loop["lag_s"]["p99"], loop["lag_s"]["max"])),
        ]
        for loop in summary["loops"]
    ]
    return render(columns, rows) if rows else ""


def _steps(summary: Summary) -> str:
    """What kept the event loops from going on, the longest first."""
    columns = [Column("longest steps", "right"), Column("at", "right"), Column("thread"), Column("task")]
    columns += [Column("state"), Column("in"), Column("")]
    steps = [(loop, step) for loop in summary["loops"] for step in loop["longest"]]
    rows = [
        [
            units.seconds(step["length_s"]),
            units.seconds(step["at_s"]),
            loop["name"] or str(loop["tid"]),
            step["task"] or ABSENT,
            step["state"],
            step["function"] or ABSENT,
            _place(step),
        ]
        for loop, step in sorted(steps, key=lambda each: -each[1]["length_s"])[:WAITS]
    ]
    return render(columns, rows) if rows else ""


def _pools(summary: Summary) -> str:
    """Pools of threads, the fullest first."""
    figures = ("threads", "all at work", "at work", "tasks waiting", "max")
    columns = [Column("pool of threads"), *(Column(name, "right") for name in figures)]
    rows = [
        [
            pool["name"],
            units.count(pool["workers"]),
            units.share(pool["full_share"]),
            units.share(pool["busy_share"]),
            units.count(pool["waiting"]["p50"]),
            units.count(pool["waiting"]["max"]),
        ]
        for pool in summary["pools"][:POOLS]
    ]
    return render(columns, rows) if rows else ""


def _blamed(blamed: Blamed | None) -> tuple[str, str]:
    if blamed is None:
        return ABSENT, ABSENT
    return blamed["name"] or str(blamed["tid"]), blamed["function"] or ABSENT


def _place(row: HotRow | StretchRow | TimeRow | StepRow) -> str:
    """The file's own name and the line; the whole path would leave no room for the figures."""
    return "" if row["file"] is None else f"{PurePath(row['file']).name}:{row['line']}"


def _caller(row: TimeRow) -> str:
    """The outermost of those that called it."""
    return next((caller.function for caller in reversed([*callers(row["callers"])])), "")


def _finding(finding: FindingRow) -> str:
    lines = [
        f"{finding['severity']}: {finding['title']} ({finding['code']})",
        *(
            textwrap.indent(textwrap.fill(part, _WIDTH), "  ")
            for part in (finding["detail"], finding["advice"])
        ),
    ]
    return "\n".join(lines)
