"""What a program that has no streams of this terminal writes, as its observer tells it."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence
from typing import TextIO

import typer

from app.model import units
from app.model.frames import FarLine, Report, decode

_TOLD = (f'{{"type":"{Report.type}"', f'{{"type":"{FarLine.type}"')
_END = None


class ToldOutput:
    """Writes it to a stream, in a thread: whoever reads that may take as long as he likes.

    What was left out is said on standard error, and when the line there is cut and is back. Where nothing
    more can be written that is said once, and the program goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told: queue.SimpleQueue[Report | FarLine | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    def hear(self, lines: Sequence[str]) -> None:
        """Messages as the observer wrote them."""
        for line in lines:
            if line.startswith(_TOLD):
                message = decode(line)
                assert isinstance(message, Report | FarLine)
                self._told.put(message)

    def close(self) -> None:
        """Returns once all is written that was heard."""
        self._told.put(_END)
        self._thread.join()

    def _write_all(self) -> None:
        can_write, is_cut = True, False
        while (report := self._told.get()) is not _END:
            if isinstance(report, FarLine):
                said = of_line(report, is_cut)
                is_cut = report.state == "cut" or (is_cut and report.state != "back")
                if said:
                    typer.echo(f"gilscope: {said}", err=True)
                continue
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


def of_line(line: FarLine, is_cut: bool) -> str:
    """What is said of the line, `is_cut`: which is cut already; else empty."""
    if line.state == "cut":
        return "" if is_cut else f"the line is cut, trying again: {line.detail}."
    if line.state == "back":
        lost = f"{line.messages:,} messages were dropped there" if line.messages else "nothing was lost"
        return f"the line is back after {units.seconds(line.length_us / 1e6)}; {lost}."
    return f"the line is not tried any more: {line.detail}." if line.state == "gone" else ""


def to_here(as_json: bool) -> ToldOutput:
    """On standard output, or on standard error where that is for the result."""
    return ToldOutput(sys.stderr if as_json else sys.stdout)
