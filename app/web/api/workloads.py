"""The catalogue of workloads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from app.runs.catalogue import Catalogue, WorkloadSpec
from app.web.api.context import TheManager, problems

router = APIRouter(tags=["workloads"])


@router.get("/workloads", response_model=Catalogue)
async def list_workloads(manager: TheManager) -> dict[str, Any]:
    """Every workload with its parameters and their bounds, and every executor."""
    return (await manager.catalogue()).to_json()


@router.get("/workloads/{name}", response_model=WorkloadSpec, responses=problems(404))
async def get_workload(name: str, manager: TheManager) -> dict[str, Any]:
    """One workload."""
    return asdict((await manager.catalogue()).get(name))
