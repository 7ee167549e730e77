"""What a program that has no streams of this terminal writes, as its observer tells it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from app.model.frames import Report, decode
from app.runs.feed import Listener

_REPORT = f'{{"type":"{Report.type}"'


def told_output(on_stderr: bool) -> Listener:
    """Writes it here, on standard output unless it is to go to standard error, and says what was left out."""
    stream = sys.stderr if on_stderr else sys.stdout

    def listener(lines: Sequence[str]) -> None:
        for line in lines:
            if line.startswith(_REPORT):
                report = decode(line)
                assert isinstance(report, Report)
                _write(report.data)

    def _write(data: dict[str, object]) -> None:
        dropped = data.get("dropped")
        if dropped:
            typer.echo(f"gilscope: {dropped:,} bytes that it wrote are left out here.", err=True)
        with suppress(BrokenPipeError):  # nobody reads it any more; the result has its own way
            stream.write(str(data.get("output", "")))
            stream.flush()

    return listener
