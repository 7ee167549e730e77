"""A recording read through in a process of its own: nobody else waits for it, nor for the interpreter.

The process is `python -m app.runs.archive`: see __main__.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from app.model.errors import GilscopeError, from_json
from app.runs.archive.rebuild import OnShare, Rebuilt
from app.runs.observer import HOME, own_environment

MOST_LINE = 64 << 20  # bytes: the header and the summary of a run of many threads


async def rebuild_apart(source: str, run_id: str | None, folder: Path, on_share: OnShare) -> Rebuilt:
    """As `rebuild`. A descriptor of this process may be named as /proc/self/fd/N."""
    fds = [int(source.rpartition("/")[2])] if source.startswith("/proc/self/fd/") else []
    process = await asyncio.create_subprocess_exec(
        *_command(source, folder, run_id),
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


async def _heard(process: asyncio.subprocess.Process, on_share: OnShare) -> Rebuilt:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        told = json.loads(line)
        if "error" in told:
            raise from_json(told["error"])
        if "rebuilt" in told:
            return Rebuilt.of_json(told["rebuilt"])
        on_share(told["share"])
    raise GilscopeError(
        f"What read the recording through ended without a word, with {await process.wait()}",
        "Import it again; if it happens again, that is a fault of GILScope worth reporting.",
    )


def _command(source: str, folder: Path, run_id: str | None) -> list[str]:
    words = (os.path.abspath(source), str(folder.resolve()), run_id or "")
    return [sys.executable, "-m", "app.runs.archive", *words]
