"""The same protocol under four schedulers in turn: nobody's, the kernel's threads, generators, asyncio's."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import reduce
from threading import Thread
from time import monotonic_ns, sleep

from app.workloads.catalogue import Companion, Param, Setting, Workload
from app.workloads.context import Context, Json, Span
from app.workloads.latencies import Latencies
from app.workloads.loops.calculator import OPERATIONS, SERVERS, Serving
from app.workloads.measured import Shown, head
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.sockets import STOP_POLL_S, listen

ASKED = 4  # questions before a client hangs up and comes again
BINS = 10  # points that each server has in the curve

_NUMBERS = 5  # that a question is about
_HIGHEST = 1_000
_NS_A_SECOND = 1_000_000_000
_NAMES = tuple(SERVERS)


def _prepare(setting: Setting, resources: ExitStack) -> socket.socket:
    return listen(resources)


def turn(span: Span, at_ns: int, parts: int = len(_NAMES)) -> int:
    """In which of so many equal parts of the time an instant lies; which server has its turn."""
    share = (at_ns - span.start_ns) / (span.deadline_ns - span.start_ns)
    return min(int(share * parts), parts - 1)


def _work(ctx: Context) -> None:
    for number, (name, serve) in enumerate(SERVERS.items()):
        if ctx.stopping:
            return
        ctx.report({"phase": name})
        serve(Serving(ctx.prepared, _over(ctx, number), lambda: ctx.count(1)))


def _over(ctx: Context, number: int) -> Callable[[], bool]:
    return lambda: ctx.stopping or turn(ctx.span, monotonic_ns()) > number


class _Client(Thread):
    """A client: it connects, asks some questions slowly, as if it typed them, hangs up, and comes again."""

    def __init__(self, ctx: Context, number: int) -> None:
        super().__init__(name=f"client-{number}")
        self._ctx = ctx
        self._chance = random.Random(number)
        self.first = [Latencies() for _ in _NAMES]
        self.answers = [Latencies() for _ in _NAMES]
        self.served = [0] * len(_NAMES)  # conversations that came to their end
        self.wrong = 0
        self.bins = [0] * (BINS * len(_NAMES))

    def run(self) -> None:
        while not self._ctx.stopping:
            at, began_ns = turn(self._ctx.span, monotonic_ns()), monotonic_ns()
            try:
                with socket.create_connection(self._ctx.prepared.getsockname()) as connection:
                    connection.settimeout(STOP_POLL_S)
                    # Or the kernel keeps a short line back until the one before has been acknowledged.
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.served[at] += self._talk(connection, at, began_ns)
            except ConnectionError:  # a server's turn is over: the next one will accept
                continue

    def _talk(self, connection: socket.socket, at: int, began_ns: int) -> bool:
        for question in range(ASKED):
            name, operation = self._chance.choice([*OPERATIONS.items()])
            numbers = [self._chance.randint(1, _HIGHEST) for _ in range(_NUMBERS)]
            for line in (name, *(b"%d" % number for number in numbers)):
                connection.sendall(line + b"\n")
                sleep(self._ctx.params["think_ms"] / 1000)
                if self._ctx.stopping:
                    return False
            asked_ns = monotonic_ns()
            connection.sendall(b"=\n")
            answer = self._answer(connection)
            if not answer:
                return False
            now_ns = monotonic_ns()
            (self.answers if question else self.first)[at].add(now_ns - (asked_ns if question else began_ns))
            self.bins[turn(self._ctx.span, now_ns, len(self.bins))] += 1
            self.wrong += int(answer) != reduce(operation, numbers)
        return True

    def _answer(self, connection: socket.socket) -> bytes:
        received = b""
        while not received.endswith(b"\n") and not self._ctx.stopping:
            try:
                part = connection.recv(4096)
            except socket.timeout:
                continue
            if not part:
                return b""
            received += part
        return received.strip()


def _load(ctx: Context) -> Json:
    """All clients, each in a thread of this process, and what they saw of each server."""
    clients = [_Client(ctx, number) for number in range(ctx.params["clients"])]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    first, answers = [Latencies() for _ in _NAMES], [Latencies() for _ in _NAMES]
    for client in clients:
        for into, parts in ((first, client.first), (answers, client.answers)):
            for one, part in zip(into, parts):
                one.merge(part)
    return {
        "first": [each.summary_ms() for each in first],
        "answers": [each.summary_ms() for each in answers],
        "served": [sum(of) for of in zip(*(client.served for client in clients))],
        "bins": [sum(of) for of in zip(*(client.bins for client in clients))],
        "wrong": sum(client.wrong for client in clients),
        "planned_s": (ctx.span.deadline_ns - ctx.span.start_ns) / _NS_A_SECOND,
    }


def _summarise(prepared: object, found: Sequence[Json], companion: Json | None) -> Json:
    assert companion is not None
    rows = []
    for at, name in enumerate(_NAMES):
        first, answer = companion["first"][at], companion["answers"][at]
        answers = first["count"] + answer["count"]
        rows.append(
            [name, companion["served"][at], answers, first["p50"], first["max"], answer["p50"], answer["p99"]]
        )
    heads = [
        *(head("Scheduler", "text"), head("Conversations"), head("Answers")),
        *(head("First, median", "ms"), head("First, longest", "ms")),
        *(head("Later, median", "ms"), head("Later, p99", "ms")),
    ]
    columns = [
        *("scheduler", "conversations", "answers", "first_p50_ms", "first_max_ms"),
        *("answer_p50_ms", "answer_p99_ms"),
    ]
    return {
        "wrong_answers": companion["wrong"],
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(companion["bins"], companion["planned_s"] / len(companion["bins"])),
    }


def pictures(bins: Sequence[int], bin_s: float) -> list[Json]:
    """The curve: answers a second under each scheduler while it had its turn. None without an answer."""
    lines = []
    for at, name in enumerate(_NAMES):
        own = range(at * BINS, (at + 1) * BINS)
        if any(bins[place] for place in own):
            points = [((place + 0.5) * bin_s, bins[place] / bin_s) for place in own]
            lines.append(Line(name, COLOURS[at], points))
    if not lines:
        return []
    means = [f"{line.label} {sum(rate for _, rate in line.points) / BINS:,.0f}" for line in lines]
    return [
        {
            "title": "Answers a second, under each scheduler in its turn",
            "svg": chart(Axis("seconds", "{:g}".format), Axis("/s", "{:,.0f}".format), lines),
            "alt": f"Answers a second, a mean of: {', '.join(means)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    said = []
    for name, conversations, answers, first_p50, first_max, *_ in result["table"]["rows"]:
        if answers:
            said.append(
                f"{name.capitalize()}: {conversations:,} conversations, {answers:,} answers"
                + (
                    f"; a client waited a median of {first_p50:,.0f} ms for its first one, and "
                    f"{first_max:,.0f} ms at most."
                    if first_p50 is not None
                    else "."
                )
            )
    said.append(
        "Every answer was right."
        if not result["wrong_answers"]
        else f"{result['wrong_answers']:,} answers were wrong."
    )
    return said


CALCULATOR_SERVER = Workload(
    name="calculator-server",
    family="asyncio",
    title="A calculator server",
    sentence="A server that adds and multiplies line by line, under four schedulers, one after the other.",
    op="one sum or product answered",
    look_for=(
        "Each scheduler has a quarter of the time. The blocking one serves a client until that hangs up: one "
        "lane, mostly io, and in the curve the fewest answers, for it waits while one client types.",
        "With threads there is a lane for each client. Then one lane serves all of them again: generators "
        "that are sent to, and coroutines of asyncio, do the same work in one thread, by asking the kernel "
        "whose line has come.",
        "The first answer is what blocking makes worse: a client whose turn has not come waits for whole "
        "conversations of others. Later answers are quick everywhere.",
    ),
    why=(
        "The protocol is a generator that is sent a line and yields an answer: it knows of no socket, so all "
        "four schedulers share it, and a test needs none of them.",
        "A generator keeps its place and its variables between two sends. That is all that a task needs: a "
        "scheduler has a queue of those that can go on, and a selector for those that wait.",
    ),
    helps=(
        "Keep the protocol apart from what waits: then the way of waiting can be changed later.",
        "Take asyncio rather than a scheduler of one's own: it has time-outs, cancellation, threads and "
        "signals, and `await` where this one has `yield`.",
    ),
    subject="Building a server: the calculator protocol, and generators with send as tasks (chapter 18).",
    question="work",
    roles=("server",),
    work=_work,
    executors=("threads",),
    workers=1,
    max_workers=1,
    companion=Companion("clients", _load),
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(Shown("wrong_answers", "Wrong answers"),),
    params=(
        Param("clients", "int", 8, "How many clients there are.", min=1, max=64),
        Param("think_ms", "float", 3.0, "A client's pause after each line.", min=0.0, max=300.0, unit="ms"),
    ),
)
