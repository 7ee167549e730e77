"""Run the server: bind, serve, say where it is."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import assets
from app.model.errors import BadRequest, Conflict
from app.model.priority import come_first
from app.runs import delegated
from app.runs.garbage import collect_seldom
from app.runs.malloc import map_large_blocks
from app.runs.manager import Manager
from app.runs.settings import Settings
from app.web.application import create_app
from app.web.connections import Listener, Peers, Strangers, accepted_at_once
from app.web.quiet import keep_quiet
from app.web.sessions import Sessions, path_for
from app.web.sockets import SocketProtocol

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
WILDCARDS = frozenset({"0.0.0.0", "::"})
# Above it, a viewer that never reads would hold up the server's end for ever.
GRACEFUL_SHUTDOWN_S = 2
_BINDS = 10  # a port that is free at one address may be in use at the other


def serve(
    settings: Settings,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    manager: Manager | None = None,
    page: str = "/",
) -> None:
    """Serve until SIGINT or SIGTERM; port 0 is any free one. `manager` is one of one's own.

    Once it answers, prints one line with its whole address, which lets one browser in, and calls `on_ready`
    with that address, which is that of `page`. Prints another when somebody comes whom it does not know.
    Conflict where the port is in use, BadRequest where the address cannot be bound, where the certificate
    cannot be used, and where other machines would reach it by HTTP, unless the settings say so.

    On 127.0.0.1 it listens at an address of its own too, and prints that: see docs/decisions/0017.
    """
    token = settings.token or secrets.token_urlsafe(24)
    if token == settings.look_token:
        raise BadRequest(
            "GILSCOPE_LOOK_TOKEN is GILSCOPE_TOKEN: who has it would do more than look",
            "Choose another.",
            field="GILSCOPE_LOOK_TOKEN",
        )
    tls = tls_context(settings)
    if tls is None and not settings.insecure_http and not is_loopback(host):
        raise BadRequest(
            f"Other machines reach {host}, and by HTTP whoever is on the way reads the token, with which "
            "programs are started",
            "Give --tls-cert and --tls-key, or --insecure-http where the network is your own.",
            field="host",
        )
    # A certificate is for a name, and not for an address that changes with the token.
    own = host == LOOPBACK and tls is None
    shown = own_address(token) if own else _reachable(host, settings.allowed_hosts)
    hosts = settings.allowed_hosts if host in WILDCARDS else (*settings.allowed_hosts, shown.lower())
    listeners = _bind_all([host, shown] if own else [host], port)
    sessions = Sessions(path_for(settings.home, token) if settings.token else None)
    scheme = "http" if tls is None else "https"
    invite = Invitation(sessions, f"{scheme}://{shown}:{listeners[0].getsockname()[1]}{page}")

    def ready() -> None:
        address = invite()
        if on_ready is not None and address is not None:
            on_ready(address)

    _tell_of_changed_sources()
    map_large_blocks()
    come_first()
    delegated.enter()
    app = create_app(replace(settings, token=token, allowed_hosts=hosts), manager, sessions, invite)
    with contextlib.ExitStack() as open_listeners, contextlib.suppress(KeyboardInterrupt):
        for listener in listeners:
            open_listeners.enter_context(listener)
        Server(app, ready, tls=tls).run(listeners)


def _tell_of_changed_sources() -> None:
    """Log what to do where the pages come as their sources, a hundred files for one."""
    if assets.bundle() is None:
        logger.warning(
            "The sources of the pages have changed since they were bundled, so pages load slowly: "
            "`make serve` or `pip install --editable .` bundles them anew"
        )


class Invitation:
    """Prints an address that lets one browser in, unless the last one still does."""

    def __init__(self, sessions: Sessions, page: str) -> None:
        self._sessions = sessions
        self._page = page
        self._code = ""

    def __call__(self) -> str | None:
        """The address that was printed, if any."""
        if self._sessions.works(self._code):
            return None
        self._code = self._sessions.code()
        address = f"{self._page}?code={self._code}"
        sys.stdout.write(f"GILScope is at {address}\n")
        sys.stdout.flush()
        return address


def own_address(token: str) -> str:
    """An address of 127.0.0.0/8 that a server of that token has to itself.

    Cookies know no port: what is served at another port of 127.0.0.1 would get this server's. It is the same
    after a restart with the same token, so that browsers come back.
    """
    digest = hashlib.sha256(b"gilscope address " + token.encode()).digest()
    return f"127.{64 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 254}"


class Server(uvicorn.Server):
    """uvicorn as this application needs it; calls `ready` once it answers."""

    def __init__(
        self,
        app: ASGIApp,
        ready: Callable[[], None],
        strangers: Strangers | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._strangers = strangers or Strangers()
        config = uvicorn.Config(
            Peers(ProxyHeadersMiddleware(app), self._strangers),  # type: ignore[arg-type]  # uvicorn's are narrower
            proxy_headers=False,  # they are read behind Peers
            loop="asyncio",  # which accepts by the method of Listener
            backlog=accepted_at_once(),
            ws=SocketProtocol,
            ws_per_message_deflate=False,  # once for each viewer; see SocketProtocol
            log_level="warning",
            access_log=False,  # addresses hold entrance codes
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
            ssl_context_factory=None if tls is None else lambda config, default: tls,
        )
        super().__init__(config)
        self._ready = ready

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve at listening sockets, which it takes over, until a signal comes."""
        with contextlib.ExitStack() as taken:
            await super().serve(
                [taken.enter_context(Listener.of(each, self._strangers)) for each in sockets or ()]
            )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        keep_quiet(self._strangers.close_all)
        await super().startup(sockets)
        collect_seldom()
        self._ready()


def _bind_all(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Listeners at the same port of each host."""
    for attempt in range(_BINDS):
        listeners = [bind(hosts[0], port)]
        try:
            listeners += [bind(host, listeners[0].getsockname()[1]) for host in hosts[1:]]
        except Conflict:
            listeners[0].close()
            if port != 0 or attempt == _BINDS - 1:
                raise
        else:
            return listeners
    raise AssertionError("every attempt returns or raises")


def bind(host: str, port: int) -> socket.socket:
    """A listener; Conflict or BadRequest, as of `serve`."""
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


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The certificate to serve with, None for HTTP; BadRequest where it cannot be used."""
    if not settings.tls_cert:
        if settings.tls_key:
            raise BadRequest("A key without its certificate is of no use", "Give --tls-cert too.", "tls_key")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key or None)
    except OSError as error:  # which an ssl.SSLError is
        why = error.strerror or str(error)
        raise BadRequest(
            f"The certificate {settings.tls_cert} cannot be used: {why}",
            "--tls-cert names a file of PEM, with the key in it or in that of --tls-key.",
            field="tls_cert",
        ) from error
    return context


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it; so it is said of what is no address, which cannot be bound."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _reachable(host: str, names: Sequence[str]) -> str:
    """What a browser may call it."""
    return next(iter(names), LOOPBACK) if host in WILDCARDS else _in_url(host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
