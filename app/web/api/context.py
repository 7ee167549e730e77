"""What the routes share: the manager, and how their errors are described."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.runs.manager import Manager


async def _manager(connection: HTTPConnection) -> Manager:  # else FastAPI asks in a thread, of up to forty
    manager: Manager = connection.app.state.manager
    return manager


TheManager = Annotated[Manager, Depends(_manager)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its OpenAPI description; openapi.py says what each looks like."""
    return {status: {"description": _MEANING[status]} for status in statuses}


_MEANING = {
    401: "No token, or not this server's",
    403: "The kernel does not let this server read that process, or the server was started without commands",
    404: "There is no such thing",
    409: "It cannot be done now",
    422: "A field is at fault; `errors` names it and its bound",
}
