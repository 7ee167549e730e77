"""`gilscope`: the list of its commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli.errors import INTERRUPTED, describe
from app.model.errors import GilscopeError

# The function of each command, and the module of app.cli that has it.
COMMANDS = {
    "serve": ("serve", "serve"),
    "run": ("run", "run"),
    "record": ("record", "record"),
    "attach": ("attach", "attach"),
    "dask": ("dask_cluster", "dask"),
    "ps": ("ps", "ps"),
    "doctor": ("doctor", "doctor"),
    "memory": ("memory", "memory"),
    "workloads": ("workloads", "workloads"),
    "pythons": ("pythons", "pythons"),
    "runs": ("runs", "runs"),
    "show": ("show", "show"),
    "replay": ("replay", "replay"),
    "export": ("export", "export"),
    "compare": ("compare", "compare"),
    "advise": ("advise", "advise"),
    "rm": ("keep", "rm"),
    "pin": ("keep", "pin"),
    "name": ("keep", "name"),
    "tag": ("keep", "tag"),
    "import": ("keep", "import_file"),
    "exporter": ("exporter", "exporter"),
}


class _Commands(MutableMapping[str, Any]):
    """Each is imported when it is asked for: one that answers at once does not wait for what others need."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            module, function = COMMANDS[name]
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(name)(getattr(import_module(f"app.cli.{module}"), function))
            self._known[name] = typer.main.get_command(alone)
        return self._known[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._known[name] = command

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


app = typer.Typer(cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gilscope {version('gilscope')}")
        raise typer.Exit


@app.callback()
def _about(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="print it, and exit")
    ] = False,
) -> None:
    """See what the GIL of a running CPython process does, measured from outside."""


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
