"""The protocol of a calculator, as a generator that knows of no socket, and four servers that speak it.

client → server    sum             or product: what is to be done with the numbers that follow
client → server    12              a number; as many lines as one likes
client → server    =
server → client    57              and the next sum or product begins; or  error: ...
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial, reduce
from itertools import count
from operator import add, mul
from threading import Lock
from typing import NamedTuple

from app.workloads.loops.generator_tasks import GeneratorTasks, Task, Until
from app.workloads.names import name_this_thread
from app.workloads.sockets import STOP_POLL_S

OPERATIONS: dict[bytes, Callable[[int, int], int]] = {b"sum": add, b"product": mul}

_LENGTH = 4096
_MOST_AT_ONCE = 64  # clients
_DIGITS = 20  # of a number in a line, at the most


def calculator() -> Generator[bytes, bytes, None]:
    """One client's conversation: it is sent a line, and yields what to answer, nothing for most lines.

    To be begun with next(), as every generator that is sent to.
    """
    operation, numbers = add, list[int]()
    line = yield b""
    while True:
        answer = b""
        if line in OPERATIONS:
            operation = OPERATIONS[line]
        elif line == b"=":
            answer = b"%d\n" % reduce(operation, numbers) if numbers else b"error: no numbers\n"
            numbers.clear()
        elif line.lstrip(b"-").isdigit() and len(line) <= _DIGITS:
            numbers.append(int(line))
        else:
            answer = b"error: neither an operation nor a number nor =\n"
        line = yield answer


class Conversation:
    """A calculator behind bytes: it is given what came, and returns what is to be sent."""

    def __init__(self) -> None:
        self._calculator = calculator()
        next(self._calculator)
        self._partial = b""

    def take(self, received: bytes) -> bytes:
        """The answers to the lines that are whole by now."""
        *lines, self._partial = (self._partial + received).split(b"\n")
        return b"".join(map(self._calculator.send, lines))


class Serving(NamedTuple):
    """What a server is given: whether it is over, and whom to tell of an answer."""

    listening: socket.socket
    over: Callable[[], bool]
    answered: Callable[[], None]


def blocking(serving: Serving) -> None:
    """One client after the other, each until it hangs up."""
    for client in _accepted(serving):
        _talk(serving, client)


def threads(serving: Serving) -> None:
    """A thread for each client, from a pool, so that one whose client has gone serves the next."""
    counting, named = Lock(), partial(_name_in_turn, count(1))

    def answered() -> None:
        with counting:  # the counter is one worker's, and here many threads are that worker
            serving.answered()

    talking: list[Future[None]] = []
    with ThreadPoolExecutor(_MOST_AT_ONCE, initializer=named) as pool:
        for client in _accepted(serving):
            talking.append(pool.submit(_talk, serving._replace(answered=answered), client))
            for ended in [each for each in talking if each.done()]:
                ended.result()  # or its failure would be nobody's
                talking.remove(ended)
    for ended in talking:
        ended.result()


def _name_in_turn(numbers: Iterator[int]) -> None:
    name_this_thread(f"talker-{next(numbers)}")


def generators(serving: Serving) -> None:
    """A generator for each client, and one that accepts them: tasks, sent to in turn by one thread."""
    serving.listening.setblocking(False)
    tasks = GeneratorTasks()

    def accept() -> Task:
        while True:
            yield Until(serving.listening, selectors.EVENT_READ)
            client, _ = serving.listening.accept()
            tasks.start(talk(client))

    def talk(client: socket.socket) -> Task:
        with client, suppress(ConnectionError):
            client.setblocking(False)
            conversation = Conversation()
            while True:
                yield Until(client, selectors.EVENT_READ)
                received = client.recv(_LENGTH)
                if not received:
                    return
                answer = conversation.take(received)
                while answer:
                    yield Until(client, selectors.EVENT_WRITE)
                    answer = answer[client.send(answer) :]
                    if not answer:
                        serving.answered()

    tasks.start(accept())
    try:
        tasks.run(serving.over, STOP_POLL_S)
    finally:
        tasks.close()


def event_loop(serving: Serving) -> None:
    """A coroutine for each client: asyncio has the scheduler."""
    asyncio.run(_serve(serving))


SERVERS: dict[str, Callable[[Serving], None]] = {
    "blocking": blocking,
    "threads": threads,
    "generators": generators,
    "asyncio": event_loop,
}


def _accepted(serving: Serving) -> Iterator[socket.socket]:
    serving.listening.settimeout(STOP_POLL_S)
    while not serving.over():
        try:
            client, _ = serving.listening.accept()
        except socket.timeout:
            continue
        yield client


def _talk(serving: Serving, client: socket.socket) -> None:
    conversation = Conversation()
    with client, suppress(ConnectionError):
        client.settimeout(STOP_POLL_S)
        while not serving.over():
            try:
                received = client.recv(_LENGTH)
            except socket.timeout:
                continue
            if not received:
                return
            if answer := conversation.take(received):
                client.sendall(answer)
                serving.answered()


async def _serve(serving: Serving) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = Conversation()
        try:
            while received := await reader.read(_LENGTH):
                if answer := conversation.take(received):
                    writer.write(answer)
                    await writer.drain()
                    serving.answered()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client went, or the loop ends: either way there is nobody to serve any more
        finally:
            writer.close()

    serving.listening.setblocking(False)
    # The server closes what it listens on; the next one goes on with the original.
    server = await asyncio.start_server(talk, sock=serving.listening.dup())
    while not serving.over():  # noqa: ASYNC110 - another process says so, in shared memory
        await asyncio.sleep(STOP_POLL_S / 10)
    server.close()
