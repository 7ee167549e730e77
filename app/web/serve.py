"""Run the server: bind, serve, say where it is."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from app.model.errors import BadRequest, Conflict
from app.runs.manager import Manager
from app.runs.settings import Settings
from app.web.application import create_app
from app.web.blocks import map_large_blocks

WILDCARDS = frozenset({"0.0.0.0", "::"})
# Above it, a viewer that never reads would hold up the server's end for ever.
GRACEFUL_SHUTDOWN_S = 2


def serve(
    settings: Settings,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    manager: Manager | None = None,
    page: str = "/",
) -> None:
    """Serve until SIGINT or SIGTERM; port 0 is any free one. `manager` is one of one's own.

    Once it answers, prints one line with its whole address, the token included, and calls `on_ready` with
    that address, which is that of `page`. Conflict where the port is in use, BadRequest where the address
    cannot be bound.
    """
    token = settings.token or secrets.token_urlsafe(24)
    hosts = settings.allowed_hosts if host in WILDCARDS else (*settings.allowed_hosts, _in_url(host).lower())
    listener = _bind(host, port)
    address = f"http://{_reachable(host)}:{listener.getsockname()[1]}{page}?token={token}"

    def ready() -> None:
        sys.stdout.write(f"GILScope is at {address}\n")
        sys.stdout.flush()
        if on_ready is not None:
            on_ready(address)

    map_large_blocks()
    app = create_app(replace(settings, token=token, allowed_hosts=hosts), manager)
    with listener, contextlib.suppress(KeyboardInterrupt):
        Server(app, ready).run(sockets=[listener])


class Server(uvicorn.Server):
    """uvicorn as this application needs it; calls `ready` once it answers."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # ten times the cost of encoding, and once for each viewer
            log_level="warning",
            access_log=False,  # addresses hold the token
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        )
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {port} of {host} is in use by another program",
                "Stop that program, or choose another port with --port (0: any free one).",
                field="port",
            ) from error
        # Of a failed bind asyncio's own text is longer than the reason; of a failed look-up errno is none.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise BadRequest(
            f"The server cannot listen on {host} port {port}: {why}",
            "Choose another address with --host and --port.",
            field="host",
        ) from error


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in WILDCARDS else _in_url(host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
