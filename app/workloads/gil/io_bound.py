"""Work that waits: for time to pass, or for a remote server to answer."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Mapping
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Companion, Param, Workload
from app.workloads.context import Context

_MAX_WORKERS = 64
_REQUEST = b"ping\n"
_STOP_POLL_S = 0.1  # how often the server looks whether it is time to end
_NS_A_MS = 1_000_000


class Connections:
    """A connected pair of sockets for each worker that may come: its own end, and the server's."""

    def __init__(self) -> None:
        pairs = [socket.socketpair() for _ in range(_MAX_WORKERS)]
        self.clients = [client for client, _ in pairs]
        self.servers = [server for _, server in pairs]


def _prepare(params: Mapping[str, Any]) -> Connections | None:
    return Connections() if _uses_sockets(params) else None


def _uses_sockets(params: Mapping[str, Any]) -> bool:
    return bool(params["kind"] != "sleep")


def _work(ctx: Context) -> None:
    kind, pause_s = ctx.params["kind"], ctx.params["wait_ms"] / 1000
    turn = 0
    while not ctx.stopping:
        if kind == "sleep" or (kind == "mixed" and turn % 2):
            sleep(pause_s)
        else:
            connection = ctx.prepared.clients[ctx.worker]
            connection.sendall(_REQUEST)
            connection.recv(len(_REQUEST))
        turn += 1
        ctx.count(1)


def _serve(ctx: Context) -> None:
    """Answer each request after the set delay. The delay is one for all, so answers are due in order."""
    delay_ns = int(ctx.params["wait_ms"] * _NS_A_MS)
    due: deque[tuple[int, socket.socket]] = deque()
    with selectors.DefaultSelector() as selector:
        for worker, connection in enumerate(ctx.prepared.servers):
            selector.register(connection, selectors.EVENT_READ, worker)
        while not ctx.stopping or due:
            timeout_s = (due[0][0] - monotonic_ns()) / 1e9 if due else _STOP_POLL_S
            for key, _ in selector.select(max(timeout_s, 0)):
                connection = ctx.prepared.servers[key.data]
                connection.recv(len(_REQUEST))
                due.append((monotonic_ns() + delay_ns, connection))
            while due and due[0][0] <= monotonic_ns():
                due.popleft()[1].sendall(_REQUEST)


IO_BOUND = Workload(
    name="io-bound",
    family="gil",
    title="I/O-bound threads",
    sentence="Workers that sleep and wait for a server's answers: the GIL is hardly held, and threads help.",
    op="one sleep, or one request and its answer",
    look_for=(
        "The GIL lane is nearly empty: a thread lets go of the lock before it blocks, and needs it only for "
        "the moments between two waits.",
        "Every worker's lane is sleep or io. Waits overlap, so twice the threads do twice the operations.",
        "The server is a process of its own, grouped apart: it is not part of what is measured.",
    ),
    finding="gil-idle",
    roles=("io",),
    work=_work,
    max_workers=_MAX_WORKERS,
    companion=Companion("server", _serve, wanted=_uses_sockets),
    prepare=_prepare,
    params=(
        Param(
            "kind",
            "choice",
            "mixed",
            "What is waited for: time, a local server's answer, or one after the other.",
            choices=("sleep", "sockets", "mixed"),
        ),
        Param("wait_ms", "float", 10.0, "How long each wait lasts.", min=0.1, max=300.0, unit="ms"),
    ),
)
