"""`/metrics` alone, of processes that run already: what `gilscope exporter` serves.

Host      where only this machine reaches it, a local name; else any, as scrapers use addresses
Origin, Sec-Fetch-Site    as of guard.py: no page of another site reads it
token     as a bearer, if one is set: GILSCOPE_TOKEN or GILSCOPE_LOOK_TOKEN; else anybody may read
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from secrets import compare_digest

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.model.spec import Sampling
from app.runs.manager import Manager
from app.runs.settings import Settings
from app.runs.watch import MOST_WATCHED, Watch
from app.web import metrics
from app.web.api import health
from app.web.connections import admit
from app.web.guard import LOCAL_HOSTS, OPEN_PATHS, bearer, misplaced, no_token
from app.web.serve import Server, bind, is_loopback, tls_context

LINGER_S = 60.0  # for scrapers to read what the last of the processes did before it ended

Say = Callable[[str], None]


@dataclass(frozen=True)
class ToObserve:
    """What to observe, see Watch; `recorded`: each observation is in the archive as a run."""

    pids: Sequence[int]
    names: Sequence[str]
    sampling: Sampling
    recorded: bool = False


def serve(
    settings: Settings, host: str, port: int, watched: ToObserve, say: Say, linger_s: float = LINGER_S
) -> None:
    """Observe and serve, until a signal comes, or `linger_s` after nothing is left to observe.

    Raises what a pid cannot be attached to with; else as app/web/serve.py.
    """
    tls = tls_context(settings)
    with bind(host, port) as listener, _obeyed_once():
        settings = replace(settings, max_runs=MOST_WATCHED, commands=True)
        manager = Manager(settings, archived=watched.recorded)
        watch = Watch(manager, watched.pids, watched.names, watched.sampling, say)
        scheme = "http" if tls is None else "https"
        shown = f"[{host}]" if ":" in host else host
        address = f"{scheme}://{shown}:{listener.getsockname()[1]}/metrics"

        def ready() -> None:
            say(f"Processes observed: {watch.observed}. Metrics are at {address}")

        server = Server(create_app(settings, manager, host), ready, tls=tls)

        async def all_of_it() -> None:
            try:
                await watch.begin()
                going_on = asyncio.create_task(_until_nothing_is_left(watch, server, say, linger_s))
                try:
                    await server.serve([listener])
                finally:
                    going_on.cancel()
                    await asyncio.wait({going_on})
                if not going_on.cancelled():
                    going_on.result()
            finally:
                await manager.close()

        asyncio.run(all_of_it())


async def _until_nothing_is_left(watch: Watch, server: Server, say: Say, linger_s: float) -> None:
    try:
        await watch.run()
        say(f"Nothing is left to observe. The last figures can be read for {linger_s:g} s more.")
        await asyncio.sleep(linger_s)
    finally:
        server.should_exit = True


@contextlib.contextmanager
def _obeyed_once() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more when it is done: it has been obeyed by then."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def create_app(settings: Settings, manager: Manager, host: str) -> ASGIApp:
    """The application; `host` is the address at which it listens."""
    app = FastAPI(title="GILScope exporter", openapi_url=None)
    app.state.manager = manager
    app.include_router(metrics.router)
    app.include_router(health.router, prefix="/api/v1")
    tokens = [token for token in (settings.token, settings.look_token) if token is not None]
    hosts = {*LOCAL_HOSTS, host.lower(), *settings.allowed_hosts} if is_loopback(host) else None
    return _Gate(app, tokens, hosts)


class _Gate:
    """The middleware. `hosts` None: any."""

    def __init__(self, app: ASGIApp, tokens: Sequence[str], hosts: set[str] | None) -> None:
        self._app = app
        self._tokens = [token.encode() for token in tokens]
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = misplaced(scope, headers, self._hosts)
        if answer is None and scope["path"] not in OPEN_PATHS and not self._may_read(headers):
            answer = no_token(scope)
        if answer is None:
            admit(scope)
        await (answer or self._app)(scope, receive, send)

    def _may_read(self, headers: Headers) -> bool:
        given = (bearer(headers) or "").encode()
        return not self._tokens or any(compare_digest(given, token) for token in self._tokens)
