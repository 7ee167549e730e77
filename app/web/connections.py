"""Connections on which nobody has shown a token or a session yet: few of them, and none for long.

Anybody on the machine can connect. Whoever opens a thousand sockets and says nothing, sends a head or a body
a byte at a time, never reads an answer, or stays in the TLS handshake, must not use up the descriptors that
others need. So each connection begins as a stranger's. The guard takes it out of their number with the first
request that it lets in; from then on only uvicorn's own timeouts hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.peers import owner

LIMIT_S = 10.0
QUEUE = 2048  # connections that the kernel keeps until they are accepted

Client = tuple[str, int]  # address and port of the other end


class Strangers:
    """At most `most` connections, each closed after `limit_s`, whatever it does until then.

    One more closes the oldest of whoever has the most. `peer_of` says whose a connection is: see peers.py.
    """

    def __init__(
        self,
        most: int | None = None,
        limit_s: float = LIMIT_S,
        peer_of: Callable[[socket.socket, Client], Hashable] = owner,
    ) -> None:
        self._most = most or min(256, max(16, _descriptors() // 8))
        self._limit_s = limit_s
        self._peer_of = peer_of
        self._open: dict[Client, _Stranger] = {}  # in the order in which they came

    def add(self, connection: socket.socket, client: Client) -> None:
        """A connection that was just accepted, by the loop that runs."""
        self.admit(client)  # an older one of the same port has ended
        timer = asyncio.get_running_loop().call_later(self._limit_s, self._close, client)
        self._open[client] = _Stranger(connection, timer)
        if len(self._open) > self._most:
            self._make_room()

    def admit(self, client: Client) -> None:
        """It is no stranger's any more."""
        stranger = self._open.pop(client, None)
        if stranger is not None:
            stranger.timer.cancel()

    def close_all(self) -> None:
        """Close every one of them."""
        for client in list(self._open):
            self._close(client)

    def _make_room(self) -> None:
        for client, stranger in list(self._open.items()):
            if stranger.connection.fileno() < 0:
                self.admit(client)
            elif stranger.peer is None:
                stranger.peer = self._peer_of(stranger.connection, client)
        if len(self._open) > self._most:
            [(greediest, _)] = Counter(each.peer for each in self._open.values()).most_common(1)
            self._close(next(client for client, each in self._open.items() if each.peer == greediest))

    def _close(self, client: Client) -> None:
        connection = self._open[client].connection
        self.admit(client)
        if connection.fileno() >= 0:
            # From below: whatever protocol it is in meets the end of the stream, or cannot write.
            with contextlib.suppress(OSError):  # the other end was quicker
                connection.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Stranger:
    connection: socket.socket
    timer: asyncio.TimerHandle
    peer: Hashable = None


class Listener(socket.socket):
    """A listening socket whose connections begin as strangers'. asyncio's own loop accepts by its method."""

    strangers: Strangers

    @classmethod
    def of(cls, listener: socket.socket, strangers: Strangers) -> Listener:
        """The same socket; `listener` gives up its descriptor."""
        own = cls(fileno=listener.detach())
        own.strangers = strangers
        return own

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection, and the address of its other end."""
        connection, address = super().accept()
        self.strangers.add(connection, address[:2])
        return connection, address

    def listen(self, backlog: int = QUEUE, /) -> None:
        """For asyncio `backlog` is how many it accepts in one turn; the kernel's queue is longer."""
        super().listen(max(backlog, QUEUE))


def accepted_at_once() -> int:
    """How many a loop may accept in one turn: what was closed to make room takes some turns to go."""
    return min(64, max(4, _descriptors() // 32))


class Peers:
    """The outermost middleware: a request knows how its connection is taken from the strangers.

    It comes before uvicorn's reading of `X-Forwarded-For`, which gives a request another address.
    """

    def __init__(self, app: ASGIApp, strangers: Strangers) -> None:
        self._app = app
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("client") is not None:
            scope.setdefault("state", {})["admit"] = partial(self._strangers.admit, tuple(scope["client"]))
        await self._app(scope, receive, send)


def admit(scope: Scope) -> None:
    """Take the connection of a request that was let in from the strangers, where the server keeps them."""
    taken: Callable[[], None] | None = scope["state"].get("admit")
    if taken is not None:
        taken()


def _descriptors() -> int:
    """How many this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 1 << 20
