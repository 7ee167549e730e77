"""`gilscope dask`: the workers of a Dask cluster, watched as one run, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.observation import AsJson, FailOn, Output, asked, conclude, observe
from app.runs.request import RunRequest


def dask(
    scheduler: Annotated[
        str, typer.Argument(metavar="SCHEDULER", help="the scheduler's address, such as tcp://10.0.0.5:8786")
    ],
    seconds: Annotated[float | None, asked("seconds")] = None,
    output: Output = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Observe every worker of a running Dask cluster as one run, and print what was measured.

    A plugin of Dask's own starts an observer beside each worker, and takes all of them away at the end: the
    cluster runs on.
    """
    summary, problem = observe(RunRequest(scheduler=scheduler, seconds=seconds), output)
    conclude(summary, as_json, fail_on, problem)
