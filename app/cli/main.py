"""`gilscope`: the list of its commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import sys
import textwrap

import typer

from app.cli.attach import attach
from app.cli.doctor import doctor
from app.cli.ps import ps
from app.cli.pythons import pythons
from app.cli.record import record
from app.cli.run import run
from app.cli.serve import serve
from app.cli.workloads import workloads
from app.model.errors import GilscopeError

app = typer.Typer(
    help="See what the GIL of a running CPython process does, measured from outside.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, run, record, attach, ps, doctor, workloads, pythons):
    app.command()(command)


def main() -> None:
    """Run the command line; never returns."""
    try:
        app()
    except GilscopeError as error:
        typer.echo(describe(error), err=True)
        sys.exit(error.exit_status)


def describe(error: GilscopeError) -> str:
    """What happened, why, and what to do, a part each."""
    parts = [error.detail.rstrip("."), error.remedy.rstrip(".")]
    return "\n".join(
        [f"gilscope: {error.title}.", *(textwrap.indent(part, "  ") + "." for part in parts if part)]
    )
