"""The pages. What does not live is rendered here: catalogue, forms, words; scripts draw the rest."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup

from app import assets
from app.exporters import EXPORTERS
from app.model.errors import GilscopeError, NotFound
from app.runs import interpreters
from app.runs.catalogue import DEFAULT_SECONDS, MAX_SECONDS, MIN_SECONDS, Catalogue
from app.runs.interpreters import Interpreter
from app.runs.manager import Manager
from app.runs.request import bounds_of
from app.web.files import compressed

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_templates = assets.templates()
_templates.globals["exporters"] = EXPORTERS

_SECONDS = (DEFAULT_SECONDS, MIN_SECONDS, MAX_SECONDS)
_LEVEL = 4  # of compression: the next ones take longer than they save


@router.get("/")
async def lab(request: Request) -> Response:
    """The lab: the catalogue beside a place for a run."""
    return await _lab(request, None)


@router.get("/runs/{run_id}")
async def run(request: Request, run_id: str) -> Response:
    """The lab with one run in its place, live or ended."""
    try:
        await manager_of(request).get(run_id)
    except GilscopeError as error:  # none, one that another process records still, no archive
        return page(request, "missing.html", {"error": error}, status=error.http_status)
    return await _lab(request, run_id)


@router.get("/processes")
async def processes(request: Request) -> Response:
    """The machine's Python processes, to attach to one."""
    return page(request, "processes.html", {})


@router.get("/compare")
async def compare(request: Request) -> Response:
    """Two runs side by side."""
    return page(request, "compare.html", {})


@router.get("/history")
async def history(request: Request) -> Response:
    """The recorded runs."""
    return page(request, "history.html", {})


@router.get("/memory")
async def memory(request: Request) -> Response:
    """The memory manager, layer by layer."""
    manager = manager_of(request)
    catalogue = await manager.catalogue()
    context = {
        **{
            name: catalogue.get(name.replace("_", "-"))
            for name in ("memory_ladder", "malloc_trim", "object_graph", "allocate")
        },
        "interpreters": interpreter_choices(await manager.interpreters()),
    }
    return page(request, "memory.html", context)


async def _lab(request: Request, run_id: str | None) -> Response:
    manager = manager_of(request)
    catalogue = await manager.catalogue()
    context = {
        "run_id": run_id,
        "families": _families(request.app, catalogue),
        "seconds": _SECONDS,
        "script": {name: bounds_of(name) for name in ("workers", "seconds")},
        "interpreters": interpreter_choices(await manager.interpreters()),
    }
    return page(request, "lab.html", context)


def page(request: Request, name: str, context: dict[str, Any], status: int = 200) -> Response:
    """A page from its template. What its viewer may do decides what every page offers."""
    of_request = {
        "request": request,
        "nonce": request.state.csp_nonce,
        "role": request.state.role,
        "commands": request.app.state.settings.commands,
    }
    html = _templates.get_template(name).render({**of_request, **context}).encode()
    tag = f'W/"{hashlib.sha256(html).hexdigest()[:32]}"'
    if status == 200 and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers={"ETag": tag, "Vary": "Accept-Encoding"})
    response = compressed(request, gzip.compress(html, _LEVEL, mtime=0), "text/html")
    response.status_code = status
    response.headers["ETag"] = tag
    return response


def manager_of(request: Request) -> Manager:
    manager: Manager = request.app.state.manager
    return manager


def _families(app: FastAPI, catalogue: Catalogue) -> Markup:
    """The cards of the workloads by family, in the catalogue's order: rendered once for a server."""
    known: tuple[Catalogue, Markup] | None = getattr(app.state, "families", None)
    if known is None or known[0] is not catalogue:
        context = {
            "families": [
                {"name": family, "workloads": list(members)}
                for family, members in groupby(catalogue.workloads, key=lambda workload: workload.family)
            ],
            "chapters": {chapter.number: chapter.title for chapter in catalogue.chapters},
            "seconds": _SECONDS,
            "least": {executor.name: executor.min_python for executor in catalogue.executors},
        }
        known = catalogue, Markup(_templates.get_template("partials/families.html").render(context))
        app.state.families = known
    return known[1]


def interpreter_choices(found: Sequence[Interpreter]) -> list[dict[str, Any]]:
    """The interpreters as a form offers them: `chosen` is the one that a run gets when it names none."""
    try:
        default = interpreters.choose(None, found).path
    except NotFound:
        default = None
    labels = Counter(interpreter.label for interpreter in found)
    return [
        {
            "path": interpreter.path,
            "name": interpreter.label,
            "version": ".".join(map(str, interpreter.version_info)),
            "label": interpreter.label + (f" ({interpreter.path})" if labels[interpreter.label] > 1 else ""),
            "supported": interpreter.supported,
            "why": interpreter.why,
            "chosen": interpreter.path == default,
        }
        for interpreter in found
    ]
