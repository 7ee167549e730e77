"""This machine: the processes that can be attached to, and what works here."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.runs import inspection
from app.runs.request import bounds_of

router = APIRouter(tags=["machine"])
_LEAST_PID, _MOST_PID = bounds_of("attach_pid")


@router.get("/processes")
async def processes(own: bool = False) -> dict[str, Any]:
    """Every process, those first that can be attached to; `why` says why one cannot.

    GILScope's own server and observers are among them only if they are asked for.
    """
    return await asyncio.to_thread(inspection.processes, own)


@router.get("/doctor")
async def doctor(pid: Annotated[int | None, Query(ge=_LEAST_PID, le=_MOST_PID)] = None) -> dict[str, Any]:
    """What works here, and for a process: what does not, and the command that mends it."""
    return await asyncio.to_thread(inspection.doctor, pid)
