"""The same mix of I/O and computing threads at one switch interval after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic_ns, sleep
from typing import Any

from app.workloads.catalogue import Companion, Setting, Workload
from app.workloads.context import Context, Json, Span
from app.workloads.gil.convoy import THINK, answer
from app.workloads.gil.cpu_bound import count_down
from app.workloads.latencies import Latencies
from app.workloads.measured import head
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.sockets import Connection, ask, connect

INTERVALS_MS = (0.01, 0.1, 1.0, 5.0, 20.0, 100.0)

_NS_A_SECOND = 1_000_000_000


def _prepare(setting: Setting, resources: ExitStack) -> Connection:
    resources.callback(sys.setswitchinterval, sys.getswitchinterval())
    return connect(resources)


def _step(span: Span) -> int:
    """Which interval's turn it is: each has an equal share of the time."""
    share = (monotonic_ns() - span.start_ns) / (span.deadline_ns - span.start_ns)
    return min(int(share * len(INTERVALS_MS)), len(INTERVALS_MS) - 1)


def _work(ctx: Context) -> Json | None:
    if ctx.role == "io":
        answer(ctx)
        return None
    rounds = [0] * len(INTERVALS_MS)
    set_for = None
    while not ctx.stopping:
        step = _step(ctx.span)
        if ctx.worker == 1 and step != set_for:
            set_for = step
            sys.setswitchinterval(INTERVALS_MS[step] / 1000)
            ctx.report({"phase": f"{INTERVALS_MS[step]:g} ms"})
        count_down()
        rounds[step] += 1
    return {"rounds": rounds}


def _request(ctx: Context) -> Json:
    """The client: it times each answer, from a process of its own."""
    latencies = [Latencies() for _ in INTERVALS_MS]
    while not ctx.stopping:
        step, sent_ns = _step(ctx.span), monotonic_ns()
        if ask(ctx, ctx.prepared.client):
            latencies[step].add(monotonic_ns() - sent_ns)
        sleep(ctx.params["think_ms"] / 1000)
    ended_ns = min(monotonic_ns(), ctx.span.deadline_ns)
    return {
        "latencies": [each.summary_ms() for each in latencies],
        "steps_s": _lengths_s(ctx.span, ended_ns),
    }


def _lengths_s(span: Span, ended_ns: int) -> list[float]:
    """How long each interval had: one that was never reached, nothing."""
    turn_ns = (span.deadline_ns - span.start_ns) / len(INTERVALS_MS)
    done_ns = ended_ns - span.start_ns
    return [min(max(done_ns - at * turn_ns, 0), turn_ns) / _NS_A_SECOND for at in range(len(INTERVALS_MS))]


def _summarise(prepared: Connection, found: Sequence[Json], companion: Json | None) -> Json:
    assert companion is not None
    rows = []
    for at, interval_ms in enumerate(INTERVALS_MS):
        length_s, latency = companion["steps_s"][at], companion["latencies"][at]
        if length_s:
            rounds = sum(worker["rounds"][at] for worker in found[1:])
            rates = [round(count / length_s, 1) for count in (rounds, latency["count"])]
            rows.append([interval_ms, *rates, *(_rounded(latency[key]) for key in ("p50", "p99"))])
    columns = ["interval_ms", "countdowns_per_s", "answers_per_s", "latency_p50_ms", "latency_p99_ms"]
    heads = [
        *(head("Switch interval", "ms"), head("Countdowns", "rate"), head("Answers", "rate")),
        *(head("Answer, median", "ms"), head("Answer, 99th percentile", "ms")),
    ]
    return {
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(rows) if rows else [],
    }


def pictures(rows: Sequence[Sequence[Any]]) -> list[Json]:
    """The curves of the table: what answers wait, and what is computed meanwhile, by the interval."""
    named = [f"{row[0]:g}" for row in rows]
    at = Axis("switch interval in ms", lambda place: named[int(place) - 1], [*range(1, len(rows) + 1)])
    latencies = [
        Line(
            label,
            colour,
            [(n, row[column]) for n, row in enumerate(rows, 1) if row[column] is not None],
            True,
        )
        for label, colour, column in (("median", COLOURS[0], 3), ("99th percentile", COLOURS[2], 4))
    ]
    rates = [Line("countdowns", COLOURS[4], [(n, row[1]) for n, row in enumerate(rows, 1)], True)]
    first, last = rows[0], rows[-1]
    return [
        {
            "title": "How long an answer takes, by the switch interval",
            "svg": chart(at, Axis("ms", "{:g}".format), latencies),
            "alt": f"Median at {first[0]:g} ms: {_said(first[3])}; at {last[0]:g} ms: {_said(last[3])}.",
        },
        {
            "title": "How much is computed meanwhile, by the switch interval",
            "svg": chart(at, Axis("/s", "{:,.0f}".format), rates),
            "alt": f"At {first[0]:g} ms {first[1]:,.0f} a second, at {last[0]:g} ms {last[1]:,.0f}.",
        },
    ]


def _said(latency_ms: float | None) -> str:
    return "no answer" if latency_ms is None else f"{latency_ms:.3g} ms"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _showed(result: Json) -> Sequence[str]:
    return [
        f"At {interval:g} ms: {rounds:,.0f} countdowns a second, and "
        + ("no answer in all that time." if p50 is None else f"half of the answers within {p50:.3g} ms.")
        for interval, rounds, _, p50, _ in result["table"]["rows"]
    ]


SWITCH_INTERVAL = Workload(
    name="switch-interval",
    family="gil",
    title="The switch interval",
    sentence="I/O beside computing threads, at intervals from 10 µs to 100 ms: latency for throughput.",
    op="one request answered",
    look_for=(
        "Each sixth of the time has another switch interval, from 10 µs to 100 ms: watch the switches per "
        "second fall, and the I/O thread's waits grow.",
        "In the curves latency follows the interval; the countdowns change much less, and only where a "
        "switch comes so often that it costs more than the work between two of them.",
    ),
    why=(
        "The interval is how long a thread waits before it asks the holder to let go: no promise, and no "
        "time slice. Who gets the lock next is the operating system's choice.",
        "Each switch costs a system call or two, and caches that the next thread has to fill anew.",
    ),
    helps=(
        "sys.setswitchinterval with 1 ms or less, where a thread that answers must share with others that "
        "compute.",
        "Better: do not share. Compute in other processes, and leave the interval as it is.",
    ),
    subject="The global interpreter lock: how it is passed on, every 5 ms since Python 3.2 (chapter 15).",
    roles=("io", "cpu"),
    counting="io",
    work=_work,
    executors=("threads",),
    min_workers=2,
    max_workers=16,
    companion=Companion("client", _request),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    params=(THINK,),
)
