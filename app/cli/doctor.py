"""`gilscope doctor`: what works here, what does not, and the command that mends it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.cli.tables import Column, render
from app.cli.via import Via
from app.model.errors import from_json
from app.runs import inspection

_MARKS = {"ok": "ok", "limited": "limited", "missing": "MISSING"}


def doctor(
    pid: Annotated[int | None, typer.Argument(min=1, help="a process to look at too")] = None,
    via: Via = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one object")] = False,
) -> None:
    """Say what works here, and whether a process can be observed: with the exit status of an attach.

    With --via what works on another machine or in a container, where the observer is sent.
    """
    report = inspection.doctor(pid, via)
    typer.echo(json.dumps(report, ensure_ascii=False) if as_json else text(report))
    process = report["process"]
    if process is not None and process["error"] is not None:
        raise from_json(process["error"])


def text(report: dict[str, Any]) -> str:
    """The whole report: the machine, then the process."""
    parts = [_checks(report["checks"])]
    if report["process"] is not None:
        parts.append(_process(report["process"]))
    return "\n\n".join(parts)


def _checks(checks: list[dict[str, Any]]) -> str:
    lines = render(
        [Column(""), Column(""), Column("")],
        [[_MARKS[check["status"]], check["name"], check["detail"]] for check in checks],
    ).splitlines()[1:]
    for place in range(len(checks), 0, -1):
        remedy = checks[place - 1]["remedy"]
        if remedy:
            lines.insert(place, f"         mend it: {remedy}")
    return "\n".join(lines)


def _process(process: dict[str, Any]) -> str:
    inner = f", pid {process['inner_pid']} in its container" if process["inner_pid"] is not None else ""
    lines = [f"process {process['pid']}{inner}: {' '.join(process['command'])}"]
    if process["below"]:
        below = ", ".join(map(str, process["below"]))
        lines.append(f"no CPython itself; attaching to it observes what it has started: pid {below}")
    if not process["readable"]:
        return "\n".join(lines)
    build = " free-threaded" if process["free_threaded"] else ""
    gil = "with the GIL" if process["gil_enabled"] else "without the GIL"
    lines.append(f"CPython {process['python']}{build}, {process['build']}, {gil}, of {process['user']}")
    lines.append(f"_PyRuntime by {process['found_by']}; offsets: {process['offsets']}")
    rows = [
        [level, measure, process["why"].get(measure, "")]
        for measure, level in process["capabilities"].items()
    ]
    measures = render([Column(""), Column(""), Column("")], rows).splitlines()[1:]
    return "\n".join([*lines, *measures])
