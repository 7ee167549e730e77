"""Requests to a real local HTTP server, which answers after a while, and to some much too late."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Companion, Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown, of_latencies
from app.workloads.sockets import STOP_POLL_S, listen

_HOST = "127.0.0.1"
_BODY = b"answered\n"


class _Server(ThreadingHTTPServer):
    """A thread for each request; nobody waits for those that still sleep when it ends."""

    daemon_threads = True
    block_on_close = False
    timeout = STOP_POLL_S

    def __init__(self, listening: socket.socket, params: Any) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.params = params

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what the workload is about, and no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        sleep(self.server.params["slow_ms" if self.path == "/slow" else "delay_ms"] / 1000)
        self.send_response(200)
        self.send_header("Content-Length", str(len(_BODY)))
        self.end_headers()
        self.wfile.write(_BODY)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads its log."""


def _serve(ctx: Context) -> None:
    with _Server(ctx.prepared, ctx.params) as server:
        while not ctx.stopping:
            server.handle_request()


def _prepare(setting: Setting, resources: ExitStack) -> socket.socket:
    return listen(resources)


class _Tally:
    """What came of one worker's requests."""

    def __init__(self, ctx: Context) -> None:
        self._every = int(ctx.params["slow_every"])
        self._sent = 0
        self.latencies = Latencies()
        self.timed_out = 0

    def next_path(self) -> str:
        """Where the next request goes."""
        self._sent += 1
        return "/slow" if self._every and self._sent % self._every == 0 else "/"

    def found(self) -> Json:
        """All of it."""
        return {"latencies": self.latencies, "timed_out": self.timed_out}


def _work(ctx: Context) -> Json:
    tally, timeout_s = _Tally(ctx), ctx.params["timeout_ms"] / 1000
    port = ctx.prepared.getsockname()[1]
    while not ctx.stopping:
        sent_ns = monotonic_ns()
        connection = HTTPConnection(_HOST, port, timeout=timeout_s)
        try:
            connection.request("GET", tally.next_path())
            connection.getresponse().read()
        except (OSError, HTTPException):
            tally.timed_out += 1
        else:
            tally.latencies.add(monotonic_ns() - sent_ns)
            ctx.count(1)
        finally:
            connection.close()
    return tally.found()


async def _coroutine(ctx: Context) -> Json:
    tally, timeout_s = _Tally(ctx), ctx.params["timeout_ms"] / 1000
    port = ctx.prepared.getsockname()[1]
    while not ctx.stopping:
        sent_ns = monotonic_ns()
        try:
            await asyncio.wait_for(_get(port, tally.next_path()), timeout_s)
        except (OSError, asyncio.TimeoutError):
            tally.timed_out += 1
        else:
            tally.latencies.add(monotonic_ns() - sent_ns)
            ctx.count(1)
    return tally.found()


async def _get(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection(_HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {_HOST}\r\n\r\n".encode())
        if not (await reader.read()).endswith(_BODY):
            raise ConnectionError("the answer is not whole")
    finally:
        writer.close()


def _summarise(prepared: object, found: Sequence[Json], companion: Json | None) -> Json:
    latencies = Latencies()
    for each in found:
        latencies.merge(each["latencies"])
    return {
        "latency_ms": latencies.summary_ms(),
        "timed_out": sum(each["timed_out"] for each in found),
    }


def _showed(result: Json) -> Sequence[str]:
    latency = result["latency_ms"]
    if not latency["count"]:
        return (f"No request was answered in time; {result['timed_out']} timed out.",)
    return (
        f"{result['workers']} workers on {result['executor']} got {result['ops_per_s']:,.0f} answers a "
        f"second: half of them within {latency['p50']:.0f} ms, 99 of 100 within {latency['p99']:.0f} ms.",
        f"{result['timed_out']:,} requests were given up when their time was out.",
    )


WEB_REQUESTS = Workload(
    name="web-requests",
    family="models",
    title="Web requests",
    sentence="Requests to a local HTTP server that takes its time, and now and then far too long.",
    op="one request answered in time",
    look_for=(
        "The workers' lanes are io: each waits for its answer, and holds no lock meanwhile. The GIL is idle.",
        "Twice the workers get twice the answers, on threads and tasks as on processes. On sequential each "
        "answer is waited for alone.",
        "One request in ten goes to a page that is slower than the time-out: it costs the time-out and no "
        "more. Raise timeout_ms above slow_ms, and p99 follows.",
    ),
    why=(
        "What takes the time is another machine's, so waiting for many answers at once costs hardly more "
        "than waiting for one.",
        "Without a time-out one slow page holds its worker for as long as it likes.",
    ),
    helps=(
        "Threads for tens of requests at once, asyncio for thousands; a time-out for each, always.",
        "A connection that is kept open, where many requests go to one server.",
    ),
    subject="Concurrent web requests (chapter 5).",
    mended=Variant("More workers at once", workers=16),
    roles=("client",),
    work=_work,
    coroutine=_coroutine,
    executors=("threads", "processes", "sequential", "asyncio"),
    companion=Companion("server", _serve),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        *of_latencies("latency_ms", "Answer"),
        Shown("timed_out", "Given up when their time was out"),
    ),
    params=(
        Param(
            "delay_ms",
            "float",
            20.0,
            "How long the server takes for an answer.",
            min=0.0,
            max=400.0,
            unit="ms",
        ),
        Param("slow_ms", "float", 400.0, "How long for a slow one.", min=0.0, max=2000.0, unit="ms"),
        Param("slow_every", "int", 10, "Every which request is a slow one; 0 for none.", min=0, max=1000),
        Param("timeout_ms", "float", 200.0, "When a request is given up.", min=1.0, max=500.0, unit="ms"),
    ),
)
