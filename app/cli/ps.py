"""`gilscope ps`: the processes that can be attached to."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.cli.tables import Column, render
from app.cli.via import Via
from app.model import units
from app.model.units import ABSENT
from app.runs import inspection

_COMMAND_WIDTH = 80


def ps(
    every: Annotated[
        bool, typer.Option("--all", help="those too that are no Python, or GILScope's own")
    ] = False,
    via: Via = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the list as one object")] = False,
) -> None:
    """List the Python processes, those first that can be attached to."""
    listed = inspection.processes(every, via)
    if not every:
        listed["processes"] = [row for row in listed["processes"] if row["python"] is not None]
    if as_json:
        typer.echo(json.dumps(listed, ensure_ascii=False))
    else:
        typer.echo(table(listed["processes"]))


def table(rows: list[dict[str, Any]]) -> str:
    """One line a process."""
    columns = [Column("pid", "right"), Column("user"), Column("python"), Column("CPU", "right")]
    columns += [Column("RSS", "right"), Column("attachable"), Column("command")]
    return render(
        columns,
        [
            [
                str(row["pid"]),
                row["user"] or ABSENT,
                row["python"] or (f"{row['below']} below" if row["below"] else ABSENT),
                units.share(row["cpu_share"]),
                units.size(row["rss"]),
                "yes" if row["attachable"] else "no: " + row["why"].rstrip("."),
                _shortened(" ".join(row["command"])),
            ]
            for row in rows
        ],
    )


def _shortened(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= _COMMAND_WIDTH else line[: _COMMAND_WIDTH - 1] + "…"
