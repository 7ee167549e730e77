"""Four ways to serve many clients: one at a time, a thread each, a selector, an event loop."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Iterator
from threading import Lock, Thread

from app.workloads.context import Context
from app.workloads.sockets import STOP_POLL_S

MESSAGE = b"hello"

_LENGTH = 4096


def blocking(ctx: Context, listening: socket.socket) -> None:
    """One client after the other, each until it hangs up."""
    for client in _accepted(ctx, listening):
        _echo(ctx, client, ctx.count)


def threads(ctx: Context, listening: socket.socket) -> None:
    """A thread for each client."""
    counting = Lock()
    serving: list[Thread] = []

    def count(ops: int) -> None:
        with counting:  # the counter is one worker's, and here many threads are that worker
            ctx.count(ops)

    for client in _accepted(ctx, listening):
        thread = Thread(target=_echo, args=(ctx, client, count), name="server-client")
        thread.start()
        serving = [each for each in serving if each.is_alive()] + [thread]
    for thread in serving:
        thread.join()


def selector(ctx: Context, listening: socket.socket) -> None:
    """One thread, which asks the kernel whom it can read from without waiting."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(listening, selectors.EVENT_READ)
        while not ctx.stopping:
            for key, _ in waiting.select(STOP_POLL_S):
                if key.data is None:
                    client, _ = listening.accept()
                    client.setblocking(False)
                    waiting.register(client, selectors.EVENT_READ, client)
                else:
                    _answer(ctx, waiting, key.data)
        for key in list(waiting.get_map().values()):
            if key.data is not None:
                _drop(waiting, key.data)


def event_loop(ctx: Context, listening: socket.socket) -> None:
    """The same as a coroutine for each client: the loop keeps the selector."""
    asyncio.run(_serve(ctx, listening))


SERVERS: dict[str, Callable[[Context, socket.socket], None]] = {
    "blocking": blocking,
    "threads": threads,
    "selector": selector,
    "asyncio": event_loop,
}


def _accepted(ctx: Context, listening: socket.socket) -> Iterator[socket.socket]:
    listening.settimeout(STOP_POLL_S)
    while not ctx.stopping:
        try:
            client, _ = listening.accept()
        except socket.timeout:
            continue
        yield client


def _echo(ctx: Context, client: socket.socket, count: Callable[[int], None]) -> None:
    with client:
        client.settimeout(STOP_POLL_S)
        while not ctx.stopping:
            try:
                received = client.recv(_LENGTH)
                if not received:
                    return
                client.sendall(received)
            except socket.timeout:
                continue
            except ConnectionError:
                return
            count(1)


def _answer(ctx: Context, waiting: selectors.BaseSelector, client: socket.socket) -> None:
    try:
        received = client.recv(_LENGTH)
        if received:
            client.sendall(received)
            ctx.count(1)
            return
    except ConnectionError:
        pass
    _drop(waiting, client)


def _drop(waiting: selectors.BaseSelector, client: socket.socket) -> None:
    waiting.unregister(client)
    client.close()


async def _serve(ctx: Context, listening: socket.socket) -> None:
    listening.setblocking(False)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while received := await reader.read(_LENGTH):
                writer.write(received)
                await writer.drain()
                ctx.count(1)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client went, or the loop ends: either way there is nobody to serve any more
        finally:
            writer.close()

    server = await asyncio.start_server(echo, sock=listening)
    while not ctx.stopping:  # noqa: ASYNC110 - another process says so, in shared memory
        await asyncio.sleep(STOP_POLL_S)
    server.close()
