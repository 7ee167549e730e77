"""`gilscope exporter`: metrics of processes that run, for Prometheus, and no dashboard."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from app.cli.serve import TlsCert, TlsKey
from app.model.errors import BadRequest
from app.model.spec import Sampling
from app.runs.settings import Settings

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="PID|NAME...",
        help="a process, or the name of a program (gunicorn, worker.py): all processes of it, those that "
        "come later too",
    ),
]
Listen = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="the address to listen on; :9642 is all of this machine's")
]
Hz = Annotated[float, typer.Option("--hz", help="samples of the GIL and of active threads a second")]
Recorded = Annotated[
    bool, typer.Option("--record", help="keep each observation as a run in the data directory, with stacks")
]

_LISTEN = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]*):(?P<port>[0-9]{1,5})")
_USUAL = Sampling()


def exporter(
    targets: Targets,
    listen: Listen = "127.0.0.1:9642",
    hz: Hz = _USUAL.gil_hz,
    recorded: Recorded = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
) -> None:
    """Observe processes that run, and serve their metrics for Prometheus, without a dashboard.

    It ends a minute after the last of the processes; with a name it waits for the next one instead. Where
    GILSCOPE_TOKEN or GILSCOPE_LOOK_TOKEN is set, scrapers need it.
    """
    # Imported here, as of `serve`: a server's libraries take long to load.
    from app.web.exporter import ToObserve, serve

    address = _LISTEN.fullmatch(listen)
    if address is None or int(address["port"]) > 65535:
        raise BadRequest(f"{listen!r} is no HOST:PORT", "Such as 127.0.0.1:9642, or :9642.", "listen")
    pids = [target for target in targets if target.isascii() and target.isdigit()]
    names = [target for target in targets if target not in pids]
    sampling = Sampling(gil_hz=hz, stacks_hz=_USUAL.stacks_hz if recorded else 0.0)
    watched = ToObserve([int(pid) for pid in pids], names, sampling, recorded)
    settings = Settings.load(tls_cert=tls_cert, tls_key=tls_key)
    serve(settings, address["host"].strip("[]") or "0.0.0.0", int(address["port"]), watched, _say)


def _say(sentence: str) -> None:
    typer.echo(f"gilscope: {sentence}", err=True)
