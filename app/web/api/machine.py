"""This machine: the processes that can be attached to, and what works here."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.runs import inspection
from app.runs.request import bounds_of
from app.web.api.answers import DoctorView, ProcessesView, as_made

router = APIRouter(tags=["machine"])
_LEAST_PID, _MOST_PID = bounds_of("attach_pid")


@router.get("/processes", response_model=ProcessesView)
async def list_processes(own: bool = False) -> Response:
    """Every process, those first that can be attached to; `why` says why one cannot.

    GILScope's own server and observers are among them only if they are asked for.
    """
    return as_made(await asyncio.to_thread(inspection.processes, own))


@router.get("/doctor", response_model=DoctorView)
async def examine(pid: Annotated[int | None, Query(ge=_LEAST_PID, le=_MOST_PID)] = None) -> Response:
    """What works here, and for a process: what does not, and the command that mends it."""
    return as_made(await asyncio.to_thread(inspection.doctor, pid))
