"""Who gets in: one ASGI middleware in front of everything else.

This server starts programs and reads processes, so neither another page in the same browser nor another
user of the same machine may reach it. In this order:

    Host      must be a local name, or one that the settings allow (names are compared, ports are not, so
              that SSH forwarding works), else 421: DNS rebinding
    Origin    where a browser sends one, must be scheme://Host, else 403: another page's form or WebSocket
    Sec-Fetch-Site  where a browser sends one, must be its own (`same-origin`, or `none`: a person), else
              403; only a page may be opened from elsewhere, as a link does
    token     as `Authorization: Bearer`, or a session's name in the cookie, else 401
    role      the look token, and a session that was opened with it, open what only shows runs, else 403

A browser gets its session by a page opened with `?code=`, which leads on to the page's own address, or by the
token in the form that it finds instead of a page. The token is in no address and no cookie: see sessions.py.

A WebSocket that is refused is closed with 1008 before it was accepted. Every response carries the headers
that keep other pages from framing and reading this one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.web import entrance
from app.web.connections import admit
from app.web.problems import Problem, shown
from app.web.sessions import SESSION_S, Admission, Role, Sessions

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
OPEN_PATHS = frozenset({"/api/v1/health"})  # a container's health check has no token
# What tells of other processes of the machine, which whoever may only look at runs does not see.
NOT_FOR_LOOKERS = frozenset({"/processes", "/api/v1/processes", "/api/v1/doctor"})
POLICY_VIOLATION = 1008

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_FORM_BYTES = 4096  # most of it is the token


class Guard:
    """The middleware. `token` lets programs in, `look_token` lets them look.

    `allowed_hosts` are names beside the local ones. A request's state has the `role` that it was let in with.
    `on_stranger` is called when a person's browser finds the form instead of a page.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        sessions: Sessions,
        allowed_hosts: Iterable[str] = (),
        on_stranger: Callable[[], object] | None = None,
        look_token: str | None = None,
    ) -> None:
        self._app = app
        self._tokens: list[tuple[bytes, Role]] = [(token.encode(), "all")]
        if look_token is not None:
            self._tokens.append((look_token.encode(), "look"))
        self._sessions = sessions
        self._hosts = LOCAL_HOSTS | set(allowed_hosts)
        self._on_stranger = on_stranger

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

        headers = Headers(scope=scope)
        answer = misplaced(scope, headers, self._hosts)
        if answer is None:
            answer = await self._admit(scope, headers, receive)
        if answer is None:
            await self._app(scope, receive, send_guarded)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION, "refused")(scope, receive, send)
        else:
            await answer(scope, receive, send_guarded)

    async def _admit(self, scope: Scope, headers: Headers, receive: Receive) -> Response | None:
        """What to answer instead of going on, if anything: the way in, or that there is none."""
        cookie = _cookie_name(scope, headers)
        # Lenient, unlike http.cookies: other servers of an address share the jar, and write what they like.
        session = cookie_parser(headers.get("cookie", "")).get(cookie)
        role = None if session is None else self._sessions.role(session)
        if scope["type"] == "http" and scope["path"] == entrance.ENTER and scope["method"] == "POST":
            form = await _form(receive)
            known = self._role_of(form.get("token"))
            to = _own_address(form.get("to", ""))
            if role is None and known is None:
                return entrance.page(scope["state"]["csp_nonce"], to, refused=True)
            return self._entrance(scope, cookie, to, role, known and Admission(known, SESSION_S))
        code = _query(scope).get("code") if _is_page(scope) and scope["method"] == "GET" else None
        given = None if code is None else self._sessions.redeem(code)
        if code is not None and (given or role):
            return self._entrance(scope, cookie, _asked_for(scope), role, given)
        role = role or self._role_of(bearer(headers))
        if role is not None:
            admit(scope)
            scope["state"]["role"] = role
            if scope["path"] == entrance.ENTER and _is_page(scope):
                return RedirectResponse("/", 303)  # a page that was loaded anew, once somebody had come in
            return None if role == "all" or _only_looks(scope) else _may_only_look(scope["path"])
        if scope["path"] in OPEN_PATHS:
            return None
        return self._stranger(scope, headers)

    def _entrance(
        self, scope: Scope, cookie: str, page: str, role: Role | None, given: Admission | None
    ) -> Response:
        """On to a page, with the cookie of a new session where what was `given` is more than there was."""
        admit(scope)
        response = RedirectResponse(page, 303)
        if role != "all" and given is not None and given.role != role:
            response.set_cookie(
                cookie,
                self._sessions.open(*given),
                max_age=int(given.for_s),
                httponly=True,
                samesite="strict",
                secure=_scheme(scope) == "https",
            )
        return response

    def _stranger(self, scope: Scope, headers: Headers) -> Response:
        if not (_is_page(scope) and "text/html" in headers.get("accept", "")):
            return no_token(scope)
        led_here = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if not led_here and self._on_stranger is not None:
            self._on_stranger()
        return entrance.page(scope["state"]["csp_nonce"], _asked_for(scope), again=led_here)

    def _role_of(self, candidate: str | None) -> Role | None:
        if candidate is None:
            return None
        matching = [role for token, role in self._tokens if secrets.compare_digest(candidate.encode(), token)]
        return matching[0] if matching else None


def misplaced(scope: Scope, headers: Headers, hosts: Iterable[str] | None) -> Response | None:
    """The refusal of a request that is another host's, or another page's; None where it is neither.

    With `hosts` None the server is known by any name.
    """
    host = _HOST.fullmatch(headers.get("host", ""))
    if host is None or (hosts is not None and host["name"].lower() not in hosts):
        return _misdirected(scope["path"], headers.get("host", ""))
    site = headers.get("sec-fetch-site", "none")
    # `null` is also what a browser sends for a form of a page without referrers, as ours are.
    own = (f"{_scheme(scope)}://{headers['host']}", *(["null"] if site == "same-origin" else []))
    if "origin" in headers and headers["origin"] not in own:
        return _foreign(scope["path"], f"A page of {shown(headers['origin'])} made this request")
    opened = _is_page(scope) and headers.get("sec-fetch-mode") == "navigate"
    if site not in ("same-origin", "none") and not opened:
        return _foreign(scope["path"], f"A page of another site made this request ({site})")
    return None


def _scheme(scope: Scope) -> str:
    return "https" if scope["scheme"] in ("https", "wss") else "http"


def _cookie_name(scope: Scope, headers: Headers) -> str:
    """One for each port: servers of one address share its cookies."""
    host = _HOST.fullmatch(headers["host"])
    assert host is not None
    return f"gilscope-{host['port'] or _DEFAULT_PORTS[_scheme(scope)]}"


def _asked_for(scope: Scope) -> str:
    """The address of a request here, without the code that lets in; the form's is no page: the first."""
    if scope["path"] == entrance.ENTER:
        return "/"
    rest = urlencode({name: value for name, value in _query(scope).items() if name != "code"})
    path = "/" + quote(scope["path"].lstrip("/"))
    return f"{path}?{rest}" if rest else path


def _own_address(to: str) -> str:
    """One of this server's pages: what begins with two slashes would lead to another host."""
    return "/" + to.lstrip("/\\") if to.startswith("/") else "/"


async def _form(receive: Receive) -> dict[str, str]:
    """The fields of the form in a request's body; none where the body is too long."""
    body = b""
    more = True
    while more and len(body) <= _FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if more or len(body) > _FORM_BYTES:
        return {}
    return dict(parse_qsl(body.decode("latin-1")))


def _secure(headers: MutableHeaders, nonce: str) -> None:
    headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; "
        f"style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; object-src 'none'; "
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
        f"This server is not known as {shown(host)}",
        path,
        "Use localhost or 127.0.0.1, or name the host in GILSCOPE_ALLOWED_HOSTS.",
    )


def _foreign(path: str, why: str) -> Response:
    return Problem(403, "Cross-origin request refused", why, path, "Use the server's own pages.")


def no_token(scope: Scope) -> Response:
    """The answer to a request without a token."""
    return Problem(
        401,
        "Token needed",
        "The request carries no token, or not this server's",
        scope["path"],
        "Send GILSCOPE_TOKEN, as it was when the server started, as `Authorization: Bearer TOKEN`.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _may_only_look(path: str) -> Response:
    return Problem(
        403,
        "This token may only look",
        "Who came in with the look token sees runs, and starts, stops and changes nothing",
        path,
        "Come in with the server's own token, or with an address that it printed.",
    )


def _only_looks(scope: Scope) -> bool:
    """Whether it only shows runs: every socket does."""
    reads = scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD")
    return reads and scope["path"] not in NOT_FOR_LOOKERS


def _is_page(scope: Scope) -> bool:
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return reads and not scope["path"].startswith("/api/")


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def bearer(headers: Headers) -> str | None:
    """The token that a request carries."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
