"""What a teacher shows a room: set by who may do everything, seen by who may look."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from app.lab.teaching import Teaching
from app.model.summary import Severity
from app.web.api.bodies import Strict
from app.web.api.context import problems
from app.web.api.shape import Shape
from app.web.api.stream import received, together
from app.web.sockets import SEND_LIMIT_S

router = APIRouter(prefix="/teaching", tags=["teaching"])


async def _teaching(connection: HTTPConnection) -> Teaching:
    teaching: Teaching = connection.app.state.teaching
    return teaching


TheTeaching = Annotated[Teaching, Depends(_teaching)]


class Show(Strict):
    """What is to be on view."""

    chapter: int = Field(description="The chapter's number.")
    workload: str
    run: str | None = Field(default=None, description="A run of the workload, or of its fixed version.")
    revealed: bool = Field(default=False, description="Whether the run's answer is on view too.")


class AnswerFinding(Shape):
    """What was found in the run."""

    code: str
    severity: Severity
    title: str


class AnswerView(Shape):
    """What a run answers, in its own numbers."""

    says: list[str] = Field(description="Told from what was measured.")
    reported: list[str] = Field(description="What the workload itself says of its result.")
    found: list[AnswerFinding]
    missing: list[str] = Field(description="What the run did not give, and why.")
    so_far: bool = Field(description="The run goes on.")


class ShownView(Shape):
    """What is on view."""

    chapter: int
    workload: str
    run: str | None
    answer: AnswerView | None


class TeachingView(Shape):
    """What is on view, and to how many."""

    shown: ShownView | None = Field(description="Null before anything was shown.")
    followers: int = Field(description="How many pages follow.")


@router.get("", response_model=TeachingView)
async def get_teaching(teaching: TheTeaching) -> dict[str, Any]:
    """What is on view, and how many pages follow."""
    return _view(teaching)


@router.put("", response_model=TeachingView, responses=problems(404))
async def show(body: Show, teaching: TheTeaching) -> dict[str, Any]:
    """Put a chapter's workload on view, with its run, and with the run's answer."""
    await teaching.show(body.chapter, body.workload, body.run, body.revealed)
    return _view(teaching)


@router.websocket("/stream")
async def follow(websocket: WebSocket, teaching: TheTeaching) -> None:
    """Send a page what is on view, and each change of it, until it goes."""
    await websocket.accept()
    await together(_send(websocket, teaching), received(websocket))


async def _send(websocket: WebSocket, teaching: Teaching) -> None:
    async with aclosing(teaching.follow()) as shown:
        async for text in shown:
            await asyncio.wait_for(websocket.send_text(text), SEND_LIMIT_S)


def _view(teaching: Teaching) -> dict[str, Any]:
    return {"shown": teaching.now, "followers": teaching.followers}
