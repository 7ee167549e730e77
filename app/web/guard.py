"""Who gets in: one ASGI middleware in front of everything else.

This server starts programs and reads processes, so neither another page in the same browser nor another
user of the same machine may reach it. In this order:

    Host     must be a local name, or one that the settings allow (names are compared, ports are not, so
             that SSH forwarding works), else 421: DNS rebinding
    Origin   where a browser sends one, must be scheme://Host, else 403: another page's form or WebSocket
    token    in the cookie or as `Authorization: Bearer`, else 401. A page opened with `?token=` gets the
             cookie and is sent on to its own address without the token.

A WebSocket that is refused is closed with 1008 before it was accepted. Every response carries the headers
that keep other pages from framing and reading this one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.web.problems import Problem

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
OPEN_PATHS = frozenset({"/api/v1/health"})  # a container's health check has no token
POLICY_VIOLATION = 1008

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_ENTRANCE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>GILScope: token needed</title>{again}
<h1>GILScope needs its token</h1>
<p>This server can start programs and read processes, so it lets in only who has its token.</p>
<p>Open the whole address that <code>gilscope serve</code> printed when it started; it ends in
<code>?token=…</code>. If this page came from following a link there, load it again.</p>
</html>
"""
# A browser that was led here by another page keeps a strict cookie to itself, and gives it when the page,
# once here, is loaded again.
_AGAIN = '<meta http-equiv="refresh" content="0">'


class Guard:
    """The middleware. `token` is the secret; `allowed_hosts` are names beside the local ones."""

    def __init__(self, app: ASGIApp, token: str, allowed_hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = LOCAL_HOSTS | set(allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["csp_nonce"] = nonce

        async def send_guarded(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                _secure(MutableHeaders(scope=message), nonce)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send_guarded)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION, "refused")(scope, receive, send)
        else:
            await refusal(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """What to answer instead of going on, if anything."""
        host = _HOST.fullmatch(headers.get("host", ""))
        path: str = scope["path"]
        if host is None or host["name"].lower() not in self._hosts:
            return _misdirected(path, headers.get("host", ""))
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        if "origin" in headers and headers["origin"] != f"{scheme}://{headers['host']}":
            return _foreign(path, headers["origin"])
        if path in OPEN_PATHS:
            return None
        cookie = f"gilscope-{host['port'] or _DEFAULT_PORTS[scheme]}"
        if self._is_token(_bearer(headers)) or self._is_token(_cookie(headers, cookie)):
            return None
        if _is_page(scope) and self._is_token(_query(scope).get("token")):
            return self._entrance(scope, cookie, secure=scheme == "https")
        return _no_token(scope, headers)

    def _entrance(self, scope: Scope, cookie: str, secure: bool) -> Response:
        """The cookie, and on to the same page without the token in its address."""
        rest = urlencode({name: value for name, value in _query(scope).items() if name != "token"})
        # A path that begins with two slashes would lead to another host.
        path = "/" + quote(scope["path"].lstrip("/"))
        response = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        response.set_cookie(cookie, self._token.decode(), httponly=True, samesite="strict", secure=secure)
        return response

    def _is_token(self, candidate: str | None) -> bool:
        return candidate is not None and secrets.compare_digest(candidate.encode(), self._token)


def _secure(headers: MutableHeaders, nonce: str) -> None:
    headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-cache")


def _misdirected(path: str, host: str) -> Response:
    return Problem(
        421,
        "Unknown host",
        f"This server is not known as {host!r}",
        path,
        "Use localhost or 127.0.0.1, or name the host in GILSCOPE_ALLOWED_HOSTS.",
    )


def _foreign(path: str, origin: str) -> Response:
    return Problem(
        403,
        "Cross-origin request refused",
        f"A page of {origin} made this request",
        path,
        "Use the server's own pages.",
    )


def _no_token(scope: Scope, headers: Headers) -> Response:
    if _is_page(scope) and "text/html" in headers.get("accept", ""):
        led_here = headers.get("sec-fetch-site") == "cross-site"
        return HTMLResponse(_ENTRANCE.format(again=_AGAIN if led_here else ""), 401)
    return Problem(
        401,
        "Token needed",
        "The request carries no token, or not this server's",
        scope["path"],
        "Send it as `Authorization: Bearer TOKEN`; `gilscope serve` prints it when it starts.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _is_page(scope: Scope) -> bool:
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return reads and not scope["path"].startswith("/api/")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookie(headers: Headers, name: str) -> str | None:
    # Lenient, unlike http.cookies: every server of this host shares the jar, and one may write what it likes.
    return cookie_parser(headers.get("cookie", "")).get(name)
