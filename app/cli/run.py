"""`gilscope run`: a workload of the catalogue, watched from this process, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.observation import AsJson, FailOn, Output, asked, conclude, observe
from app.model.errors import BadRequest, TargetFailed
from app.runs import catalogue
from app.runs.request import DECLARED, RunRequest


def workload_names() -> list[str]:
    """For the shell to complete."""
    return [spec.name for spec in catalogue.load().workloads]


def run(
    workload: Annotated[str, typer.Argument(help=DECLARED["workload"].help, autocompletion=workload_names)],
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="one of its parameters")
    ] = None,
    executor: Annotated[str | None, asked("executor")] = None,
    workers: Annotated[int | None, asked("workers")] = None,
    seconds: Annotated[float | None, asked("seconds")] = None,
    python: Annotated[str | None, asked("python")] = None,
    output: Output = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
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
    summary, problem = observe(request, output)
    timed_out = summary["run"]["state"] == "timed_out"
    conclude(summary, as_json, None if timed_out else fail_on, problem)
    if timed_out:
        raise TargetFailed("The workload did not end when its time was over, and was ended")


def parse_params(assignments: list[str]) -> dict[str, str]:
    """["a=1", "b=x=y"] as {"a": "1", "b": "x=y"}; the catalogue reads the values."""
    params: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            raise BadRequest(
                f"{assignment!r} is not NAME=VALUE", "Write, for example, -p switch_interval_ms=1."
            )
        if name in params:
            raise BadRequest(f"{name} is given twice", "Give each parameter once.", field=f"params.{name}")
        params[name] = value
    return params
