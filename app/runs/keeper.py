"""The keeper: a process that ends what a server and its observers leave behind when all of them are killed.

An observer whose server dies ends its target and what is below, and a server whose observer dies does it
instead. Where the kernel takes both at once, for want of memory, there is nobody else to do it. Programs of a
terminal are none of its business: they run on without GILScope.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from io import FileIO

from app.runs.observer import HOME, own_environment

logger = logging.getLogger(__name__)


class Keeper:
    """The keeper of one server, or of one command; started with the first run that needs it."""

    def __init__(self) -> None:
        self._pipe: asyncio.WriteTransport | None = None
        self._told: list[bytes] | None = []  # before it was there
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Have it there. Where it cannot be started, runs go on without."""
        async with self._starting:
            if self._told is None:
                return
            # asyncio closes the pipes of a process that has ended, as this one does at once: its child stays.
            reader, writer = os.pipe()
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "app.runs.keeping"),
                    stdin=reader,
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                    cwd=HOME,
                    env=own_environment(),
                )
            except OSError as error:
                os.close(writer)
                self._told = None
                logger.warning("what runs start may outlive a kill of all of GILScope: %s", error)
                return
            finally:
                os.close(reader)
            loop = asyncio.get_running_loop()
            self._pipe, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, FileIO(writer, "wb"))
            told, self._told = self._told, None
            self._pipe.write(b"".join(told))
            await process.wait()

    def observer(self, run_id: str, pid: int) -> None:
        """The observer of a run."""
        self._tell(f"observer {run_id} {pid}\n")

    def note(self, run_id: str, pid: int) -> None:
        """A process of a run's tree."""
        self._tell(f"note {run_id} {pid}\n")

    def forget(self, run_id: str) -> None:
        """A run has ended, and nothing of it is left."""
        self._tell(f"forget {run_id}\n")

    async def close(self) -> None:
        """All runs have ended, and so does it."""
        async with self._starting:
            self._told = None
            if self._pipe is not None:
                self._pipe.close()

    def _tell(self, line: str) -> None:
        if self._told is not None:
            self._told.append(line.encode())
        elif self._pipe is not None and not self._pipe.is_closing():
            self._pipe.write(line.encode())
