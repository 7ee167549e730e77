"""Errors as RFC 9457 problems, all of one shape:

    {"type", "title", "status", "detail", "instance", "errors": [{"field", "detail"}], "remedy"}

`type` is `urn:gilscope:problem:CODE`, CODE being that of app.model.errors or the status; `errors` names the
fields at fault, if any; `remedy` says what to do, and may be empty.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.model.errors import GilscopeError

logger = logging.getLogger(__name__)

FieldError = dict[str, str]
_MOST_SHOWN = 100  # characters of what was sent: an answer is not to grow with the request


class Problem(JSONResponse):
    """A problem as a response."""

    media_type = "application/problem+json"

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        instance: str,
        remedy: str = "",
        errors: Sequence[FieldError] = (),
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = {
            "type": f"urn:gilscope:problem:{code or status}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": instance,
            "errors": list(errors),
            "remedy": remedy,
        }
        super().__init__(body, status, headers)


def shown(sent: str | int | float) -> str:
    """What a client sent, as an error may say it: at most some hundred characters of it."""
    if isinstance(sent, str) and len(sent) > _MOST_SHOWN:
        return f"{sent[:_MOST_SHOWN]!r}… and {len(sent) - _MOST_SHOWN:,} characters more"
    return repr(sent)


class TooLong(HTTPException):
    """A request's body has more than `most` bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"The request's body is longer than {most:,} bytes")


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem."""
    app.add_exception_handler(TooLong, _on_too_long)
    app.add_exception_handler(GilscopeError, _on_own)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(Unexpected)


class Unexpected:
    """Middleware that turns an error nobody foresaw into a problem whose id the log holds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            error_id = secrets.token_hex(4)
            logger.exception("error %s: %s %s", error_id, scope["method"], scope["path"])
            if begun:
                raise
            problem = Problem(
                500,
                GilscopeError.title,
                f"The request failed; the server's log tells more under the id {error_id}",
                scope["path"],
                "Try again; if it happens again, report it with what the log says.",
                code=GilscopeError.code,
            )
            await problem(scope, receive, send)


def of_error(error: GilscopeError, instance: str) -> Problem:
    """The problem for an error raised on purpose."""
    errors = [{"field": error.field, "detail": error.detail}] if error.field else []
    return Problem(
        error.http_status, error.title, error.detail, instance, error.remedy, errors, code=error.code
    )


def of_too_long(error: TooLong, instance: str) -> Problem:
    """The problem for a body that is too long."""
    return Problem(413, "Body too long", error.detail, instance, "Send less.")


async def _on_too_long(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooLong)
    return of_too_long(error, request.url.path)


async def _on_own(request: Request, error: Exception) -> Response:
    assert isinstance(error, GilscopeError)
    return of_error(error, request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    return Problem(
        error.status_code,
        title,
        f"{error.detail}: {request.url.path}",
        request.url.path,
        headers=error.headers,
    )


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_field_error(found) for found in error.errors()]
    return Problem(
        422,
        "The request is not valid",
        "; ".join(f"{found['field']}: {found['detail']}" for found in errors),
        request.url.path,
        "The pages under /docs say what each field may hold.",
        errors,
        code="invalid",
    )


def _field_error(found: Mapping[str, Any]) -> FieldError:
    place = [str(part) for part in found["loc"][1:] if found["type"] != "json_invalid"]
    detail = str(found["msg"])
    if isinstance(found.get("input"), str | int | float | bool):
        detail += f"; it was {shown(found['input'])}"
    return {"field": ".".join(place) or str(found["loc"][0]), "detail": detail}
