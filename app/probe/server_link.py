"""The way to the server: messages out, commands in."""

from __future__ import annotations

import os

from app.model.commands import Command, decode
from app.model.frames import Message, encode


class ServerGone(Exception):
    """Standard input ended, or nobody reads the output any more."""


class ServerLink:
    """Two descriptors: commands come by one, messages go out by the other."""

    def __init__(self, commands: int, output: int) -> None:
        self._commands, self._output = commands, output
        self._partial = b""
        self._seq = 0
        os.set_blocking(commands, False)

    def emit(self, message: Message) -> None:
        """Writes one message; ServerGone where nobody reads."""
        data = encode(message, self._seq).encode("utf-8", "replace") + b"\n"
        self._seq += 1
        try:
            while data:
                data = data[os.write(self._output, data) :]
        except BrokenPipeError:
            raise ServerGone from None

    def commands(self) -> list[Command]:
        """What the server has said since the last call."""
        while True:
            try:
                data = os.read(self._commands, 65536)
            except BlockingIOError:
                break
            if not data:
                raise ServerGone
            self._partial += data
        *lines, self._partial = self._partial.split(b"\n")
        return [decode(line) for line in lines if line]
