"""`gilscope attach`: a process that runs already, watched without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.observation import AsJson, FailOn, Output, asked, conclude, observe
from app.cli.via import Via
from app.runs.request import DECLARED, RunRequest


def attach(
    pid: Annotated[
        int, typer.Argument(help=f"{DECLARED['attach_pid'].help} `gilscope ps` lists those that run.")
    ],
    seconds: Annotated[float | None, asked("seconds")] = None,
    via: Via = None,
    output: Output = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Observe a process that runs, and print what was measured.

    Nothing is injected, nothing stopped: the process lives on when the observation ends. With --via the
    observer is sent to another machine or into a container, and the pid is the process's own there. A line
    that is cut is tried again for two minutes.
    """
    summary, problem = observe(RunRequest(attach_pid=pid, seconds=seconds, via=via), output)
    conclude(summary, as_json, fail_on, problem)
