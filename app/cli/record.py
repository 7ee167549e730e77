"""`gilscope record`: a command in the foreground, as if it had been started without GILScope."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Annotated

import typer

from app.cli import report
from app.cli.observation import AsJson, FailOn, Json, Output, judge
from app.model.errors import from_json
from app.runs.manager import Manager
from app.runs.recording import Recording
from app.runs.request import RunRequest
from app.runs.settings import Settings

# Sent to one process, they are for the command. What a terminal sends goes to its whole foreground group,
# the command included, and must not reach it twice.
PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

_ABOVE_STANDARD = 3

Streams = tuple[int, int, int]


def record(
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="the program and its arguments")
    ],
    seconds: Annotated[
        float | None, typer.Option(help="end it after so many; else it ends by itself")
    ] = None,
    output: Output = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Run a command, observed, and end with its exit status, or with that of the findings where it is 0.

    Its standard streams are this terminal's; the result follows on standard error when it has ended. With
    --json the result is on standard output, alone: what the command writes there goes to standard error.
    """
    with (
        closing(Recording(output)) if output else nullcontext() as recording,
        _duplicated((0, 2, 2) if as_json else (0, 1, 2)) as streams,
    ):
        request = RunRequest(command=command, seconds=seconds, stdio=streams)
        summary = asyncio.run(_observe(request, recording))
    run = summary["run"]
    typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else report.text(summary), err=not as_json)
    if run["error"] is not None:
        raise from_json(run["error"])
    if run["state"] != "finished" or run["exit_code"] == 0:
        judge(summary, fail_on)
    if run["state"] == "finished":
        raise typer.Exit(exit_status(run["exit_code"]))


def exit_status(exit_code: int) -> int:
    """As a shell says it: 128 and the signal's number for a command that a signal ended."""
    return 128 - exit_code if exit_code < 0 else exit_code


async def _observe(request: RunRequest, recording: Recording | None) -> Json:
    manager = Manager(Settings.load())
    try:
        run = await manager.start(request, recording)
        loop = asyncio.get_running_loop()
        for number in PASSED_ON:
            loop.add_signal_handler(number, run.signal, number)
        for number in FROM_TERMINAL:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, _pass_on_unless_at_terminal, run.signal, number)
        await run.wait()
        return run.summary()
    finally:
        await manager.close()


def _pass_on_unless_at_terminal(send: Callable[[int], None], number: int) -> None:
    if not _in_foreground():
        send(number)


def _in_foreground() -> bool:
    """Whether this process's group is the one to which its terminal sends signals."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # there is none, or it was closed
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


@contextmanager
def _duplicated(descriptors: Streams) -> Iterator[Streams]:
    """Copies of the descriptors, which the observer hands on; /dev/null for one that is closed."""
    copies: list[int] = []
    try:
        for descriptor in descriptors:
            copies.append(_copy(descriptor))
        yield copies[0], copies[1], copies[2]
    finally:
        for copy in copies:
            os.close(copy)


def _copy(descriptor: int) -> int:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD)
    except OSError:
        # The lowest free descriptor may be a standard one, which the observer's own pipes would take.
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            return fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD)
        finally:
            os.close(null)
