"""`gilscope compare`: two recorded runs, or executors, worker counts and interpreters of a program."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from app.analysis.fail_conditions import FailCondition
from app.cli.compare_runs import compare_runs
from app.cli.experiment import run_experiment
from app.cli.kept import RUN
from app.cli.run import parse_params, workload_names
from app.lab.experiment_plan import REPEATS, SECONDS, ExperimentRequest
from app.model.errors import BadRequest, NotFound
from app.runs import catalogue

LONGEST_NAME = 80

_RUNS = "To compare two recorded runs: `gilscope compare RUN RUN`."
_WORKLOAD = (
    "To compare configurations of a workload: `gilscope compare primes --executors threads,processes`."
)


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WORKLOAD | RUN RUN | WORDS",
            help=f"one workload, to be run; or two recorded runs, each {RUN}; or a recording's file; "
            "with --script the file of a Python program, with --command a command's words, after --",
            autocompletion=workload_names,
        ),
    ],
    executors: Annotated[
        str | None, typer.Option(metavar="E,E...", help="executors of the workload; all unless given")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(metavar="N,N...", help="worker counts; 1 and the number of cores unless given"),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(metavar="VERSION|PATH", help="an interpreter; may be given several times"),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=VALUE", help="one of the workload's parameters"),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            metavar="R", help=f"repetitions of each configuration that count; {REPEATS} unless given"
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help=f"how long each repetition lasts; {SECONDS:g} unless given"),
    ] = None,
    command: Annotated[
        bool,
        typer.Option(
            "--command", help="the words are a command; {workers} and {python} in them are what is varied"
        ),
    ] = False,
    script: Annotated[
        bool, typer.Option("--script", help="the word is the file of a Python program")
    ] = False,
    workers_variable: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="the variable that tells a command how many workers there are"),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="exit with 5 where it holds, such as 'ops_per_s < 0.9x' (of the baseline) or "
            "'threads/2: pss_peak > 500M'; may be given several times",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as one object")] = False,
) -> None:
    """Compare executors, worker counts and interpreters of a workload or a program; or two recorded runs.

    It is run in every configuration, one run at a time in random order. A difference is reported
    only where it is more than the noise between repetitions. Ctrl-C stops, and what was measured until then
    is printed. Of two recorded runs a difference is reported only where the seconds of both, but for a tenth
    of each, do not overlap.
    """
    options = {
        "--executors": executors,
        "--workers": workers,
        "--python": python,
        "--param": param,
        "--repeats": repeats,
        "--seconds": seconds,
        "--workers-variable": workers_variable,
        "--fail-on": fail_on,
    }
    conditions = [_condition(text) for text in fail_on or ()]
    given = [name for name, value in options.items() if value is not None and value != []]
    asked = ExperimentRequest(
        params=parse_params(param or []),
        executors=_listed(executors),
        workers=[_worker_count(word) for word in _listed(workers)],
        workers_variable=workers_variable,
        pythons=python or [],
        seconds=seconds,
        repeats=repeats,
    )
    if command or script:
        run_experiment(_of_program(asked, what, command, script), as_json, conditions)
        return
    if len(what) > 2:
        raise BadRequest(f"{len(what)} names were given to compare", f"{_RUNS} {_WORKLOAD}")
    if len(what) == 2:
        if given:
            raise BadRequest(
                f"{', '.join(given)} only goes with a workload, and two recorded runs were given: "
                f"{' and '.join(what)}",
                f"Leave that out, or give one workload. {_WORKLOAD}",
            )
        compare_runs(what[0], what[1], as_json)
        return
    _refuse_one_run(what[0], bool(given))
    run_experiment(replace(asked, workload=what[0]), as_json, conditions)


def _of_program(asked: ExperimentRequest, what: list[str], command: bool, script: bool) -> ExperimentRequest:
    """The same of a command, or of the program in a file, where this command was called."""
    if command and script:
        raise BadRequest("--command and --script exclude each other", "Give one of them.")
    if command:
        return replace(asked, command=what, cwd=os.getcwd())
    if len(what) != 1:
        raise BadRequest(
            f"--script takes one file, and {len(what)} words were given",
            "What the program reads of its arguments goes with --command.",
        )
    try:
        text = Path(what[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{what[0]} cannot be read: {error}", "Name the file of a Python program.") from None
    return replace(asked, script=text, name=Path(what[0]).name[:LONGEST_NAME], cwd=os.getcwd())


def _condition(text: str) -> FailCondition:
    try:
        return FailCondition.parse(text)
    except ValueError as error:
        raise BadRequest(f"--fail-on: {error}", "docs/experiments.md tells what a condition is.") from None


def _refuse_one_run(name: str, given: bool) -> None:
    """One name without options that is no workload may have been meant as a run."""
    try:
        catalogue.load().get(name)
    except NotFound as error:
        if not given and (os.path.exists(name) or name == "last"):
            raise BadRequest(
                f"Only one recorded run was given: {name}", f"Name a second one. {_RUNS}"
            ) from None
        raise NotFound(error.detail, f"{error.remedy} {_RUNS}", "workload") from None


def _listed(text: str | None) -> list[str]:
    return [word for part in (text or "").split(",") if (word := part.strip())]


def _worker_count(word: str) -> int:
    if not (word.isascii() and word.isdigit()):
        raise BadRequest(
            f"--workers takes whole numbers separated by commas; {word!r} is none",
            "Give, for example, --workers 1,2,4.",
            "workers",
        )
    return int(word)
