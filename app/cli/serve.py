"""`gilscope serve`: the dashboard."""

from __future__ import annotations

import atexit
import html
import os
import shutil
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from app.runs import private, script
from app.runs.settings import Settings

Host = Annotated[str, typer.Option(help="the address to listen on")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")]
TlsCert = Annotated[str | None, typer.Option(metavar="FILE", help="serve HTTPS with this certificate (PEM)")]
TlsKey = Annotated[str | None, typer.Option(metavar="FILE", help="its key, where it is in another file")]
InsecureHttp = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        help="HTTP even where other machines reach it: who is on the way reads the token",
    ),
]
NoCommands = Annotated[
    bool,
    typer.Option("--no-commands", help="workloads of the catalogue alone: no commands, scripts, attaching"),
]
OpenBrowser = Annotated[
    bool | None,
    typer.Option("--open/--no-open", help="open it in a browser [default: where there is a display]"),
]

_DOORWAYS = "gilscope-open-"
_DOORWAY = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>GILScope</title>
<meta http-equiv="refresh" content="0; url={address}">
<p><a href="{address}">Open GILScope</a></p>
</html>
"""


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8642,
    open_browser: OpenBrowser = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    insecure_http: InsecureHttp = False,
    no_commands: NoCommands = False,
) -> None:
    """Start the dashboard, and print an address that lets one browser in."""
    settings = Settings.load(
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure_http=insecure_http or None,
        commands=False if no_commands else None,
    )
    start(settings, host, port, open_browser)


def start(settings: Settings, host: str, port: int, open_browser: bool | None, page: str = "/") -> None:
    """Serve, and print the address of a page, until a signal ends it."""
    # Imported here: a server's libraries take longer to load than the other commands take to answer.
    from app.web.serve import serve as run

    private.sweep(_DOORWAYS)
    private.sweep(script.PREFIX)
    wanted = _has_display() if open_browser is None else open_browser
    run(settings, host, port, on_ready=_open if wanted else None, page=page)


def _has_display() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open(address: str) -> None:
    # In a thread: a browser that runs in the terminal returns only when it is closed.
    threading.Thread(target=webbrowser.open, args=(_doorway(address),), daemon=True).start()


def _doorway(address: str) -> str:
    """The address of a file, for this user's eyes alone, that leads on to `address`.

    Every user of the machine sees what a browser is started with, and the address lets one browser in.
    """
    folder = private.folder(_DOORWAYS)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    page = Path(folder, "open.html")
    page.write_text(_DOORWAY.format(address=html.escape(address)), encoding="utf-8")
    page.chmod(0o600)
    return page.as_uri()
