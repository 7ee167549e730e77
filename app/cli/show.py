"""`gilscope show`: the result of a run that was recorded."""

from __future__ import annotations

import json

import typer

from app.cli import report
from app.cli.kept import RunOrFile, opened
from app.cli.observation import AsJson


def show(run: RunOrFile, as_json: AsJson = False) -> None:
    """Print the result of a recorded run, or of a recording in a file, as it was when the run ended."""
    with opened(run) as stored:
        summary = stored.summary()
    typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else report.text(summary))
