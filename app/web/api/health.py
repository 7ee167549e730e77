"""Whether the server answers. Open to all, so it says no more than that."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter

from app.web.api.shape import Shape

router = APIRouter(tags=["health"])


class Health(Shape):
    """The server's word."""

    status: str
    version: str


@router.get("/health")
async def get_health() -> Health:
    """Whether the server is up, and its version. Needs no token."""
    return Health(status="ok", version=version("gilscope"))
