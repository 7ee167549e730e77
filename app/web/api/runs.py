"""Runs: start, list, look at, act upon, stop, forget."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.web.api.bodies import ActionBody, RunBody, RunPage, RunView
from app.web.api.context import TheManager, problems

router = APIRouter(prefix="/runs", tags=["runs"])

Limit = Annotated[int, Query(ge=1, le=200)]


@router.post("", status_code=201, response_model=RunView, responses=problems(403, 404, 409))
async def start(body: RunBody, manager: TheManager, response: Response) -> dict[str, Any]:
    """Start a run. Its address is in `Location`."""
    run = await manager.start(body.to_request())
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return run.to_json()


@router.get("", response_model=RunPage)
async def page(manager: TheManager, limit: Limit = 50, cursor: str | None = None) -> dict[str, Any]:
    """The runs that the server remembers, newest first."""
    runs, following = manager.page(limit, cursor)
    return {"runs": [run.to_json() for run in runs], "next": following}


@router.get("/{run_id}", response_model=RunView, responses=problems(404))
async def one(run_id: str, manager: TheManager) -> dict[str, Any]:
    """One run."""
    return manager.get(run_id).to_json()


@router.get("/{run_id}/summary", responses=problems(404))
async def summary(run_id: str, manager: TheManager) -> dict[str, Any]:
    """The run's result; while it goes on, the result so far."""
    return manager.get(run_id).summary()


@router.post("/{run_id}/actions", status_code=202, response_model=RunView, responses=problems(404, 409))
async def act(run_id: str, body: ActionBody, manager: TheManager) -> dict[str, Any]:
    """Have a running workload do one of its actions.

    Answers as soon as it is passed on; what it did the workload reports in the stream.
    """
    run = manager.get(run_id)
    run.act(body.name)
    return run.to_json()


@router.post("/{run_id}/stop", response_model=RunView, responses=problems(404))
async def stop(run_id: str, manager: TheManager) -> dict[str, Any]:
    """End the run and its target; answers when that is done. A run that has ended stays as it is."""
    run = manager.get(run_id)
    await run.stop()
    return run.to_json()


@router.delete("/{run_id}", status_code=204, responses=problems(404))
async def forget(run_id: str, manager: TheManager) -> None:
    """End the run, and forget it and its result."""
    await manager.forget(run_id)
