"""Local sockets between a workload and its companion, on which nobody is left waiting at the end of a run."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import Connection as PipeConnection
from typing import NamedTuple

from app.workloads.context import Context

REQUEST = b"request\n"
STOP_POLL_S = 0.2  # how long a receiver may be blocked before it looks whether it is time to end

_BACKLOG = 128
_TIMEVAL = struct.pack("ll", 0, int(STOP_POLL_S * 1_000_000))


class Connection(NamedTuple):
    """Both ends of a pair of connected sockets. At either, recv raises BlockingIOError after STOP_POLL_S."""

    client: socket.socket
    server: socket.socket


def connect(resources: ExitStack) -> Connection:
    """A new connection, closed with the resources."""
    ends = Connection(*socket.socketpair())
    for end in ends:
        resources.enter_context(end)
        # The kernel's time-out, not the socket module's, which asks poll before every recv: each system
        # call is one more wait for the GIL, and would be measured as if the workload needed it.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
    return ends


def paired(resources: ExitStack) -> tuple[PipeConnection, PipeConnection]:
    """Both ends of a connection that carries whole messages, closed with the resources."""
    one, other = Pipe()
    return resources.enter_context(one), resources.enter_context(other)


def listen(resources: ExitStack) -> socket.socket:
    """A socket that listens on a free port of this machine alone, closed with the resources."""
    return resources.enter_context(socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG))


def ask(ctx: Context, connection: socket.socket) -> bool:
    """Send a request and wait for its answer; false if it is time to end before the answer comes."""
    connection.sendall(REQUEST)
    while not ctx.stopping:
        try:
            return bool(connection.recv(len(REQUEST)))
        except BlockingIOError:
            continue
    return False


async def ask_async(ctx: Context, connection: socket.socket) -> bool:
    """The same without blocking the loop."""
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, REQUEST)
    while not ctx.stopping:
        try:
            return bool(await asyncio.wait_for(loop.sock_recv(connection, len(REQUEST)), STOP_POLL_S))
        except asyncio.TimeoutError:
            continue
    return False
