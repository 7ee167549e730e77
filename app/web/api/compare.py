"""Two runs set against each other."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.lab.comparison import compared
from app.web.api.answers import ComparisonView, as_made
from app.web.api.context import TheManager, problems

router = APIRouter(prefix="/compare", tags=["runs"])


@router.get("", response_model=ComparisonView, responses=problems(404, 409))
async def compare_runs(a: str, b: str, manager: TheManager) -> Response:
    """What runs `a` and `b` measured, and which differences their own spread allows to be said."""
    return as_made(compared(await manager.get(a), await manager.get(b)))
