"""`gilscope runs`: the runs that were recorded."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer

from app.cli.kept import asked
from app.cli.tables import Column, render
from app.model import units
from app.model.units import ABSENT
from app.runs.archive import Archive, Entry, Query

MOST = 1000
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

Json = dict[str, Any]


def runs(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="in a name, a command or a tag")] = "",
    kind: Annotated[str, typer.Option(help="workload, command, script or attach")] = "",
    state: Annotated[str, typer.Option(help="finished, stopped, timed_out or failed")] = "",
    finding: Annotated[str, typer.Option(help="a finding's code, such as gil-convoy")] = "",
    tag: Annotated[str, typer.Option(help="a tag")] = "",
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="started then or later")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="started then or before")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=MOST, help="so many, the newest")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="print the list as one object")] = False,
) -> None:
    """List the runs that were recorded, newest first."""
    query = Query(text, kind, state, finding, tag, _seconds(since), _seconds(until))

    async def listed(archive: Archive) -> tuple[list[Entry], int]:
        await archive.recover()
        return await archive.page(query, limit), await archive.count(query)

    entries, count = asked(listed)
    if as_json:
        typer.echo(json.dumps({"runs": [entry.to_json() for entry in entries], "count": count}))
        return
    typer.echo(table(entries) if entries else "No run is recorded that fits.")
    if count > len(entries):
        typer.echo(f"{count - len(entries)} more: ask for them with -n.", err=True)


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def table(entries: list[Entry]) -> str:
    """One line a run."""
    columns = [Column("id"), Column("started"), Column("kind"), Column("name"), Column("state")]
    columns += [Column("length", "right"), Column("size", "right"), Column("findings"), Column("tags")]
    return render(columns, [_row(entry) for entry in entries])


def _row(entry: Entry) -> list[str]:
    run = entry.run
    return [
        entry.id,
        datetime.fromtimestamp(run["started_at"]).strftime("%Y-%m-%d %H:%M:%S"),
        run["kind"],
        run["name"],
        run["state"].replace("_", " "),
        units.seconds(run.get("duration_s")),
        units.size(entry.bytes) if not entry.open else ABSENT,
        ", ".join(finding["code"] for finding in entry.findings) or ABSENT,
        ", ".join([*(["pinned"] if entry.pinned else []), *entry.tags]) or ABSENT,
    ]
