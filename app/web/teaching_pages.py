"""The pages on which the book is taught: a teacher's, and that of an audience, which follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from app.model.errors import NotFound
from app.runs.catalogue import Catalogue
from app.web.pages import interpreter_choices, manager_of, page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/teach")
async def contents(request: Request) -> Response:
    """The chapters in their order; for who may only look, what the teacher shows."""
    return await _page(request)


@router.get("/teach/follow")
async def follow(request: Request) -> Response:
    """What the teacher shows."""
    return await _page(request, follows=True)


@router.get("/teach/{chapter}")
@router.get("/teach/{chapter}/{workload}")
async def step(request: Request, chapter: str, workload: str | None = None) -> Response:
    """A chapter with one of its workloads, or with its first."""
    known = {str(each["number"]): each for each in chapters_of(await manager_of(request).catalogue())}
    names = [each.name for each in known[chapter]["workloads"]] if chapter in known else []
    if not names or (workload is not None and workload not in names):
        error = NotFound(
            f"There is nothing to teach at {request.url.path}", "The page Teach lists the chapters."
        )
        return page(request, "missing.html", {"error": error}, status=error.http_status)
    return await _page(request)


def chapters_of(catalogue: Catalogue) -> list[Mapping[str, Any]]:
    """The book's chapters that a workload shows, each with its workloads, in the catalogue's order."""
    rows = [
        {
            "number": chapter.number,
            "title": chapter.title,
            "workloads": [each for each in catalogue.workloads if chapter.number in each.chapters],
        }
        for chapter in catalogue.chapters
    ]
    return [row for row in rows if row["workloads"]]


async def _page(request: Request, follows: bool = False) -> Response:
    manager = manager_of(request)
    catalogue = await manager.catalogue()
    context = {
        "chapters": chapters_of(catalogue),
        "workloads": [each for each in catalogue.workloads if each.chapters],
        "follows": follows or request.state.role != "all",
        "interpreters": interpreter_choices(await manager.interpreters()),
    }
    return page(request, "teach.html", context)
