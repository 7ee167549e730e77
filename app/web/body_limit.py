"""How long a request's body may be: a longer one is refused with 413 before it is read, or as it comes."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.problems import TooLong, of_too_long


class BodyLimit:
    """Middleware: at most `most` bytes, but for the paths of `longer`."""

    # Not Starlette's own, whose answer is no problem, and goes past what stands before it.
    def __init__(self, app: ASGIApp, most: int, longer: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._longer = longer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._longer.get(scope["path"], self._most)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > most:
            await of_too_long(TooLong(most), scope["path"])(scope, receive, send)
            return
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise TooLong(most)
            return message

        await self._app(scope, receive_counted, send)
