"""Recorded runs as commands name them: by id, by the beginning of one, as `last`, or by a file."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from app.runs.archive import Archive, StoredRun, of_file
from app.runs.settings import Settings

T = TypeVar("T")

RUN = "its id, the beginning of it, or `last`; `gilscope runs` lists them"
RunOrFile = Annotated[str, typer.Argument(metavar="RUN|FILE", help=f"{RUN}; or a recording's file")]
Runs = Annotated[list[str], typer.Argument(metavar="RUN...", help=RUN)]


def asked(question: Callable[[Archive], Awaitable[T]]) -> T:
    """What the archive of this user answers."""

    async def ask() -> T:
        settings = Settings.load()
        archive = Archive(settings.home, settings.keep_bytes)
        try:
            return await question(archive)
        finally:
            await archive.close()

    return asyncio.run(ask())


@contextmanager
def opened(name: str) -> Iterator[StoredRun]:
    """The run of that name, or in the file of that name; NotFound, NotReadable."""
    if os.path.exists(name):
        with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
            yield of_file(name, Path(folder))
    else:
        yield asked(lambda archive: _named(archive, name))


async def _named(archive: Archive, name: str) -> StoredRun:
    return await archive.get(await archive.resolve(name))
