"""WebSockets to many viewers: what is the same for all of them is written as it is.

Through ASGI each message to each viewer would be encoded, framed and awaited anew: with hundreds of viewers
that is most of what the server does.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import cast

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.runs.packet import Packet

# A viewer that takes nothing for so long is gone: uvicorn's own ping does not notice it, for its transport
# waits for the buffer to empty.
SEND_LIMIT_S = 5.0
# What the kernel keeps for one viewer (it doubles this): else it is megabytes, which are seconds of a run.
SEND_BUFFER = 128 << 10
_EXTENSION = "gilscope.viewer"


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's, which also writes frames that were made already; it keeps but the rest of one write."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio calls it."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=1)  # with 0 one that speaks TLS would pause for good
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Request) -> None:
        """As uvicorn calls it, with the request."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][_EXTENSION] = {"protocol": self}

    async def write(self, frames: bytes) -> None:
        """Write whole frames once those before have gone; WebSocketDisconnect where nobody is there."""
        if not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected or self.close_sent or self.transport.is_closing():
            raise WebSocketDisconnect(1006)
        self.transport.write(frames)


async def send_all(websocket: WebSocket, packets: AsyncIterator[Packet]) -> None:
    """Send a viewer all there is, and close; TimeoutError where it takes nothing for SEND_LIMIT_S."""
    extension = websocket.scope.get("extensions", {}).get(_EXTENSION)
    if extension is None:  # another server's, or a test's
        async for packet in packets:
            for text in packet.texts:
                await asyncio.wait_for(websocket.send_text(text), SEND_LIMIT_S)
    else:
        protocol = cast(SocketProtocol, extension["protocol"])
        async for packet in packets:
            if protocol.writable.is_set():
                await protocol.write(packet.framed)
            else:
                await asyncio.wait_for(protocol.write(packet.framed), SEND_LIMIT_S)
    await asyncio.wait_for(websocket.close(), SEND_LIMIT_S)
