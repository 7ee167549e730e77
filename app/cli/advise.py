"""`gilscope advise`: would something help? Of a process, a recorded run, or a command."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from contextlib import suppress
from typing import Annotated

import typer

from app.analysis.forecast.advice import advice
from app.cli.kept import RUN, opened
from app.cli.observation import FOUND, observe
from app.cli.report_advice import text
from app.lab.advice import advise as advise_of
from app.lab.advice import replayed
from app.model.errors import NotFound, from_json
from app.model.forecast import Advice
from app.runs.recording import read
from app.runs.request import RunRequest

SECONDS = 5.0  # of a process or a command, unless told otherwise


def advise(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="PID | RUN | -- COMMAND...",
            help=f"a process that runs; or a recorded run, {RUN}, or a recording's file; or a command",
        ),
    ],
    seconds: Annotated[
        float | None,
        typer.Option(help=f"how long to observe a process or a command; {SECONDS:g} unless given"),
    ] = None,
    fail_on: Annotated[
        float | None,
        typer.Option(
            "--fail-on",
            metavar="FACTOR",
            min=1.0,
            help=f"end with status {FOUND} where even the low end of a forecast is so much, such as 1.5",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as one object")] = False,
) -> None:
    """Say what would help a program: free-threading, processes, threads, or a function made faster.

    A process or a command is observed for some seconds, of which a command's output is not shown; a run that
    was recorded is judged at once. What is said is a forecast: `gilscope compare` measures.
    """
    answer = _advice(what, seconds)
    typer.echo(json.dumps(answer, ensure_ascii=False) if as_json else text(answer))
    _judge(answer, fail_on)


def _advice(what: list[str], seconds: float | None) -> Advice:
    if len(what) == 1:
        (word,) = what
        if word.isascii() and word.isdigit() and os.path.exists(f"/proc/{word}"):
            return _observed(RunRequest(attach_pid=int(word), seconds=seconds or SECONDS))
        recording = os.path.isfile(word) and not os.access(word, os.X_OK)
        if recording or not shutil.which(word):
            return _of_recorded(word)
        with suppress(NotFound):  # a run may be called as a program is
            return _of_recorded(word)
    return _observed(RunRequest(command=what, seconds=seconds or SECONDS))


def _of_recorded(name: str) -> Advice:
    with opened(name) as run:
        return asyncio.run(advise_of(run))


def _observed(request: RunRequest) -> Advice:
    with tempfile.TemporaryDirectory(prefix="gilscope-") as folder:
        file = os.path.join(folder, "run.jsonl")
        summary, problem = observe(request, file)
        if summary["run"]["error"] is not None and not summary["threads"]:
            raise from_json(summary["run"]["error"])
        if problem is not None:
            raise problem
        return advice(summary, replayed(read(file)))


def _judge(answer: Advice, fail_on: float | None) -> None:
    """End with status FOUND where a forecast's low end is `fail_on` or more; None is above all."""
    if fail_on is None:
        return
    found = [
        row["choice"]
        for row in answer["forecast"]["rows"]
        if row["throughput"] is not None and row["throughput"]["low"] >= fail_on
    ]
    if found:
        typer.echo(
            f"gilscope: foretold to give {fail_on:g} times as much or more: {', '.join(found)}.", err=True
        )
        raise typer.Exit(FOUND)
