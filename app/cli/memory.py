"""`gilscope memory`: where the RSS of a process went."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.report_memory import bar, holders, largest, types
from app.cli.via import Via
from app.runs import inspection


def memory(
    pid: Annotated[int, typer.Argument(min=1, help="the process; those below it are told too")],
    via: Via = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one object")] = False,
) -> None:
    """Say where the memory of a process and of those below it went: in use, free, and what gives it back."""
    if as_json:
        typer.echo(json.dumps(inspection.memory(pid, via), ensure_ascii=False))
        return
    readings = inspection.memory_in_turn(pid, via)
    sizes = next(readings)
    parts = bar(sizes["memory"], sizes["together"]), largest(sizes["memory"])
    typer.echo("\n\n".join(part for part in parts if part))
    told = {sentence for row in sizes["memory"] for sentence in row["verdict"]}
    for report in readings:
        for part in (
            _more(report, told),
            types(report["types"]) or _unknown(report),
            holders(report["holders"]),
        ):
            if part:
                typer.echo(f"\n{part}")


def _more(report: inspection.MemoryReport, told: set[str]) -> str:
    """What could only be said once the live objects were known."""
    several = len(report["memory"]) > 1
    return "\n".join(
        f"pid {row['pid']}: {sentence}" if several else sentence
        for row in report["memory"]
        for sentence in row["verdict"]
        if sentence not in told
    )


def _unknown(report: inspection.MemoryReport) -> str:
    """Why no types of objects are told."""
    why = report["why"].get("types")
    return f"types of live objects: {why}" if why else ""
