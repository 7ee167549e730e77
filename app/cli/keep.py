"""`gilscope import`, `rm` and `pin`: what the archive keeps."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from app.cli.kept import Runs, asked
from app.runs.archive import Archive


def import_file(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="a recording, as `-o FILE` writes it")
    ],
) -> None:
    """Take recordings into the archive, where the dashboard shows them too."""

    async def take(archive: Archive) -> None:
        for file in files:
            run = await archive.import_file(file, on_share=partial(_show, file))
            _show(file, None)
            typer.echo(run.id)  # each at once: the next one may be no recording

    asked(take)


def _show(file: str, share: float | None) -> None:
    """On a terminal, how far a long one was read; None wipes that away."""
    if sys.stderr.isatty():
        typer.echo("\r\x1b[K" + ("" if share is None else f"{file}: {share:.0%} read"), nl=False, err=True)


def rm(
    runs: Runs, undo: Annotated[bool, typer.Option("--undo", help="put them back instead")] = False
) -> None:
    """Remove runs and their recordings. For ten minutes they can be put back with --undo."""

    async def removed(archive: Archive) -> None:
        for run_id in [await archive.resolve(name, removed=undo) for name in runs]:
            await (archive.restore(run_id) if undo else archive.remove(run_id))

    asked(removed)


def pin(runs: Runs, off: Annotated[bool, typer.Option("--off", help="let them go again")] = False) -> None:
    """Keep runs when older ones make room for newer ones."""

    async def pinned(archive: Archive) -> None:
        for run_id in [await archive.resolve(name) for name in runs]:
            await archive.change(run_id, pinned=not off)

    asked(pinned)
