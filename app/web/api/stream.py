"""A run as it happens: header, tail, then what comes; see docs/architecture.md.

The header comes once the observation has begun. A run that ended before it did has none, and only a summary.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from app.model.errors import GilscopeError
from app.runs.live import LiveRun
from app.runs.record import RunRecord
from app.web.api.context import TheManager
from app.web.problems import of_error

router = APIRouter(prefix="/runs", tags=["runs"])

# A viewer that takes nothing for so long is gone: uvicorn's own ping does not notice it, for its transport
# waits for the buffer to empty.
SEND_LIMIT_S = 5.0


@router.websocket("/{run_id}/stream")
async def stream(websocket: WebSocket, run_id: str, manager: TheManager, heap: bool = False) -> None:
    """Send one viewer what a run's observer and ledger say, until the run ends or the viewer goes.

    While a viewer with `heap` is there, the observer reads the heap's map.
    """
    try:
        run = await manager.get(run_id)
    except GilscopeError as error:
        await websocket.send_denial_response(of_error(error, websocket.url.path))
        return
    await websocket.accept()
    with run.looked_at_heap() if heap and isinstance(run, LiveRun) else nullcontext():
        tasks = [asyncio.create_task(_follow(websocket, run)), asyncio.create_task(_receive(websocket))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | TimeoutError):
            raise result


async def _follow(websocket: WebSocket, run: RunRecord) -> None:
    async for text in run.view():
        await asyncio.wait_for(websocket.send_text(text), SEND_LIMIT_S)
    await asyncio.wait_for(websocket.close(), SEND_LIMIT_S)


async def _receive(websocket: WebSocket) -> None:
    """Read and drop what the viewer sends, until it goes."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
