"""`/metrics`: what a scraper reads. The guard lets it in with a token, the one to look too, as a bearer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.exporters.prometheus import exposition
from app.web.api.context import TheManager

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request, manager: TheManager) -> Response:
    """The metrics of all runs and of the server, in the text format that the request asks for."""
    # Read on the loop, where runs are; what is written of it stands.
    read = manager.metrics()
    text, media_type = await asyncio.to_thread(exposition, read, request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media_type})
