"""Pipes in a ring, over which workers of any kind hand on what only one of them may have."""

from __future__ import annotations

import os
import select
import struct
from contextlib import ExitStack
from typing import Any

from app.workloads.context import Context
from app.workloads.passing import Passed

_POLL_S = 0.1
_RECORD = struct.Struct("q")


class Pipe:
    """A pipe of whole numbers. It can be pickled for another process or interpreter."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    def made(cls, resources: ExitStack) -> Pipe:
        """A new one, closed with the resources."""
        pipe = cls(*os.pipe())
        resources.callback(os.close, pipe._reader)
        resources.callback(os.close, pipe._writer)
        return pipe

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (Passed(self._reader), Passed(self._writer))

    def put(self, number: int) -> None:
        """Write one."""
        os.write(self._writer, _RECORD.pack(number))

    def get(self, ctx: Context) -> int | None:
        """Wait for the next; None if it is time to end before one comes.

        Several may wait for the same one: who finds that another was quicker waits on.
        """
        os.set_blocking(self._reader, False)
        while not ctx.stopping:
            if select.select([self._reader], [], [], _POLL_S)[0]:
                try:
                    number: int = _RECORD.unpack(os.read(self._reader, _RECORD.size))[0]
                except BlockingIOError:
                    continue
                return number
        return None
