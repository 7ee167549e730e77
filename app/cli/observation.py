"""One run watched from this process, without a server: what `run`, `attach` and `record` share."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Annotated, Any

import typer

from app.analysis.figures import figures_of
from app.cli import progress, report
from app.cli.errors import INTERRUPTED
from app.model.errors import GilscopeError, from_json
from app.model.findings import SEVERITIES
from app.model.summary import Summary
from app.runs.live import LiveRun
from app.runs.manager import Manager
from app.runs.recording import Recording
from app.runs.request import DECLARED, RunRequest
from app.runs.settings import Settings

REDRAW_S = 0.25  # on a terminal, where the line is written over
REPEAT_S = 1.0  # in a file or a pipe, where each line stays
FOUND = 5

Json = dict[str, Any]
AsJson = Annotated[bool, typer.Option("--json", help="print the summary as one object")]
Output = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="write the recording here, compressed if named .gz"),
]


def _severity(value: str | None) -> str | None:
    if value is not None and value not in SEVERITIES:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(SEVERITIES)}")
    return value


FailOn = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        callback=_severity,
        help=f"end with status {FOUND} for a finding at or above that severity: {', '.join(SEVERITIES)}",
    ),
]


def asked(name: str) -> Any:
    """The option for a field of a request."""
    return typer.Option(help=DECLARED[name].help)


def observe(request: RunRequest, output: str | None = None) -> tuple[Summary, GilscopeError | None]:
    """Start a run, and show how it goes until it ends or Ctrl-C stops it.

    Returns its summary, and what its recording lacks.
    """
    recording = Recording(output) if output else None
    try:
        summary = asyncio.run(_observe(request, recording))
    finally:
        problem = finished(recording)
    return summary, problem


def finished(recording: Recording | None) -> GilscopeError | None:
    """Close a recording; what it lacks. That does not lose the result, which is shown first."""
    try:
        if recording is not None:
            recording.close()
    except GilscopeError as problem:
        return problem
    return None


def conclude(
    summary: Summary, as_json: bool, fail_on: str | None = None, problem: GilscopeError | None = None
) -> None:
    """Print the result; end with the status that its state asks for, else with that of its findings."""
    run = summary["run"]
    if run["state"] == "stopped" and summary["target"]["pid"] is None:
        raise typer.Exit(INTERRUPTED)
    typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else report.text(summary))
    if run["error"] is not None:
        raise from_json(run["error"])
    if problem is not None:
        raise problem
    judge(summary, fail_on)


def judge(summary: Summary, fail_on: str | None) -> None:
    """End with status FOUND if there is a finding at or above `fail_on`; None is above all."""
    if fail_on is not None:
        grave = SEVERITIES[SEVERITIES.index(fail_on) :]
        codes = [finding["code"] for finding in summary["findings"] if finding["severity"] in grave]
        if codes:
            typer.echo(f"gilscope: found at or above {fail_on}: {', '.join(codes)}.", err=True)
            raise typer.Exit(FOUND)


async def _observe(request: RunRequest, recording: Recording | None) -> Summary:
    manager = Manager(Settings.load(commands=True))
    try:
        run = await manager.start(request, recording)
        _stop_on_signals(run)
        await _show_progress(run)
        return run.summary()
    finally:
        await manager.close()


def _stop_on_signals(run: LiveRun) -> None:
    stops: set[asyncio.Task[None]] = set()  # the loop keeps only weak references to tasks
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: stops.add(loop.create_task(run.stop())))


async def _show_progress(run: LiveRun) -> None:
    on_terminal = sys.stderr.isatty()
    before, after = ("\r\x1b[K", "") if on_terminal else ("", "\n")
    heading = progress.title(run.to_json())
    while not run.ended:
        try:
            await asyncio.wait_for(run.wait(), REDRAW_S if on_terminal else REPEAT_S)
        except TimeoutError:
            line = progress.line(heading, figures_of(run.ledger))
            typer.echo(before + line + after, nl=False, err=True)
    typer.echo(before, nl=False, err=True)
