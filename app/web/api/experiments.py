"""Experiments: plan, start, list, look at, follow, stop; remove and restore."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from app.lab.experiments import Experiments
from app.model.errors import GilscopeError
from app.runs.feed import dump
from app.runs.packet import packed
from app.web.api.answers import AccuracyView, as_made
from app.web.api.context import problems
from app.web.api.experiment_bodies import (
    ExperimentBody,
    ExperimentPage,
    ExperimentView,
    ForecastBody,
    PlannedExperiment,
)
from app.web.api.stream import received, together
from app.web.problems import of_error
from app.web.sockets import send_all

router = APIRouter(prefix="/experiments", tags=["experiments"])

Limit = Annotated[int, Query(ge=1, le=200)]


async def _experiments(connection: HTTPConnection) -> Experiments:
    experiments: Experiments = connection.app.state.experiments
    return experiments


TheExperiments = Annotated[Experiments, Depends(_experiments)]


@router.post("", status_code=201, response_model=ExperimentView, responses=problems(403, 404, 409))
async def start_experiment(body: ExperimentBody, experiments: TheExperiments) -> Response:
    """Start an experiment; one at a time goes on. Its address is in `Location`."""
    return _started(await experiments.start(body.to_request()))


@router.post("/plan", response_model=PlannedExperiment, responses=problems(403, 404))
async def plan_experiment(body: ExperimentBody, experiments: TheExperiments) -> dict[str, Any]:
    """Check an experiment, and say how many runs it has and how long it takes. Nothing is started."""
    plan = await experiments.plan(body.to_request())
    return {
        "kind": plan.kind,
        "configurations": len(plan.requests),
        "runs": plan.runs,
        "about_s": plan.about_s,
        "left_out": plan.left_out,
    }


@router.post("/forecast", status_code=201, response_model=ExperimentView, responses=problems(403, 404, 409))
async def measure_forecast(body: ForecastBody, experiments: TheExperiments) -> Response:
    """Start the experiment that measures a forecast of a run: the program as it was, and as foretold.

    409 says why that cannot be measured on this machine, or that another experiment goes on.
    """
    return _started(await experiments.start_proof(body.run, body.choice))


@router.get("/accuracy", response_model=AccuracyView)
async def get_accuracy(experiments: TheExperiments) -> Response:
    """How good the forecasts were that were measured on this machine: each pair, and how many held."""
    return as_made(await experiments.accuracy())


@router.get("", response_model=ExperimentPage)
async def list_experiments(
    experiments: TheExperiments, limit: Limit = 50, cursor: str | None = None
) -> Response:
    """The experiments there are, newest first: of this server, and of `gilscope compare`."""
    found, following = await experiments.page(limit, cursor)
    return as_made({"experiments": found, "next": following})


@router.get("/{experiment_id}", response_model=ExperimentView, responses=problems(404))
async def get_experiment(experiment_id: str, experiments: TheExperiments) -> Response:
    """An experiment with its result; `gilscope compare --json` prints the same."""
    return as_made(await experiments.get(experiment_id))


@router.post("/{experiment_id}/stop", response_model=ExperimentView, responses=problems(404, 409))
async def stop_experiment(experiment_id: str, experiments: TheExperiments) -> Response:
    """End it early; what was measured stays. One that has ended stays as it is."""
    return as_made(await experiments.stop(experiment_id))


@router.post("/{experiment_id}/restore", response_model=ExperimentView, responses=problems(404))
async def restore_experiment(experiment_id: str, experiments: TheExperiments) -> Response:
    """Put an experiment back that was removed a short while ago."""
    return as_made(await experiments.restore(experiment_id))


@router.delete("/{experiment_id}", status_code=204, responses=problems(404, 409))
async def remove_experiment(experiment_id: str, experiments: TheExperiments) -> None:
    """End it, and remove it; its runs stay. `restore` brings it back for ten minutes."""
    await experiments.remove(experiment_id)


@router.websocket("/{experiment_id}/stream")
async def stream_experiment(websocket: WebSocket, experiment_id: str, experiments: TheExperiments) -> None:
    """Send a viewer the experiment as `GET` answers it, and again with each change, until it has ended."""
    try:
        await experiments.get(experiment_id)
    except GilscopeError as error:
        await websocket.send_denial_response(of_error(error, websocket.url.path))
        return
    await websocket.accept()
    texts = _texts(experiments, experiment_id)
    await together(send_all(websocket, packed(texts)), received(websocket))


def _started(experiment: dict[str, Any]) -> Response:
    answer = as_made(experiment)
    answer.headers["Location"] = f"/api/v1/experiments/{experiment['id']}"
    answer.status_code = 201
    return answer


async def _texts(experiments: Experiments, experiment_id: str) -> AsyncIterator[str]:
    async for state in experiments.follow(experiment_id):
        yield dump(state)
