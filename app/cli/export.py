"""`gilscope export`: a run in a format of another tool."""

from __future__ import annotations

import sys
from typing import Annotated, BinaryIO

import typer

from app.cli.kept import RunOrFile, opened
from app.exporters import EXPORTERS
from app.exporters.exporter import Exporter
from app.lab import export as exports
from app.model.errors import BadRequest
from app.runs.record import RunRecord

FORMATS = ", ".join(f"{exporter.name} ({exporter.suffix})" for exporter in EXPORTERS)
Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        metavar="FORMAT",
        help=f"one of {FORMATS}",
        autocompletion=lambda: [exporter.name for exporter in EXPORTERS],
    ),
]
Output = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="write it here; - is the standard output")
]


From = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="S", help="html opens at this time, in seconds from the start, with figures of it"
    ),
]
To = Annotated[float | None, typer.Option(min=0, metavar="S", help="up to this one")]


def export(
    run: RunOrFile, format: Format, output: Output = None, from_s: From = None, to_s: To = None
) -> None:
    """Write a recorded run, or a recording in a file, for another tool to open."""
    exporter = exports.exporter_of(format)
    span = exports.span_of(*(None if s is None else round(s * 1e6) for s in (from_s, to_s)))
    with opened(run) as stored:
        path = output or exports.file_name(stored.to_json(), exporter)
        if path == "-":
            _write(stored, exporter, span, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        try:
            with open(path, "wb") as file:
                _write(stored, exporter, span, file)
        except OSError as error:
            raise BadRequest(
                f"{path} cannot be written: {error.strerror}", "Name another file with -o.", field="output"
            ) from error
    typer.echo(path)


def _write(run: RunRecord, exporter: Exporter, span: exports.Span | None, file: BinaryIO) -> None:
    for piece in exports.export(run, exporter, span):
        file.write(piece)
