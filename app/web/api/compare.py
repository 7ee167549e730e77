"""Two runs set against each other."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.lab.comparison import compared
from app.web.api.context import TheManager, problems

router = APIRouter(prefix="/compare", tags=["runs"])


@router.get("", responses=problems(404))
async def compare(a: str, b: str, manager: TheManager) -> dict[str, Any]:
    """What runs `a` and `b` measured, and which differences their own spread allows to be said."""
    return compared(await manager.get(a), await manager.get(b))
