"""`gilscope serve`: the dashboard."""

from __future__ import annotations

import os
import threading
import webbrowser
from typing import Annotated

import typer

from app.runs.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8642,
    open_browser: Annotated[
        bool | None,
        typer.Option("--open/--no-open", help="open it in a browser [default: where there is a display]"),
    ] = None,
) -> None:
    """Start the dashboard, and print its address."""
    # Imported here: a server's libraries take longer to load than the other commands take to answer.
    from app.web.serve import serve as start

    wanted = _has_display() if open_browser is None else open_browser
    start(Settings.load(), host, port, on_ready=_open if wanted else None)


def _has_display() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _open(address: str) -> None:
    # In a thread: a browser that runs in the terminal returns only when it is closed.
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
