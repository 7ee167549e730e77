"""`gilscope pythons`: the interpreters found on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from app.cli.tables import Column, render
from app.runs import interpreters
from app.runs.interpreters import Interpreter
from app.runs.settings import Settings


def pythons(
    as_json: Annotated[bool, typer.Option("--json", help="print the list as one object")] = False,
) -> None:
    """List the interpreters found, and which of them can be observed."""
    settings = Settings.load()
    found = interpreters.find(settings.pythons, settings.interpreters_file)
    if as_json:
        typer.echo(json.dumps({"interpreters": [asdict(one) for one in found]}, ensure_ascii=False))
    else:
        typer.echo(table(found))


def table(found: Sequence[Interpreter]) -> str:
    """One line an interpreter."""
    columns = [Column("version"), Column("build"), Column("path"), Column("observed")]
    return render(columns, [[one.label, one.build, one.path, one.why or "yes"] for one in found])
