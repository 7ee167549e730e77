"""A server that echoes what its clients send, built in four ways, under the same load."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Thread
from time import monotonic_ns, sleep

from app.workloads.catalogue import Companion, Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.loops.servers import MESSAGE, SERVERS
from app.workloads.measured import Shown, of_latencies
from app.workloads.sockets import STOP_POLL_S, listen

MESSAGES = 20  # before a client hangs up and comes again


def _prepare(setting: Setting, resources: ExitStack) -> socket.socket:
    return listen(resources)


def _work(ctx: Context) -> None:
    SERVERS[ctx.params["server"]](ctx, ctx.prepared)


class _Client:
    """One of the clients: it connects, sends and waits, hangs up, and comes again."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.connecting = Latencies()
        self.answers = Latencies()

    def run(self) -> None:
        """Until it is time to end."""
        while not self._ctx.stopping:
            began_ns = monotonic_ns()
            with socket.create_connection(self._ctx.prepared.getsockname()) as connection:
                connection.settimeout(STOP_POLL_S)
                self._talk(connection, began_ns)

    def _talk(self, connection: socket.socket, began_ns: int) -> None:
        for turn in range(MESSAGES):
            sent_ns = monotonic_ns()
            if not self._answered(connection):
                return
            answered_ns = monotonic_ns()
            if turn:
                self.answers.add(answered_ns - sent_ns)
            else:
                self.connecting.add(answered_ns - began_ns)
            sleep(self._ctx.params["think_ms"] / 1000)

    def _answered(self, connection: socket.socket) -> bool:
        try:
            connection.sendall(MESSAGE)
            while not self._ctx.stopping:
                try:
                    return bool(connection.recv(len(MESSAGE)))
                except socket.timeout:
                    continue
        except ConnectionError:  # the server ended first
            return False
        return False


def _load(ctx: Context) -> Json:
    """All clients, each in a thread of this process."""
    clients = [_Client(ctx) for _ in range(ctx.params["clients"])]
    threads = [Thread(target=client.run) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connecting, answers = Latencies(), Latencies()
    for client in clients:
        connecting.merge(client.connecting)
        answers.merge(client.answers)
    return {
        "clients_served": sum(client.connecting.count > 0 for client in clients),
        "first_answer_ms": connecting.summary_ms(),
        "latency_ms": answers.summary_ms(),
    }


def _summarise(prepared: object, found: Sequence[Json], companion: Json | None) -> Json:
    return companion or {}


def _showed(result: Json) -> Sequence[str]:
    first, latency = result["first_answer_ms"], result["latency_ms"]
    if not first["count"] or not latency["count"]:
        return ("The run ended before a client was served.",)
    return (
        f"Clients served: {result['clients_served']}, with {result['ops_per_s']:,.0f} answers a second.",
        f"A client that connected waited a median of {first['p50']:.1f} ms for its first answer, and "
        f"{first['max']:.0f} ms at most; for the next ones a median of {latency['p50']:.2f} ms.",
    )


ECHO_SERVER = Workload(
    name="echo-server",
    family="asyncio",
    title="An echo server",
    sentence="The same small protocol served in four ways: blocking, a thread a client, a selector, asyncio.",
    op="one message echoed",
    look_for=(
        "asyncio and selector serve all clients in one thread, whose lane is io between messages; the server "
        "with threads has a lane for each client.",
        "Choose blocking: it serves one client until it hangs up, and the others wait in the queue of the "
        "kernel. first_answer_ms shows that, latency_ms does not: who is served is served well.",
    ),
    why=(
        "A server mostly waits for its clients to speak. What differs is how it waits for many at once: not "
        "at all, in as many threads, or in one call that tells who can be read.",
    ),
    helps=(
        "asyncio or threads for tens of clients, asyncio for thousands: a task costs kilobytes, a thread a "
        "stack and its turns for the GIL.",
        "Whatever computes belongs elsewhere: in an event loop it holds up all clients.",
    ),
    subject="Communication with asyncio, and a server from scratch (chapters 11 and 18).",
    mended=Variant("The server with asyncio", params={"server": "asyncio"}),
    roles=("server",),
    work=_work,
    executors=("threads",),
    workers=1,
    max_workers=1,
    companion=Companion("clients", _load),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("clients_served", "Clients served"),
        *of_latencies("first_answer_ms", "First answer"),
        *of_latencies("latency_ms", "Later answers"),
    ),
    params=(
        Param("server", "choice", "blocking", "How the server is built.", choices=tuple(SERVERS)),
        Param("clients", "int", 8, "How many clients there are.", min=1, max=64),
        Param("think_ms", "float", 2.0, "A client's pause after an answer.", min=0.0, max=300.0, unit="ms"),
    ),
)
