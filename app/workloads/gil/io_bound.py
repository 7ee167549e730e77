"""Work that waits: for time to pass, or for a remote server to answer."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Companion, Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.sockets import REQUEST, STOP_POLL_S, Connection, ask, ask_async, connect
from app.workloads.throughput import told

_NS_A_MS = 1_000_000
_NS_A_SECOND = 1_000_000_000


def _uses_sockets(params: Mapping[str, Any]) -> bool:
    return bool(params["kind"] != "sleep")


def _prepare(setting: Setting, resources: ExitStack) -> list[Connection]:
    """A connection to the server for each worker."""
    workers = setting.workers if _uses_sockets(setting.params) else 0
    return [connect(resources) for _ in range(workers)]


def _work(ctx: Context) -> None:
    kind, wait_s = ctx.params["kind"], ctx.params["wait_ms"] / 1000
    turn = 0
    while not ctx.stopping:
        if kind == "sleep" or (kind == "mixed" and turn % 2):
            sleep(wait_s)
        elif not ask(ctx, ctx.prepared[ctx.worker].client):
            return
        turn += 1
        ctx.count(1)


async def _coroutine(ctx: Context) -> None:
    kind, wait_s = ctx.params["kind"], ctx.params["wait_ms"] / 1000
    turn = 0
    while not ctx.stopping:
        if kind == "sleep" or (kind == "mixed" and turn % 2):
            await asyncio.sleep(wait_s)
        elif not await ask_async(ctx, ctx.prepared[ctx.worker].client):
            return
        turn += 1
        ctx.count(1)


def _serve(ctx: Context) -> None:
    """Answer each request after the set delay, which is one for all: answers are due in order."""
    delay_ns = int(ctx.params["wait_ms"] * _NS_A_MS)
    due: deque[tuple[int, socket.socket]] = deque()
    with selectors.DefaultSelector() as selector:
        for worker, connection in enumerate(ctx.prepared):
            selector.register(connection.server, selectors.EVENT_READ, worker)
        while not ctx.stopping:
            timeout_s = (due[0][0] - monotonic_ns()) / _NS_A_SECOND if due else STOP_POLL_S
            for key, _ in selector.select(max(timeout_s, 0)):
                server = ctx.prepared[key.data].server
                server.recv(len(REQUEST))
                due.append((monotonic_ns() + delay_ns, server))
            while due and due[0][0] <= monotonic_ns():
                due.popleft()[1].sendall(REQUEST)


def _showed(result: Json) -> Sequence[str]:
    return (told(result, "ended waits"),)


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
    why=(
        "Before it blocks in the kernel a thread lets go of the GIL, and all the others may run: waiting is "
        "the one thing that any number of threads do at once.",
    ),
    helps=(
        "Threads or asyncio are enough, and processes would only cost memory.",
        "One event loop serves thousands of connections for which a thread each would be too much.",
    ),
    subject="Working with threads, and web requests at the same time (chapters 3 and 5).",
    finding="gil-idle",
    showed=_showed,
    roles=("io",),
    work=_work,
    coroutine=_coroutine,
    executors=("threads", "processes", "sequential", "asyncio"),
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
