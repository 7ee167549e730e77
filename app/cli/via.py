"""The option that leads to another machine, or into a container."""

from __future__ import annotations

from typing import Annotated

import typer

Via = Annotated[
    str | None,
    typer.Option(
        "--via",
        metavar="COMMAND",
        help="where the process runs: a command that gives a shell there, such as 'ssh host', "
        "'docker exec -i web' or 'kubectl exec -i web-0 --'",
    ),
]
