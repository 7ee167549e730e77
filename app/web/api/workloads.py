"""The catalogue of workloads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from app.web.api.context import TheManager, problems

router = APIRouter(tags=["workloads"])


@router.get("/workloads")
async def workloads(manager: TheManager) -> dict[str, Any]:
    """Every workload with its parameters and their bounds, and every executor."""
    return (await manager.catalogue()).to_json()


@router.get("/workloads/{name}", responses=problems(404))
async def workload(name: str, manager: TheManager) -> dict[str, Any]:
    """One workload."""
    return asdict((await manager.catalogue()).get(name))
