"""One I/O thread that answers requests, beside threads that compute."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from time import monotonic_ns, sleep
from typing import Any, NamedTuple

from app.workloads.catalogue import Companion, Param, Workload
from app.workloads.context import Context, Json
from app.workloads.gil.cpu_bound import count_down
from app.workloads.latencies import Latencies

ALONE_SHARE = 0.2  # of the time, at first: the I/O thread has the interpreter to itself

_REQUEST = b"request\n"
_STOP_POLL_S = 0.2
_TIMEVAL = struct.pack("ll", 0, int(_STOP_POLL_S * 1_000_000))


class Connection(NamedTuple):
    """Both ends of the socket between client and server."""

    client: socket.socket
    server: socket.socket


def _prepare(params: Mapping[str, Any]) -> Connection:
    sys.setswitchinterval(params["switch_interval_ms"] / 1000)
    ends = Connection(*socket.socketpair())
    for end in ends:
        # The kernel's time-out, not the socket module's, which would ask poll before every recv: each
        # system call is one more wait for the GIL, and the answer is to take as few as a C server's would.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
    return ends


def _beside_from_ns(ctx: Context) -> int:
    """When the computing threads begin."""
    start_ns, deadline_ns = ctx.span
    return start_ns + int(ALONE_SHARE * (deadline_ns - start_ns))


def _work(ctx: Context) -> Json | None:
    if ctx.role == "io":
        _answer(ctx)
        return None
    return _compute(ctx)


def _answer(ctx: Context) -> None:
    connection = ctx.prepared.server
    while not ctx.stopping:
        with contextlib.suppress(BlockingIOError):  # the time-out
            connection.sendall(connection.recv(len(_REQUEST)))
            ctx.count(1)


def _compute(ctx: Context) -> Json:
    begin_ns, rounds = _beside_from_ns(ctx), 0
    while not ctx.stopping:
        wait_s = (begin_ns - monotonic_ns()) / 1e9
        if wait_s > 0:
            sleep(min(wait_s, _STOP_POLL_S))
        else:
            count_down()
            rounds += 1
    return {"rounds": rounds}


def _ask(ctx: Context) -> Json:
    """The client: it times each request, from a process of its own so that no GIL is in its way."""
    connection, think_s = ctx.prepared.client, ctx.params["think_ms"] / 1000
    begin_ns = _beside_from_ns(ctx)
    alone, beside = Latencies(), Latencies()
    while not ctx.stopping:
        sent_ns = monotonic_ns()
        connection.sendall(_REQUEST)
        while not ctx.stopping:
            with contextlib.suppress(BlockingIOError):
                connection.recv(len(_REQUEST))
                answered_ns = monotonic_ns()
                phase = alone if answered_ns < begin_ns else beside
                phase.add(answered_ns - sent_ns)
                break
        sleep(think_s)
    return {"latency_alone_ms": alone.summary_ms(), "latency_beside_cpu_ms": beside.summary_ms()}


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        **(companion or {}),
        "switch_interval_ms": sys.getswitchinterval() * 1000,
        "cpu_rounds": sum(each.get("rounds", 0) for each in found),
    }


CONVOY = Workload(
    name="convoy",
    family="gil",
    title="The convoy effect",
    sentence="One thread answers requests beside threads that compute: each answer waits for the GIL.",
    op="one request answered",
    look_for=(
        "In the first fifth of the time the I/O thread is alone, and answers in well under a millisecond.",
        "Then the computing threads begin. Each time a system call returns, the I/O thread has to wait a "
        "whole switch interval before it may ask for the GIL, and with several computing threads often more.",
        "Compare the two latencies in the result. Set the switch interval to 1 ms or to 20 ms: they follow.",
    ),
    finding="gil-convoy",
    roles=("io", "cpu"),
    work=_work,
    executors=("threads",),
    min_workers=2,
    companion=Companion("client", _ask),
    prepare=_prepare,
    summarise=_summarise,
    params=(
        Param(
            "switch_interval_ms",
            "float",
            5.0,
            "How long a thread waits for the GIL before it asks the holder to let go: sys.setswitchinterval.",
            min=0.1,
            max=100.0,
            unit="ms",
        ),
        Param(
            "think_ms",
            "float",
            1.0,
            "The client's pause between two requests.",
            min=0.1,
            max=100.0,
            unit="ms",
        ),
    ),
)
