"""One suite of tests in three ways: in order, dealt out to threads, dealt out to forked processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic_ns
from typing import Any, NamedTuple
from unittest import TestResult

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.children import die_with_parent
from app.workloads.context import Context, Json
from app.workloads.measured import Shown, head
from app.workloads.names import name_this_thread
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.scheduling.jobs import KINDS
from app.workloads.scheduling.suite import NAMES, Shop, ShopTest

_NS_A_MS = 1_000_000
_NS_A_SECOND = 1_000_000_000
_POINTS = 40  # of a curve: more passes than that are told as medians of some

Verdict = tuple[str, bool]  # a test's name, and whether it passed
Runner = Callable[[Context, Sequence[ShopTest]], Iterator[Verdict]]


def _prepare(setting: Setting, resources: ExitStack) -> str:
    return resources.enter_context(TemporaryDirectory(prefix="gilscope-tests-"))


def _verdict(test: ShopTest) -> Verdict:
    result = TestResult()
    test.run(result)
    return test._testMethodName, result.wasSuccessful()


def dealt(tests: Sequence[ShopTest], groups: int) -> list[Sequence[ShopTest]]:
    """As cards are, one to each group in turn: what fork_for_tests of concurrencytest does with a suite."""
    return [tests[at::groups] for at in range(min(groups, len(tests)))]


def in_order(ctx: Context, tests: Sequence[ShopTest]) -> Iterator[Verdict]:
    """One after the other, in this thread."""
    for test in tests:
        if ctx.stopping:
            return
        yield _verdict(test)


def in_threads(ctx: Context, tests: Sequence[ShopTest]) -> Iterator[Verdict]:
    """A group to each thread: all of them share this process's memory."""
    groups = dealt(tests, ctx.params["groups"])
    verdicts: SimpleQueue[Verdict | None] = SimpleQueue()

    def run(number: int, group: Sequence[ShopTest]) -> None:
        name_this_thread(f"tests-{number}")
        try:
            for verdict in in_order(ctx, group):
                verdicts.put(verdict)
        finally:
            verdicts.put(None)

    threads = [Thread(target=run, args=(number, group)) for number, group in enumerate(groups, 1)]
    for thread in threads:
        thread.start()
    running = len(threads)
    while running:
        verdict = verdicts.get()
        if verdict is None:
            running -= 1
        else:
            yield verdict
    for thread in threads:
        thread.join()


def in_forks(ctx: Context, tests: Sequence[ShopTest]) -> Iterator[Verdict]:
    """A group to each forked child: each has a copy of this process's memory, as it was at the fork."""
    fork: Any = multiprocessing.get_context("fork")
    children, connections = [], []
    for number, group in enumerate(dealt(tests, ctx.params["groups"]), 1):
        mine, theirs = fork.Pipe(duplex=False)
        child = fork.Process(target=_child, args=(ctx, number, group, theirs), daemon=True)
        child.start()
        theirs.close()
        children.append(child)
        connections.append(mine)
    open_ones = list(connections)
    while open_ones:
        for connection in wait(open_ones):
            assert isinstance(connection, Connection)
            try:
                verdict: Verdict = connection.recv()
            except EOFError:
                open_ones.remove(connection)
                connection.close()
            else:
                yield verdict
    for child in children:
        child.join()
        child.close()


def _child(ctx: Context, number: int, tests: Sequence[ShopTest], connection: Connection) -> None:
    die_with_parent()
    name_this_thread(f"tests-{number}")
    for verdict in in_order(ctx, tests):
        connection.send(verdict)


class WayOfTesting(NamedTuple):
    """A way to run the suite."""

    name: str
    title: str
    run: Runner


WAYS = (
    WayOfTesting("in_order", "one after the other", in_order),
    WayOfTesting("threads", "in threads", in_threads),
    WayOfTesting("forks", "in forked groups", in_forks),
)


def _work(ctx: Context) -> Json:
    """A pass in each way by turns, for as long as there is time; one that was broken off is left out."""
    wait_for = partial(KINDS[ctx.params["tests"]], ctx.params["test_ms"], lambda: ctx.stopping)
    passes: dict[str, list[tuple[float, float]]] = {way.name: [] for way in WAYS}
    failed: dict[str, dict[str, int]] = {way.name: {} for way in WAYS}
    while not ctx.stopping:
        for way in WAYS:
            shop = Shop(ctx.prepared) if ctx.params["fixture"] == "shared" else None
            tests = [ShopTest(name, shop, ctx.prepared, wait_for) for name in NAMES]
            begin_ns, verdicts = monotonic_ns(), []
            for verdict in way.run(ctx, tests):
                ctx.count(1)
                verdicts.append(verdict)
            if ctx.stopping:
                break
            at_s = (begin_ns - ctx.span.start_ns) / _NS_A_SECOND
            passes[way.name].append((at_s, (monotonic_ns() - begin_ns) / _NS_A_MS))
            for name, passed in verdicts:
                if not passed:
                    failed[way.name][name] = failed[way.name].get(name, 0) + 1
    return {"passes": passes, "failed": failed}


def _summarise(prepared: str, found: Sequence[Json], companion: Json | None) -> Json:
    passes, failed = found[0]["passes"], found[0]["failed"]
    lengths = {way.name: median([ms for _, ms in passes[way.name]] or [0.0]) for way in WAYS}
    rows = []
    for way in WAYS:
        number = len(passes[way.name])
        if number:
            speed_up = lengths["in_order"] / lengths[way.name] if passes["in_order"] else None
            names = ", ".join(sorted(name.replace("test_", "") for name in failed[way.name])) or "none"
            a_pass = sum(failed[way.name].values()) / number
            rows.append([way.title, number, lengths[way.name], speed_up, a_pass, names])
    heads = [
        *(head("The suite was run", "text"), head("Times"), head("One pass takes", "ms")),
        *(head("Speed-up", "times"), head("Failures in a pass"), head("Tests that failed", "text")),
    ]
    columns = ["way", "times", "pass_ms", "speed-up", "failures", "failed"]
    return {
        "tests": len(NAMES),
        "failures": {way.title: sum(failed[way.name].values()) for way in WAYS if passes[way.name]},
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(passes),
    }


def pictures(passes: dict[str, list[tuple[float, float]]]) -> list[Json]:
    """The curve: how long each pass took in milliseconds, by when it began in seconds. None before one."""
    lines = []
    for way, colour in zip(WAYS, (COLOURS[0], COLOURS[2], COLOURS[4])):
        own = passes[way.name]
        together = max(1, -(-len(own) // _POINTS))
        parts = [own[at : at + together] for at in range(0, len(own), together)]
        points = [(part[0][0], median(ms for _, ms in part)) for part in parts]
        if points:
            lines.append(Line(way.title, colour, points, True))
    if not lines:
        return []
    said = [f"{line.label} {median(ms for _, ms in line.points):,.0f} ms" for line in lines]
    return [
        {
            "title": "How long the suite takes, each time it was run",
            "svg": chart(Axis("seconds", "{:g}".format), Axis("ms", "{:g}".format), lines),
            "alt": f"The suite takes, as a median: {', '.join(said)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    said = []
    for title, times, pass_ms, speed_up, failures, names in result["table"]["rows"]:
        told = f"{title[0].upper()}{title[1:]}: a pass of the {result['tests']} tests took {pass_ms:,.0f} ms"
        if speed_up is not None and title != WAYS[0].title:
            told += f", {speed_up:.1f} times as quick"
        told += f"; {failures:.1f} of them failed each time ({names})." if failures else "; none failed."
        said.append(told if times else "")
    return said or ["The run ended before the suite did."]


CONCURRENT_TESTS = Workload(
    name="concurrent-tests",
    family="scheduling",
    title="Tests side by side",
    sentence="A suite that passes in order is run in threads and in forked groups: quicker, and it fails.",
    op="one test run",
    look_for=(
        "By turns: one lane that sleeps, then four threads of this process, then four processes that come "
        "and go. The tests wait most of the time, so both take about a quarter of the time of the first.",
        "In order every test passes. In threads those fail that change a setting and put it back: the others "
        "see it meanwhile. In forked groups each child has a copy of the settings, so these pass; but the "
        "order that one test leaves for the next was left in another process.",
        "A file of one name fails in both: a fork copies the memory and not the disk. Set fixture to own, "
        "and all pass in any order.",
    ),
    why=(
        "A test in its order may rely on what those before it did, and nobody notices. Running tests at once "
        "tests the tests.",
        "fork copies the whole process, its modules and fixtures too, so that a child begins with everything "
        "imported. That is what makes forked groups quick, and keeps them from each other.",
    ),
    helps=(
        "A fixture for each test: fresh objects, a temporary folder, a database or a schema of its own.",
        "Processes rather than threads for tests: pytest-xdist, unittest-parallel, fork_for_tests of "
        "concurrencytest. Tests in random order show the same faults, and need no second core.",
    ),
    subject="Testing concurrent code, and running tests concurrently (chapter 19).",
    question="work",
    mended=Variant("A fixture for each test", params={"fixture": "own"}),
    roles=("suite",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(Shown("tests", "Tests in the suite"), Shown("failures", "Failures")),
    params=(
        Param(
            "fixture",
            "choice",
            "shared",
            "Whether the tests share one shop, as a fixture of a module does, or each has its own.",
            choices=("shared", "own"),
        ),
        Param(
            "tests",
            "choice",
            "wait",
            "What a test does in its middle: wait for something elsewhere, or use a CPU.",
            choices=tuple(reversed(KINDS)),
        ),
        Param("test_ms", "float", 150.0, "How long a test does that.", min=0.0, max=300.0, unit="ms"),
        Param("groups", "int", 4, "How many threads or processes the suite is dealt to.", min=1, max=8),
    ),
)
