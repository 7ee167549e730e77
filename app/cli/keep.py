"""`gilscope import`, `rm` and `pin`: what the archive keeps."""

from __future__ import annotations

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
            typer.echo((await archive.import_file(file)).id)  # each at once: the next one may be no recording

    asked(take)


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
