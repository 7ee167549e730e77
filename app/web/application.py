"""The application that a server runs: routes, pages, files, and the guard before them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import assets
from app.lab.experiments import Experiments
from app.lab.teaching import Teaching
from app.runs.manager import Manager
from app.runs.settings import Settings
from app.web import docs, experiment_pages, metrics, openapi, pages, problems, teaching_pages
from app.web.api import (
    compare,
    entrance,
    experiments,
    health,
    interpreters,
    machine,
    notes,
    runs,
    stream,
    teaching,
    workloads,
)
from app.web.api.context import problems as described
from app.web.body_limit import BodyLimit
from app.web.files import Bundle, Files
from app.web.guard import Guard
from app.web.sessions import Sessions, path_for

logger = logging.getLogger(__name__)

API = "/api/v1"
MOST_SENT = 8 << 20  # bytes of a request's body, but for a recording: the longest script, escaped


def create_app(
    settings: Settings,
    manager: Manager | None = None,
    sessions: Sessions | None = None,
    on_stranger: Callable[[], object] | None = None,
) -> FastAPI:
    """The application; once it has started, `app.state.manager` holds its runs.

    `sessions` are those of its browsers, and `on_stranger` is called when one has none: see app/web/guard.py.
    """
    token = settings.token or secrets.token_urlsafe(24)
    if sessions is None:
        sessions = Sessions(path_for(settings.home, token) if settings.token else None)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        own = manager or Manager(settings)
        app.state.manager = own
        app.state.experiments = Experiments(own)
        app.state.teaching = Teaching(own)
        await own.catalogue()
        # The first page and the first run want it, and it takes a second.
        finding = asyncio.create_task(own.interpreters())
        if settings.token is None:
            logger.warning("GILSCOPE_TOKEN is not set: nobody but this start's first browser will get in")
            logger.warning("Open the server's address with /?code=%s within a minute", sessions.code())
        yield
        await app.state.experiments.close()
        await own.close()
        await finding

    app = FastAPI(
        title="GILScope",
        summary="See what the GIL and the private heap of a running CPython process do",
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # FastAPI's own pages load scripts from another host
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
    )
    app.state.sessions = sessions
    app.state.settings = settings
    app.include_router(health.router, prefix=API)
    parts = (entrance, interpreters, workloads, machine, runs, notes, stream, compare, experiments, teaching)
    for module in parts:
        app.include_router(module.router, prefix=API, responses=described(401, 422))
    app.include_router(pages.router)
    app.include_router(experiment_pages.router)
    app.include_router(teaching_pages.router)
    app.include_router(metrics.router)
    app.include_router(docs.router)
    app.mount("/static", Files(directory=assets.STATIC))
    app.add_route("/bundle/{name}", Bundle(assets.vendor() / "bundle").file, include_in_schema=False)
    app.mount("/vendor", Files(directory=assets.vendor()))
    openapi.describe(app)
    problems.install(app)
    app.add_middleware(BodyLimit, most=MOST_SENT, longer={f"{API}/runs/import": runs.MOST_IMPORTED})
    # Added last, so it is the outermost: nothing answers before it.
    app.add_middleware(
        Guard,
        token=token,
        sessions=sessions,
        allowed_hosts=settings.allowed_hosts,
        on_stranger=on_stranger,
        look_token=settings.look_token,
    )
    return app
