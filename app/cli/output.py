"""What a program that has no streams of this terminal writes, as its observer tells it."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

import typer

from app.model.frames import Report, decode

_REPORT = f'{{"type":"{Report.type}"'
_END = None


class ToldOutput:
    """Writes it to a stream, in a thread: whoever reads that may take as long as he likes.

    What was left out is said on standard error. Where nothing more can be written that is said once, and the
    program goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    def hear(self, lines: Sequence[str]) -> None:
        """Messages as the observer wrote them."""
        for line in lines:
            if line.startswith(_REPORT):
                message = decode(line)
                assert isinstance(message, Report)
                self._told.put(message)

    def close(self) -> None:
        """Returns once all is written that was heard."""
        self._told.put(_END)
        self._thread.join()

    def _write_all(self) -> None:
        can_write = True
        while (report := self._told.get()) is not _END:
            dropped = report.data.get("dropped")
            if dropped:
                typer.echo(f"gilscope: {dropped:,} bytes that it wrote are left out here.", err=True)
            if can_write:
                can_write = self._write(report.data.get("output", ""))

    def _write(self, text: str) -> bool:
        try:
            self._stream.buffer.write(text.encode(self._stream.encoding, "replace"))
            self._stream.buffer.flush()
        except BrokenPipeError:
            return False  # nobody reads it any more
        except OSError as error:
            typer.echo(f"gilscope: what it writes is not shown any more: {error.strerror}.", err=True)
            return False
        return True


def to_here(as_json: bool) -> ToldOutput:
    """On standard output, or on standard error where that is for the result."""
    return ToldOutput(sys.stderr if as_json else sys.stdout)
