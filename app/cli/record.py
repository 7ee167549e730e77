"""`gilscope record`: a command in the foreground, as if it had been started without GILScope."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import typer

from app.cli import report
from app.cli.errors import describe
from app.cli.foreground import Lent, Signals
from app.cli.observation import AsJson, FailOn, Output, asked, finished, judge
from app.cli.output import to_here
from app.cli.via import Via
from app.model.errors import GilscopeError, TargetFailed, from_json
from app.model.summary import Summary
from app.runs.adopted import adopt_orphans
from app.runs.live import LiveRun
from app.runs.manager import Manager
from app.runs.recording import Recording
from app.runs.request import RunRequest
from app.runs.settings import Settings

logger = logging.getLogger(__name__)

_STDIN, _STDOUT = 0, 1


def record(
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="the program and its arguments")
    ],
    seconds: Annotated[float | None, asked("seconds")] = None,
    via: Via = None,
    output: Output = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Run a command, observed, and end with its exit status, or with that of the findings where it is 0.

    Its standard streams are this terminal's; the result follows on standard error when it has ended. With
    --json the result is on standard output, alone: what the command writes there goes to standard error.

    With --via it runs on another machine or in a container, in the folder and environment that a shell there
    has, with an empty standard input; what it writes comes here, both streams on one. A line that is cut is
    tried again for two minutes; then it ends.
    """
    lent = None if via is not None else Lent((0, 2, 2) if as_json else (0, 1, 2))
    recording = Recording(output) if output else None
    request = RunRequest(command=command, seconds=seconds, via=via)
    if lent is not None:
        request = replace(request, stdio=lent.stdio, fds=lent.further)
    adopt_orphans()
    run = asyncio.run(_observe(request, recording, lent, as_json))
    by_itself = run.state in ("finished", "failed") and run.exit_code is not None
    problems = _problems(run, by_itself)
    summary = _show(run, as_json, problems)
    incomplete = finished(recording)
    if incomplete is not None:
        problems.append(incomplete)
    if run.error is not None and run.exit_code is None:
        raise problems[0]
    for problem in problems:
        with suppress(OSError):
            typer.echo(describe(problem), err=True)
    if by_itself and run.exit_code:
        raise typer.Exit(exit_status(run.exit_code))
    if summary is not None:
        judge(summary, fail_on)


def exit_status(exit_code: int) -> int:
    """As a shell says it: 128 and the signal's number for a command that a signal ended."""
    return 128 - exit_code if exit_code < 0 else exit_code


def _problems(run: LiveRun, by_itself: bool) -> list[GilscopeError]:
    """What went wrong besides the command itself, whose failure is in the result."""
    if run.error is None:
        return []
    error = from_json(run.error)
    return [] if by_itself and isinstance(error, TargetFailed) else [error]


def _show(run: LiveRun, as_json: bool, problems: list[GilscopeError]) -> Summary | None:
    """Print the result; whatever is wrong with it is a problem, and does not lose the exit status."""
    summary = None
    try:
        summary = run.summary()
        text = json.dumps(summary, ensure_ascii=False) if as_json else report.text(summary)
        typer.echo(text, err=not as_json)
    except OSError as error:
        problems.append(GilscopeError(f"The result could not be written: {error.strerror or error}"))
    except Exception as fault:
        logger.exception("the result of %s", run.plan.name)
        problems.append(GilscopeError(f"The result could not be computed: {fault!r}"))
    return summary


async def _observe(
    request: RunRequest, recording: Recording | None, lent: Lent | None, as_json: bool
) -> LiveRun:
    with Signals.passed_on() as signals:
        return await _observed(request, recording, lent, as_json, signals)


async def _observed(
    request: RunRequest, recording: Recording | None, lent: Lent | None, as_json: bool, signals: Signals
) -> LiveRun:
    manager = Manager(Settings.load(commands=True))
    try:
        told = None if lent is not None else to_here(as_json)
        run = await manager.start(request, recording, None if told is None else told.hear)
        if lent is not None:
            lent.let_go(_STDIN, *([] if as_json else [_STDOUT]))
        signals.are_for(run)
        await run.wait()
        if told is not None:
            await asyncio.to_thread(told.close)
    finally:
        try:
            await manager.close()
        except Exception:  # the command's exit status is worth more than what could not be stored of it
            logger.exception("the archive could not be closed")
    return run
