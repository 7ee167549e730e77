"""`gilscope workloads`: what can be run."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated, Any

import typer

from app.cli.tables import Column, render
from app.runs import catalogue

_INDENT = "  "
_WIDTH = 100


def workloads(
    as_json: Annotated[bool, typer.Option("--json", help="print the catalogue as one object")] = False,
) -> None:
    """List the workloads, and what each can be told."""
    known = catalogue.load().to_json()
    if as_json:
        typer.echo(json.dumps(known, ensure_ascii=False))
    else:
        typer.echo("\n\n".join(describe(workload) for workload in known["workloads"]))


def describe(workload: dict[str, Any]) -> str:
    """One workload of the catalogue, in a few lines."""
    others = [name for name in workload["executors"] if name != workload["executor"]]
    runs_on = f"on {workload['executor']}" + (f" (or {', '.join(others)})" if others else "")
    workers = f"{workload['workers']} workers ({workload['min_workers']} to {workload['max_workers']})"
    parts = [
        f"{workload['name']}: {workload['title']}",
        textwrap.indent(textwrap.fill(workload["sentence"], _WIDTH), _INDENT),
        f"{_INDENT}{runs_on}, {workers}",
    ]
    if workload["params"]:
        columns = [Column("-p"), Column("default", "right"), Column(""), Column("")]
        rows = [
            [param["name"], _default(param), _bounds(param), param["help"]] for param in workload["params"]
        ]
        parts.append(textwrap.indent(render(columns, rows), _INDENT))
    return "\n".join(parts)


def _default(param: dict[str, Any]) -> str:
    value = _plain(param["default"])
    return f"{value} {param['unit']}" if param["unit"] else value


def _bounds(param: dict[str, Any]) -> str:
    if param["choices"]:
        return ", ".join(param["choices"])
    if param["type"] == "bool":
        return "true, false"
    least, most = param["min"], param["max"]
    if least is None:
        return "" if most is None else f"at most {_plain(most)}"
    return f"at least {_plain(least)}" if most is None else f"{_plain(least)} to {_plain(most)}"


def _plain(value: Any) -> str:
    """As one would type it after `-p name=`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
