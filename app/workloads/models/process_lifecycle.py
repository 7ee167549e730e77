"""How processes end: by a pill each, with one pill too few, and with a parent that does not wait for them."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from time import monotonic, monotonic_ns, sleep
from typing import Any, NamedTuple

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.children import die_with_parent
from app.workloads.context import Context, Json
from app.workloads.line import STOP_SIGNALS
from app.workloads.measured import Shown, head
from app.workloads.names import name_this_thread
from app.workloads.picture import COLOURS, Axis, Line, chart

PATIENCE_S = 0.5  # how long a parent that has done its part may take to end

_SLICE_S = 0.02
_NS_A_MS = 1_000_000
_PR_SET_CHILD_SUBREAPER = 36


class EndingWay(NamedTuple):
    """How a parent ends its consumers."""

    title: str
    pills_missing: int | None  # None: it puts no pill at all
    daemons: bool
    joins: bool


WAYS = (
    EndingWay("a pill each", 0, True, True),
    EndingWay("one pill too few", 1, True, True),
    EndingWay("the same without daemons", 1, False, True),
    EndingWay("no pill and no join", None, True, False),
)


def _prepare(setting: Setting, resources: ExitStack) -> None:
    """Have orphans come to this process, which then waits for their end as their parent would have."""
    library = ctypes.CDLL(None)
    library.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    resources.callback(library.prctl, _PR_SET_CHILD_SUBREAPER, 0)


class ParentLife:
    """The life of one parent and its consumers, as the process above them sees it."""

    def __init__(self, ctx: Context, way: EndingWay) -> None:
        self._ctx = ctx
        self._way = way
        self._began_ns = monotonic_ns()
        self._returned = False
        self.consumers: list[Json] = []
        self.begun = 0
        self.done_ms: list[float] = []  # when a job was done, since the round began
        self.still_alive = 0
        self.killed = False
        self.ended_ms = 0.0

    def play(self) -> bool:
        """Start the parent, and listen until all have ended; false if the run was over before."""
        fork: Any = multiprocessing.get_context("fork")
        mine, theirs = fork.Pipe(duplex=False)
        arguments = (theirs, self._way, dict(self._ctx.params))
        parent = fork.Process(target=_parent, args=arguments, name="parent")
        parent.start()
        theirs.close()
        with mine:
            self._wait(parent, mine)
            whole = not self._ctx.stopping
            if parent.is_alive():
                self.killed = whole
                parent.kill()  # and with it its children, which asked the kernel for that
            parent.join()
            parent.close()
            self._reap()
            self._listen(mine, 0.0)
        self.ended_ms = (monotonic_ns() - self._began_ns) / _NS_A_MS
        return whole

    def _wait(self, parent: Any, connection: Connection) -> None:
        """Until the parent has ended, or has had the time to."""
        give_up = None
        while parent.is_alive() and not self._ctx.stopping:
            self._listen(connection, _SLICE_S)
            if self._returned and give_up is None:
                give_up = monotonic() + PATIENCE_S
            if give_up is not None and monotonic() >= give_up:
                return

    def _listen(self, connection: Connection, wait_s: float) -> None:
        """Take down what has been said, waiting for the first of it."""
        with suppress(EOFError):
            while connection.poll(wait_s):
                wait_s = 0.0
                self._take(*connection.recv())

    def _take(self, kind: str, *what: Any) -> None:
        if kind == "started":
            self.consumers.append({"name": what[0], "pid": what[1], "ended": None})
        elif kind == "pill":
            next(each for each in self.consumers if each["pid"] == what[0])["ended"] = "by a pill"
        elif kind == "begun":
            self.begun += 1
        elif kind == "done":
            self.done_ms.append((what[0] - self._began_ns) / _NS_A_MS)
            self._ctx.count(1)
        elif kind == "alive":
            self.still_alive += 1
        elif kind == "returns":
            self._returned = True

    def _reap(self) -> None:
        for each in self.consumers:
            with suppress(ChildProcessError):  # its parent has done so
                os.waitpid(each["pid"], 0)
            if each["ended"] is None:
                each["ended"] = "killed with its parent" if self.killed else "as its parent ended"


def _parent(connection: Connection, way: EndingWay, params: dict[str, Any]) -> None:
    """Hand out jobs, end the consumers as the way says, and return: what follows is multiprocessing's."""
    _become("parent")
    fork: Any = multiprocessing.get_context("fork")
    jobs, children = fork.SimpleQueue(), []
    for number in range(1, params["consumers"] + 1):
        name = f"consumer-{number}"
        arguments = (name, jobs, connection, params["job_ms"])
        child = fork.Process(target=_consume, args=arguments, name=name, daemon=way.daemons)
        child.start()
        children.append(child)
        connection.send(("started", child.name, child.pid))
    for number in range(params["jobs"]):
        jobs.put(number)
    if way.pills_missing is not None:
        for _ in range(len(children) - way.pills_missing):
            jobs.put(None)
    if way.joins:
        for child in children:
            child.join(timeout=params["join_ms"] / 1000)
            if child.is_alive():
                connection.send(("alive",))
    else:
        sleep(params["join_ms"] / 4 / 1000)  # it has something else to do, and then nothing
    connection.send(("returns",))


def _consume(name: str, jobs: Any, connection: Connection, job_ms: float) -> None:
    """Do jobs until a pill comes."""
    _become(name)
    # Each message is one write to a pipe, and short: the kernel keeps it whole among those of others.
    while jobs.get() is not None:
        connection.send(("begun",))
        sleep(job_ms / 1000)
        connection.send(("done", monotonic_ns()))
    connection.send(("pill", os.getpid()))


def _become(name: str) -> None:
    """A process of its own: a signal that ends it ends only it, and not the run."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()
    name_this_thread(name)


def _work(ctx: Context) -> Json:
    """All ways by turns, a parent each time. What a parent did that was not seen to its end is left out."""
    totals = [dict.fromkeys(("rounds", "jobs", "done", "cut_off", "alive", "killed"), 0) for _ in WAYS]
    lasts: list[Json | None] = [None for _ in WAYS]
    while not ctx.stopping:
        for at, way in enumerate(WAYS):
            ctx.report({"phase": way.title})
            played = ParentLife(ctx, way)
            if not played.play():
                break
            total = totals[at]
            total["rounds"] += 1
            total["jobs"] += ctx.params["jobs"]
            total["done"] += len(played.done_ms)
            total["cut_off"] += played.begun - len(played.done_ms)
            total["alive"] += played.still_alive
            total["killed"] += played.killed
            kept = ("consumers", "done_ms", "ended_ms")
            lasts[at] = {key: getattr(played, key) for key in kept}
    return {"totals": totals, "lasts": lasts}


def _summarise(prepared: None, found: Sequence[Json], companion: Json | None) -> Json:
    totals, lasts = found[0]["totals"], found[0]["lasts"]
    rows = []
    for way, total, last in zip(WAYS, totals, lasts):
        if last is not None:
            lost = total["jobs"] - total["done"] - total["cut_off"]
            done = (total["done"], total["cut_off"], lost, total["alive"], total["killed"])
            rows.append([way.title, total["rounds"], *done, last["ended_ms"]])
    heads = [
        *(head("Ended by", "text"), head("Parents"), head("Jobs done"), head("Cut off")),
        *(head("Never begun"), head("Alive after join"), head("Parents killed")),
        head("The last life", "ms"),
    ]
    columns = ["way", "parents", "done", "cut_off", "never_begun", "alive", "killed", "life_ms"]
    return {
        "jobs_lost": sum(row[3] + row[4] for row in rows),
        "alive_after_join": sum(row[5] for row in rows),
        "parents_killed": sum(row[6] for row in rows),
        "ends": _ends(lasts[1]),
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(lasts),
    }


def _ends(last: Json | None) -> Json | None:
    """Who ended how, by name."""
    if last is None:
        return None
    return {each["name"]: f"(pid {each['pid']}) {each['ended']}" for each in last["consumers"]}


def pictures(lasts: Sequence[Json | None]) -> list[Json]:
    """The curve: jobs done in the life of the last parent of each way. None before the first of them."""
    lines = []
    for way, last, colour in zip(WAYS, lasts, (COLOURS[4], COLOURS[0], COLOURS[1], COLOURS[2])):
        if last is not None:
            done = sorted(last["done_ms"])
            points = [(0.0, 0.0), *((at, float(n)) for n, at in enumerate(done, 1))]
            lines.append(Line(way.title, colour, [*points, (last["ended_ms"], float(len(done)))]))
    if not lines:
        return []
    ends = [f"{line.label}: {line.points[-1][1]:.0f} in {line.points[-1][0]:.0f} ms" for line in lines]
    return [
        {
            "title": "Jobs done in the life of one parent, until all its processes had ended",
            "svg": chart(Axis("ms", "{:g}".format), Axis("jobs", "{:g}".format), lines),
            "alt": f"Jobs done: {'; '.join(ends)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    said = []
    for way, _, done, cut_off, never, alive, killed, life_ms in result["table"]["rows"]:
        told = f"{way[0].upper()}{way[1:]}: {done:,} of {done + cut_off + never:,} jobs done"
        if cut_off or never:
            told += f", {cut_off:,} cut off in the middle and {never:,} never begun"
        if alive:
            told += f"; join returned although the consumer was alive ({alive:,})"
        if killed:
            told += f", and the parent waited for it without end, until it was killed ({killed:,})"
        said.append(f"{told}. The last parent and its consumers were gone after {life_ms:,.0f} ms.")
    return said or ["The run ended before the first parent did."]


PROCESS_LIFECYCLE = Workload(
    name="process-lifecycle",
    family="models",
    title="The ends of processes",
    sentence="A parent hands jobs to child processes and ends them: with pills, with one too few, with none.",
    op="one job done by a consumer",
    look_for=(
        "Lanes come and go: a parent and its consumers, by name, again and again. With a pill each all of "
        "them end by themselves, as soon as the jobs are done.",
        "With one pill too few a consumer waits at the queue for ever. Its parent's join returns after its "
        "time limit and the process is still there: as a daemon it is ended with its parent, without that "
        "the parent waits for it in turn, until somebody kills it.",
        "A parent that does not join takes its daemons along: jobs are cut off in the middle, and others are "
        "never begun. Nothing reports that; the curve stops short of the number of jobs.",
    ),
    why=(
        "A pill is taken by exactly one consumer, so it takes one each. A consumer that is blocked in get "
        "looks at nothing else.",
        "join(timeout) returns None either way: only is_alive() or exitcode tell whether the process has "
        "ended. When a process ends, multiprocessing sends SIGTERM to its daemons and joins its other "
        "children, with no time limit.",
    ),
    helps=(
        "Put as many pills as there are consumers, then join them; ask is_alive() after a join with a limit, "
        "and decide: terminate(), kill(), or wait on.",
        "A daemon is for work that may be cut off at any byte code instruction. What must be finished is "
        "joined.",
        "multiprocessing.Pool and ProcessPoolExecutor as context managers do all of that.",
    ),
    subject="Working with processes: names, daemons, join with a time limit, poison pills (chapter 6).",
    roles=("owner",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("jobs_lost", "Jobs cut off or never begun"),
        Shown("alive_after_join", "Joins that returned with the process alive"),
        Shown("parents_killed", "Parents that had to be killed"),
        Shown("ends", "How consumers ended, the last time with one pill too few", "text"),
    ),
    params=(
        Param("consumers", "int", 4, "How many consumers a parent has.", min=2, max=16),
        Param("jobs", "int", 16, "How many jobs a parent hands out.", min=1, max=500),
        Param("job_ms", "float", 150.0, "How long a job takes.", min=0.0, max=300.0, unit="ms"),
        Param(
            "join_ms",
            "float",
            1_000.0,
            "The time limit of join, for each consumer; a parent that does not join ends after a quarter.",
            min=1.0,
            max=1_000.0,
            unit="ms",
        ),
    ),
)
