"""WebSockets to many viewers: what is the same for all of them is written as it is.

Through ASGI each message to each viewer would be encoded, framed and awaited anew: with hundreds of viewers
that is most of what the server does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.server import ServerProtocol

from app.runs.hub import Write
from app.runs.packet import WINDOW_BITS, Packet

# A viewer that takes nothing for so long is gone: uvicorn's own ping does not notice it, for its transport
# waits for the buffer to empty.
SEND_LIMIT_S = 5.0
# What the kernel keeps for one viewer (it doubles this): else it is megabytes, which are seconds of a run.
SEND_BUFFER = 128 << 10
_EXTENSION = "gilscope.viewer"
# Messages that are deflated once for all viewers: each by itself, and both ways.
_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=WINDOW_BITS,
)


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, which also writes frames that were made already; it keeps but the rest of one write."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        # uvicorn's own deflates each message for each viewer, and keeps 300 kB for each.
        self.conn = ServerProtocol(
            extensions=[_DEFLATE], max_size=self.config.ws_max_size, logger=self.logger
        )
        self._inflates = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio calls it."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=1)  # with 0 one that speaks TLS would pause for good
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Request) -> None:
        """As uvicorn calls it, with the request."""
        super().handle_connect(event)
        self._inflates = any(
            isinstance(agreed, PerMessageDeflate) and agreed.local_max_window_bits >= WINDOW_BITS
            for agreed in self.conn.extensions
        )
        if not self.close_sent:
            self.scope["extensions"][_EXTENSION] = {"protocol": self}

    def write_now(self, packet: Packet) -> bool:
        """Write all of it; False where what was before has not gone, or nobody is there."""
        if not self.writable.is_set() or self._gone:
            return False
        self.transport.write(packet.deflated if self._inflates else packet.framed)
        return True

    async def write(self, packet: Packet) -> None:
        """Write all of it once what was before has gone; WebSocketDisconnect where nobody is there."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self._gone:
            raise WebSocketDisconnect(1006)
        self.transport.write(packet.deflated if self._inflates else packet.framed)

    @property
    def _gone(self) -> bool:
        return self.disconnected or self.close_sent or self.transport.is_closing()


def writer_of(websocket: WebSocket) -> Write | None:
    """How a viewer is written to past ASGI; None for another server's, or a test's."""
    protocol = _protocol_of(websocket)
    return None if protocol is None else protocol.write_now


async def send_all(websocket: WebSocket, packets: AsyncIterator[Packet]) -> None:
    """Send a viewer all there is, and close; TimeoutError where it takes nothing for SEND_LIMIT_S."""
    protocol = _protocol_of(websocket)
    if protocol is None:
        async for packet in packets:
            for text in packet.texts:
                await asyncio.wait_for(websocket.send_text(text), SEND_LIMIT_S)
    else:
        async for packet in packets:
            if protocol.writable.is_set():
                await protocol.write(packet)
            else:
                await asyncio.wait_for(protocol.write(packet), SEND_LIMIT_S)
    await asyncio.wait_for(websocket.close(), SEND_LIMIT_S)


def _protocol_of(websocket: WebSocket) -> SocketProtocol | None:
    """None where the server is another, or a test."""
    extension = websocket.scope.get("extensions", {}).get(_EXTENSION)
    return None if extension is None else cast(SocketProtocol, extension["protocol"])
