"""`gilscope`: the list of its commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import os
import sys

import typer

from app.cli.attach import attach
from app.cli.compare import compare
from app.cli.doctor import doctor
from app.cli.export import export
from app.cli.keep import import_file, pin, rm
from app.cli.memory import memory
from app.cli.observation import INTERRUPTED, describe
from app.cli.ps import ps
from app.cli.pythons import pythons
from app.cli.record import record
from app.cli.replay import replay
from app.cli.run import run
from app.cli.runs import runs
from app.cli.serve import serve
from app.cli.show import show
from app.cli.workloads import workloads
from app.model.errors import GilscopeError

app = typer.Typer(
    help="See what the GIL of a running CPython process does, measured from outside.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    serve,
    run,
    record,
    attach,
    ps,
    doctor,
    memory,
    workloads,
    pythons,
    runs,
    show,
    replay,
    export,
    compare,
    rm,
    pin,
):
    app.command()(command)
app.command("import")(import_file)


def main() -> None:
    """Run the command line; never returns."""
    try:
        app()
    except GilscopeError as error:
        typer.echo(describe(error), err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        # What a command itself cannot open or write it says in its own words; this is its output.
        typer.echo(f"gilscope: the output could not be written: {error.strerror or error}.", err=True)
        sys.exit(GilscopeError.exit_status)
    finally:
        _give_up_what_cannot_be_written()


def _give_up_what_cannot_be_written() -> None:
    """Else the interpreter tries once more as it ends, fails, and makes the exit status 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as it is where the program was started without it
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
