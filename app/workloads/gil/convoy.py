"""One I/O thread that answers requests, beside threads that compute."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Companion, Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.gil.cpu_bound import count_down
from app.workloads.interpreter import gil_enabled
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown, of_latencies
from app.workloads.sockets import REQUEST, STOP_POLL_S, Connection, ask, connect

ALONE_SHARE = 0.2  # of the time, at first: the I/O thread has the interpreter to itself

THINK = Param(
    "think_ms",
    "float",
    1.0,
    "The client's pause between two requests.",
    min=0.1,
    max=100.0,
    unit="ms",
)

_NS_A_SECOND = 1_000_000_000


def _prepare(setting: Setting, resources: ExitStack) -> Connection:
    sys.setswitchinterval(float(setting.params["switch_interval_ms"]) / 1000)
    return connect(resources)


def _beside_from_ns(ctx: Context) -> int:
    """When the computing threads begin."""
    start_ns, deadline_ns = ctx.span
    return start_ns + int(ALONE_SHARE * (deadline_ns - start_ns))


def _work(ctx: Context) -> Json | None:
    if ctx.role == "io":
        answer(ctx)
        return None
    return _compute(ctx)


def answer(ctx: Context) -> None:
    """Answer each request as it comes, until it is time to end."""
    server = ctx.prepared.server
    while not ctx.stopping:
        with suppress(BlockingIOError):  # no request for a while
            server.sendall(server.recv(len(REQUEST)))
            ctx.count(1)


def _compute(ctx: Context) -> Json:
    begin_ns, rounds = _beside_from_ns(ctx), 0
    while not ctx.stopping:
        wait_s = (begin_ns - monotonic_ns()) / _NS_A_SECOND
        if wait_s > 0:
            sleep(min(wait_s, STOP_POLL_S))
            continue
        if ctx.worker == 1 and not rounds:
            ctx.report({"phase": "beside_cpu"})
        count_down()
        rounds += 1
    return {"rounds": rounds}


def _request(ctx: Context) -> Json:
    """The client: it times each request, from a process of its own so that no GIL is in its way."""
    client, think_s = ctx.prepared.client, ctx.params["think_ms"] / 1000
    begin_ns = _beside_from_ns(ctx)
    alone, beside = Latencies(), Latencies()
    while not ctx.stopping:
        sent_ns = monotonic_ns()
        if ask(ctx, client):
            answered_ns = monotonic_ns()
            (alone if answered_ns < begin_ns else beside).add(answered_ns - sent_ns)
        sleep(think_s)
    ended_ns = min(monotonic_ns(), ctx.span.deadline_ns)  # not the wait for an answer that never came
    return {
        "answers_alone_per_s": _rate(alone, min(begin_ns, ended_ns) - ctx.span.start_ns),
        "answers_beside_cpu_per_s": _rate(beside, ended_ns - begin_ns),
        "latency_alone_ms": alone.summary_ms(),
        "latency_beside_cpu_ms": beside.summary_ms(),
    }


def _rate(latencies: Latencies, length_ns: int) -> float | None:
    """Answers in a second; None for a phase that never came."""
    return latencies.count * _NS_A_SECOND / length_ns if length_ns > 0 else None


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return {
        **(companion or {}),
        "switch_interval_ms": sys.getswitchinterval() * 1000,
        "gil_enabled": gil_enabled(),
        "cpu_rounds": sum(each.get("rounds", 0) for each in found),
    }


def _showed(result: Json) -> Sequence[str]:
    alone, beside = result["latency_alone_ms"], result["latency_beside_cpu_ms"]
    if not alone["count"] or not beside["count"]:
        return ("The run ended before both phases had an answer.",)
    return (
        f"Alone, half of the answers came within {alone['p50']:.2f} ms; beside the computing workers within "
        f"{beside['p50']:.2f} ms, "
        + (
            f"at a switch interval of {result['switch_interval_ms']:g} ms."
            if result["gil_enabled"]
            else "for there is no GIL here to wait for."
        ),
        f"The client got {result['answers_alone_per_s']:,.1f} answers a second, and then "
        f"{result['answers_beside_cpu_per_s']:,.1f}.",
    )


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
        "Compare the two rates and the two latencies in the result. Set the switch interval to 1 ms or to "
        "20 ms: they follow.",
    ),
    why=(
        "To return from a system call the thread needs the GIL. It waits a switch interval, asks the holder "
        "to let go, and then waits for whichever computing thread takes the lock before it does.",
        "It gives the lock away again with its next system call, microseconds later: a thread that needs "
        "little is made to wait as long as one that needs much.",
    ),
    helps=(
        "Compute in other processes or interpreters: the I/O thread then has its GIL to itself.",
        "A shorter switch interval shortens each wait, at the price of more switches for all.",
    ),
    subject="The global interpreter lock: I/O beside computation (chapter 15).",
    finding="gil-convoy",
    mended=Variant("The computing in other processes", executor="processes"),
    showed=_showed,
    shown=(
        Shown("answers_alone_per_s", "Answers alone", "rate"),
        Shown("answers_beside_cpu_per_s", "Answers beside computing threads", "rate"),
        *of_latencies("latency_alone_ms", "Answer alone"),
        *of_latencies("latency_beside_cpu_ms", "Answer beside computing threads"),
        Shown("switch_interval_ms", "Switch interval", "ms"),
        Shown("cpu_rounds", "Countdowns of the computing threads"),
    ),
    roles=("io", "cpu"),
    counting="io",
    work=_work,
    executors=("threads", "processes"),
    min_workers=2,
    max_workers=16,
    companion=Companion("client", _request),
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
        THINK,
    ),
)
