"""`gilscope memory`: where the RSS of a process went."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.report_memory import bar, holders, types
from app.runs import inspection


def memory(
    pid: Annotated[int, typer.Argument(min=1, help="the process; those below it are told too")],
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one object")] = False,
) -> None:
    """Say where the memory of a process and of those below it went: in use, free, and what gives it back."""
    report = inspection.memory(pid)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    parts = bar(report["memory"], report["together"]), types(report["types"]), holders(report["holders"])
    typer.echo("\n\n".join(part for part in parts if part))
