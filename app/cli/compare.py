"""`gilscope compare`: two recorded runs, or executors, worker counts and interpreters of a workload."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from app.cli.compare_runs import compare_runs
from app.cli.experiment import run_experiment
from app.cli.kept import RUN
from app.cli.run import parse_params, workload_names
from app.lab.experiment_plan import REPEATS, SECONDS, ExperimentRequest
from app.model.errors import BadRequest, NotFound
from app.runs import catalogue

_RUNS = "To compare two recorded runs: `gilscope compare RUN RUN`."
_WORKLOAD = (
    "To compare configurations of a workload: `gilscope compare primes --executors threads,processes`."
)


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WORKLOAD | RUN RUN",
            help=f"one workload, to be run; or two recorded runs, each {RUN}; or a recording's file",
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
    as_json: Annotated[bool, typer.Option("--json", help="print the result as one object")] = False,
) -> None:
    """Compare executors, worker counts and interpreters of a workload; or two recorded runs.

    A workload is run in every configuration, one run at a time in random order. A difference is reported
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
    }
    given = [name for name, value in options.items() if value is not None and value != []]
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
    asked = ExperimentRequest(
        workload=what[0],
        params=parse_params(param or []),
        executors=_listed(executors),
        workers=[_worker_count(word) for word in _listed(workers)],
        pythons=python or [],
        seconds=seconds,
        repeats=repeats,
    )
    run_experiment(asked, as_json)


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
