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


class Pipe:
    """A pipe of records of whole numbers. It can be pickled for another process or interpreter."""

    def __init__(self, reader: int, writer: int, numbers: int) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = numbers
        self._record = struct.Struct(f"{numbers}q")

    @classmethod
    def made(cls, resources: ExitStack, numbers: int = 1) -> Pipe:
        """A new one, of records of so many numbers, closed with the resources."""
        pipe = cls(*os.pipe(), numbers)
        resources.callback(os.close, pipe._reader)
        resources.callback(os.close, pipe._writer)
        return pipe

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (Passed(self._reader), Passed(self._writer), self._numbers)

    def put(self, *numbers: int) -> None:
        """Write a record."""
        os.write(self._writer, self._record.pack(*numbers))

    def get(self, ctx: Context) -> tuple[int, ...] | None:
        """Wait for the next; None if it is time to end before one comes.

        Several may wait for the same one: who finds that another was quicker waits on.
        """
        os.set_blocking(self._reader, False)
        while not ctx.stopping:
            if select.select([self._reader], [], [], _POLL_S)[0]:
                try:
                    record = os.read(self._reader, self._record.size)
                except BlockingIOError:
                    continue
                return self._record.unpack(record)
        return None
