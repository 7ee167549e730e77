"""`gilscope run`: a workload of the catalogue, watched from this process, without a server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Annotated, Any

import typer

from app.cli import progress, report
from app.model.errors import BadRequest, TargetFailed, from_json
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.run import Run
from app.runs.settings import Settings

REDRAW_S = 0.25  # on a terminal, where the line is written over
REPEAT_S = 1.0  # in a file or a pipe, where each line stays
INTERRUPTED = 130  # as a shell says it of a program that SIGINT ended


def run(
    workload: Annotated[str, typer.Argument(help="its name; `gilscope workloads` lists them")],
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="one of its parameters")
    ] = None,
    executor: Annotated[str | None, typer.Option(help="sequential, threads or processes")] = None,
    workers: Annotated[int | None, typer.Option(help="how many workers")] = None,
    seconds: Annotated[float | None, typer.Option(help="how long")] = None,
    python: Annotated[
        str | None,
        typer.Option(metavar="VERSION|PATH", help="as `gilscope pythons` lists them"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as one object")] = False,
) -> None:
    """Run a workload and print what was measured.

    Ctrl-C stops the run, and what was measured until then is printed.
    """
    request = RunRequest(
        workload=workload,
        params=parse_params(param or []),
        executor=executor,
        workers=workers,
        seconds=seconds,
        python=python,
    )
    summary = asyncio.run(_observe(request, Settings.load()))
    _conclude(summary, as_json)


def parse_params(assignments: list[str]) -> dict[str, str]:
    """["a=1", "b=x=y"] as {"a": "1", "b": "x=y"}; the catalogue reads the values."""
    params: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise BadRequest(f"{assignment!r} is not NAME=VALUE", "Write, for example, -p cpu_threads=3.")
        if name in params:
            raise BadRequest(f"{name} is given twice", "Give each parameter once.", field=f"params.{name}")
        params[name] = value
    return params


async def _observe(request: RunRequest, settings: Settings) -> dict[str, Any]:
    """Start the run, show how it goes until it ends, and return its summary."""
    manager = Manager(settings)
    try:
        run = await manager.start(request)
        _stop_on_signals(run)
        await _show_progress(run)
        return run.summary()
    finally:
        await manager.close()


def _stop_on_signals(run: Run) -> None:
    stops: set[asyncio.Task[None]] = set()  # the loop keeps only weak references to tasks
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: stops.add(loop.create_task(run.stop())))


async def _show_progress(run: Run) -> None:
    on_terminal = sys.stderr.isatty()
    before, after = ("\r\x1b[K", "") if on_terminal else ("", "\n")
    heading = progress.title(run.to_json())
    while not run.ended:
        try:
            await asyncio.wait_for(run.wait(), REDRAW_S if on_terminal else REPEAT_S)
        except TimeoutError:
            line = progress.line(heading, run.ledger.figures())
            typer.echo(before + line + after, nl=False, err=True)
    typer.echo(before, nl=False, err=True)


def _conclude(summary: dict[str, Any], as_json: bool) -> None:
    """Print the result; end with the status that its state asks for."""
    run = summary["run"]
    if run["state"] == "stopped" and summary["target"]["pid"] is None:
        raise typer.Exit(INTERRUPTED)
    typer.echo(json.dumps(summary, ensure_ascii=False) if as_json else report.text(summary))
    if run["error"] is not None:
        raise from_json(run["error"])
    if run["state"] == "timed_out":
        raise TargetFailed("The workload did not end when its time was over, and was ended")
