"""Letting browsers in: codes for them, and the end of their sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import Field

from app.web.api.shape import Shape
from app.web.sessions import AUDIENCE_S, CODE_S, Sessions

router = APIRouter(tags=["entrance"])


class EntranceCode(Shape):
    """What lets one browser in, once; an audience's lets in who has it, as often as it is opened."""

    code: str = Field(description="append it to a page's address as `?code=`")
    expires_s: int = Field(description="how long it works")


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


@router.post("/codes", status_code=201)
async def make_code(request: Request, look: bool = False, audience: bool = False) -> EntranceCode:
    """Make a code that lets one browser in, once and within a minute; with `look` it may only look.

    With `audience` it is for many: it works as often as it is opened, for four hours, to look alone, and the
    sessions that it opened end with it.
    """
    if audience:
        return EntranceCode(code=_sessions(request).code_for_audience(), expires_s=AUDIENCE_S)
    return EntranceCode(code=_sessions(request).code("look" if look else "all"), expires_s=CODE_S)


@router.delete("/sessions", status_code=204)
async def end_sessions(request: Request) -> None:
    """End the session of every browser, this one's too. The token still works."""
    _sessions(request).close_all()
