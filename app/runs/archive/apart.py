"""A recording read through in a process of its own: nobody else waits for it, nor for the interpreter.

The process is `python -m app.runs.archive`: see __main__.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.model.errors import GilscopeError, from_json
from app.runs.archive.rebuild import OnShare, Rebuilt
from app.runs.observer import HOME, own_environment

MOST_LINE = 64 << 20  # bytes: the header and the summary of a run of many threads


async def rebuild_apart(source: str, run_id: str | None, folder: Path, on_share: OnShare) -> Rebuilt:
    """As `rebuild`. A descriptor of this process may be named as /proc/self/fd/N."""
    fds = [int(source.rpartition("/")[2])] if source.startswith("/proc/self/fd/") else []
    return Rebuilt.of_json(await _made(_words(source, folder, run_id), on_share, fds))


async def rebuild_timeline_apart(source: str, on_share: OnShare) -> None:
    """As `rebuild_timeline`."""
    await _made(_words(source), on_share)


async def _made(words: Sequence[str], on_share: OnShare, fds: Sequence[int] = ()) -> Any:
    """What came of it, as JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.runs.archive", *words),
        stdout=PIPE,
        limit=MOST_LINE,
        cwd=HOME,
        env=own_environment(),
        pass_fds=fds,
        start_new_session=True,  # Ctrl-C is for who asked
    )
    try:
        return await _heard(process, on_share)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _words(source: str, folder: Path | None = None, run_id: str | None = None) -> tuple[str, ...]:
    path = os.path.abspath(source)
    return (path,) if folder is None else (path, str(folder.resolve()), run_id or "")


async def _heard(process: asyncio.subprocess.Process, on_share: OnShare) -> Any:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        told = json.loads(line)
        if "error" in told:
            raise from_json(told["error"])
        if "rebuilt" in told:
            return told["rebuilt"]
        on_share(told["share"])
    raise GilscopeError(
        f"What read the recording through ended without a word, with {await process.wait()}",
        "Try it again; if it happens again, that is a fault of GILScope worth reporting.",
    )
