"""The interpreters on which a workload can run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from app.web.api.answers import InterpretersView
from app.web.api.context import TheManager

router = APIRouter(tags=["interpreters"])


@router.get("/interpreters", response_model=InterpretersView)
async def list_interpreters(manager: TheManager) -> dict[str, Any]:
    """Every CPython found on this machine, newest first; `why` says why one is not supported."""
    return {"interpreters": [asdict(found) for found in await manager.interpreters()]}
