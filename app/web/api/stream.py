"""A run as it happens, or played again: header, tail, then what comes; see docs/architecture.md.

The header comes once the observation has begun. A run that ended before it did has none, and only a summary.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.model.errors import Conflict, GilscopeError
from app.runs.live import LiveRun
from app.runs.packet import packed
from app.runs.replay import FASTEST, Replay
from app.web.api.context import TheManager
from app.web.api.shape import Shape
from app.web.problems import of_error
from app.web.sockets import send_all, writer_of

router = APIRouter(prefix="/runs", tags=["runs"])

UNKNOWN_DATA = 1003  # a close code of the WebSocket protocol

Speed = Annotated[float, Query(ge=0, le=FASTEST, allow_inf_nan=False)]


class Order(Shape):
    """Where a viewer wants the playhead; null leaves it where it is."""

    model_config = ConfigDict(strict=True)

    at_us: Annotated[int, Field(ge=0)] | None = None
    speed: Annotated[float, Field(ge=0, le=FASTEST, allow_inf_nan=False)] = 0.0


@router.websocket("/{run_id}/stream")
async def stream(websocket: WebSocket, run_id: str, manager: TheManager, heap: bool = False) -> None:
    """Send one viewer what a run's observer and ledger say, until the run ends or the viewer goes.

    While a viewer with `heap` is there, the observer reads the heap's map; not for one who may only look:
    it costs the observation.
    """
    try:
        run = await manager.get(run_id)
    except GilscopeError as error:
        await websocket.send_denial_response(of_error(error, websocket.url.path))
        return
    await websocket.accept()
    packets = run.view(writer_of(websocket)) if isinstance(run, LiveRun) else run.view()
    may_ask = heap and websocket.state.role == "all"
    with run.looked_at_heap() if may_ask and isinstance(run, LiveRun) else nullcontext():
        await together(send_all(websocket, packets), received(websocket))


@router.websocket("/{run_id}/replay")
async def replay(
    websocket: WebSocket,
    run_id: str,
    manager: TheManager,
    at_us: Annotated[int, Query(ge=0)] = 0,
    speed: Speed = 0.0,
) -> None:
    """Play a run that has ended again, for one viewer: see app/runs/replay.py.

    It may send `{"at_us": N or null, "speed": N}`: go there, where not null, and play so many times as fast;
    0 stands.
    """
    try:
        run = await manager.get(run_id)
        if not run.ended:
            raise Conflict("The run goes on", "It can be played again once it has ended.")
    except GilscopeError as error:
        await websocket.send_denial_response(of_error(error, websocket.url.path))
        return
    await websocket.accept()
    player = Replay(run)
    player.go(at_us, speed)
    await together(send_all(websocket, packed(player.view())), _hear(websocket, player))


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends; then the others are ended, and what went wrong is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | TimeoutError):
            raise result


async def _hear(websocket: WebSocket, player: Replay) -> None:
    """Pass on where a viewer wants the playhead, until it goes."""
    while (told := await websocket.receive())["type"] != "websocket.disconnect":
        try:
            order = Order.model_validate_json(told.get("text") or "")
        except ValidationError:
            await websocket.close(UNKNOWN_DATA, "not a place of the playhead")
            return
        player.go(order.at_us, order.speed)


async def received(websocket: WebSocket) -> None:
    """Read and drop what the viewer sends, until it goes."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
