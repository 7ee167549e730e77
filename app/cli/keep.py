"""`gilscope import`, `rm`, `pin`, `name` and `tag`: what the archive keeps, and what it is called."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from app.cli.kept import RUN, Runs, asked
from app.model.errors import BadRequest
from app.runs.archive import Archive
from app.runs.request import DECLARED, LONGEST_TAG, MOST_TAGS


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


def name(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)],
    text: Annotated[str, typer.Argument(metavar="NAME", help="what to call it")],
) -> None:
    """Call a run something else."""
    _check("name", text, *(DECLARED["name"].lengths or (1, 80)))

    async def named(archive: Archive) -> None:
        await archive.change(await archive.resolve(run), name=text)

    asked(named)


def tag(
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN)],
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="words to find it by")],
    off: Annotated[bool, typer.Option("--off", help="take them away")] = False,
) -> None:
    """Give a run tags, beside those that it has."""
    for each in tags:
        _check("tag", each, 1, LONGEST_TAG)

    async def tagged(archive: Archive) -> None:
        run_id = await archive.resolve(run)
        others = [each for each in (await archive.change(run_id)).tags if each not in tags]
        has = others if off else [*others, *dict.fromkeys(tags)]
        if len(has) > MOST_TAGS:
            raise BadRequest(f"A run has at most {MOST_TAGS} tags", "Take some away with --off.", field="tag")
        await archive.change(run_id, tags=has)

    asked(tagged)


def _check(field: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise BadRequest(f"A {field} has {least} to {most} characters", field=field)
