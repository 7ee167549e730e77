"""Jobs by interval, date and cron, run by the program itself, by a thread beside it, or by a pool."""

from __future__ import annotations

import sched
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from multiprocessing import get_context
from threading import Thread
from time import monotonic_ns, sleep
from typing import Any, NamedTuple, Union

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.children import die_with_parent, stop_signals_held
from app.workloads.context import Context, Json
from app.workloads.latencies import Latencies
from app.workloads.measured import Shown, head, of_latencies
from app.workloads.names import name_this_thread
from app.workloads.picture import COLOURS, Axis, Line, chart
from app.workloads.scheduling.jobs import BINS, KINDS, JobAccount, PoolSide, TimedJob, run, run_in_pool
from app.workloads.scheduling.triggers import Cron, Every, Once

POLL_MS = 50.0
STEP_S = 0.01  # the program's own work: it looks after something so often

_POOL = 4
_LONGEST_SLEEP_NS = 50_000_000
_NS_A_MS = 1_000_000
_NS_A_SECOND = 1_000_000_000

Pool = Union[ThreadPoolExecutor, ProcessPoolExecutor]


class Prepared(NamedTuple):
    """The pool, if one runs the jobs, and what tells its processes that it is time to end."""

    pool: Pool | None
    ending: Any


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    kind = setting.params["scheduler"]
    if kind == "threads":
        numbers = count(1)
        threads = ThreadPoolExecutor(_POOL, initializer=lambda: name_this_thread(f"pool-{next(numbers)}"))
        return Prepared(resources.enter_context(threads), None)
    if kind != "processes":
        return Prepared(None, None)
    context = get_context("spawn")
    ending = context.Event()
    processes = ProcessPoolExecutor(_POOL, context, initializer=_enter_pool, initargs=(ending,))
    resources.enter_context(processes)
    resources.callback(ending.set)
    with stop_signals_held("spawn"):  # all of them now, and not when the first job is due
        for ready in [processes.submit(run_in_pool, "wait", 1) for _ in range(_POOL)]:
            ready.result()
    return Prepared(processes, ending)


def _enter_pool(ending: Any) -> None:
    die_with_parent()
    PoolSide.ending = ending


def jobs(ctx: Context) -> list[TimedJob]:
    """The time table."""
    start_ns, deadline_ns = ctx.span
    every_ms = ctx.params["every_ms"]
    return [
        TimedJob("report", f"every {every_ms:g} ms", Every(int(every_ms * _NS_A_MS)), ctx.params["job_ms"]),
        TimedJob("poll", f"every {POLL_MS:g} ms", Every(int(POLL_MS * _NS_A_MS)), 0.0),
        TimedJob("clock", "cron: * (each second)", Cron.parse("*"), 0.0),
        TimedJob("once", "date: half-way", Once((start_ns + deadline_ns) // 2), 0.0),
    ]


class Scheduler:
    """A sched.scheduler that enters each job anew for its next time, and gives those due to somebody."""

    def __init__(
        self, ctx: Context, table: Sequence[TimedJob], give: Callable[[TimedJob, int], None]
    ) -> None:
        self._ctx = ctx
        self._give = give
        self._queue = sched.scheduler(monotonic_ns, lambda ns: sleep(ns / _NS_A_SECOND))
        for job in table:
            self._enter(job, job.trigger.after(ctx.span.start_ns))

    def run(self) -> None:
        """Until it is time to end; then count the times that came and were not got to."""
        while not self._ctx.stopping:
            next_ns = self._queue.run(blocking=False)
            if next_ns is None:
                return
            sleep(min(max(next_ns, 0), _LONGEST_SLEEP_NS) / _NS_A_SECOND)

    def _enter(self, job: TimedJob, due_ns: int | None) -> None:
        if due_ns is not None:
            self._queue.enterabs(due_ns, 0, self._due, (job, due_ns))

    def _due(self, job: TimedJob, due_ns: int) -> None:
        if self._ctx.stopping:  # what is overdue by then has been waiting
            self._leave(job, due_ns)
            return
        if self._ctx.params["coalesce"]:
            due_ns = self._latest(job, due_ns)
        if self._ctx.params["coalesce"] and job.unfinished:
            job.missed += 1
        else:
            self._give(job, due_ns)
        self._enter(job, job.trigger.after(due_ns))

    def _latest(self, job: TimedJob, due_ns: int) -> int:
        """The last of the job's times that have come: those before it are left out."""
        now_ns = monotonic_ns()
        while (next_ns := job.trigger.after(due_ns)) is not None and next_ns <= now_ns:
            job.missed += 1
            due_ns = next_ns
        return due_ns

    def _leave(self, job: TimedJob, due_ns: int) -> None:
        now_ns = monotonic_ns()
        if self._ctx.params["coalesce"]:
            self._latest(job, due_ns)
            job.waiting += 1
            return
        following: int | None = due_ns
        while following is not None and following <= now_ns:
            job.waiting += 1
            following = job.trigger.after(following)


def _work(ctx: Context) -> Json:
    prepared: Prepared = ctx.prepared
    table, account, kind = jobs(ctx), JobAccount(ctx), ctx.params["job"]

    def at_once(job: TimedJob, due_ns: int) -> None:
        account.due(job)
        account.ran(job, due_ns, run(kind, job.length_ms, lambda: ctx.stopping))

    def to_pool(job: TimedJob, due_ns: int) -> None:
        account.due(job)
        assert prepared.pool is not None
        if prepared.ending is None:
            future = prepared.pool.submit(run, kind, job.length_ms, lambda: ctx.stopping)
        else:
            future = prepared.pool.submit(run_in_pool, kind, job.length_ms)

        def done(future: Future[int]) -> None:
            if not future.cancelled():
                account.ran(job, due_ns, future.result())

        future.add_done_callback(done)

    scheduler = Scheduler(ctx, table, to_pool if prepared.pool else at_once)
    if ctx.params["scheduler"] == "blocking":
        scheduler.run()
        steps = 0
    else:
        steps = _beside(ctx, scheduler)
    if prepared.pool:
        if prepared.ending is not None:
            prepared.ending.set()
        prepared.pool.shutdown(cancel_futures=True)
    planned_s = (ctx.span.deadline_ns - ctx.span.start_ns) / _NS_A_SECOND
    return {"jobs": [job.found() for job in table], "steps": steps, "planned_s": planned_s}


def _beside(ctx: Context, scheduler: Scheduler) -> int:
    """The program's own work, beside the thread of a scheduler; how many steps it made."""
    thread = Thread(target=_named, args=(scheduler.run,))
    thread.start()
    steps = 0
    while not ctx.stopping:
        sleep(STEP_S)
        steps += 1
    thread.join()
    return steps


def _named(run: Callable[[], None]) -> None:
    name_this_thread("scheduler")
    run()


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    table = found[0]["jobs"]
    rows = []
    for job in table:
        late = job["late"].summary_ms()
        rows.append(
            [job["name"], job["when"], job["ran"], job["waiting"], job["missed"], late["p50"], late["max"]]
        )
    everything = Latencies()
    for job in table:
        everything.merge(job["late"])
    heads = [
        *(head("Job", "text"), head("Due", "text"), head("Run"), head("Still waiting at the end")),
        *(head("Left out"), head("Late, median", "ms"), head("Late, longest", "ms")),
    ]
    columns = ["job", "due", "run", "waiting", "left out", "late_p50_ms", "late_max_ms"]
    return {
        "late_ms": everything.summary_ms(),
        "waiting": sum(job["waiting"] for job in table),
        "missed": sum(job["missed"] for job in table),
        "program_steps": found[0]["steps"],
        "table": {"columns": columns, "heads": heads, "rows": rows},
        "pictures": pictures(
            {job["name"]: [each.summary_ms()["p50"] for each in job["bins"]] for job in table[:2]},
            found[0]["planned_s"] / BINS,
        ),
    }


def pictures(curves: dict[str, Sequence[float | None]], bin_s: float) -> list[Json]:
    """The curve: how late jobs began, by when they were due; medians in milliseconds, None for no run.

    A run in which no job began has no picture.
    """
    lines = [
        Line(name, colour, [((at + 0.5) * bin_s, ms) for at, ms in enumerate(late) if ms is not None], True)
        for (name, late), colour in zip(curves.items(), (COLOURS[2], COLOURS[0]))
    ]
    if not any(line.points for line in lines):
        return []
    said = [f"{line.label} {line.points[-1][1]:.3g} ms" for line in lines if line.points]
    return [
        {
            "title": "How late a job began, by when it was due",
            "svg": chart(Axis("due at, in seconds", "{:g}".format), Axis("ms", "{:g}".format), lines),
            "alt": f"The last ones that were run began late by: {', '.join(said)}.",
        }
    ]


def _showed(result: Json) -> Sequence[str]:
    said = []
    for name, when, ran, waiting, _, p50, longest in result["table"]["rows"][:2]:
        if ran:
            said.append(
                f"{name.capitalize()}, {when}: run {ran:,} times, a median of {_told(p50)} late and "
                f"{_told(longest)} at most; {waiting:,} more were due and still waited at the end."
            )
    if result["missed"]:
        said.append(
            f"{result['missed']:,} runs were left out: the one before had not ended, or all were late."
        )
    steps = result["program_steps"]
    said.append(
        f"Beside it the program made {steps:,} steps of its own work."
        if steps
        else "The program made no step of its own work: the scheduler had its thread."
    )
    return said


def _told(ms: float) -> str:
    if ms >= 1_000:
        return f"{ms / 1_000:.1f} s"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"


SCHEDULER = Workload(
    name="scheduler",
    family="scheduling",
    title="A scheduler",
    sentence="Jobs come due by interval, cron and date; one takes longer than its interval, and all pile up.",
    op="one job run",
    look_for=(
        "The report comes due every 100 ms and takes 120 ms of a CPU. With the blocking scheduler one lane "
        "runs without a pause: in the curve each report begins later than the one before, and the poll, "
        "which takes no time at all, stands in the same line.",
        "Choose threads: the jobs have a pool, but its threads take turns with one GIL, and they pile up as "
        "before. Set job to wait, and the same pool is never late; on processes it is not either way.",
        "Set coalesce to true: what came due meanwhile is left out. Nothing piles up, and the column Left "
        "out says what that costs.",
    ),
    why=(
        "A scheduler decides when a job is due, and something else has to run it. Where that is the "
        "scheduler's own thread, a long job holds up all others; in a pool only as many as it has workers.",
        "A job that takes longer than its interval asks for more than one worker can do: the queue grows for "
        "as long as the program runs, whoever keeps it, unless runs are left out.",
    ),
    helps=(
        "Give jobs that wait to a pool of threads and jobs that compute to a pool of processes: in "
        "APScheduler its ThreadPoolExecutor, which is the default, and its ProcessPoolExecutor.",
        "Decide what is to become of runs that are late. APScheduler has max_instances (1 unless told "
        "otherwise), coalesce and misfire_grace_time for it; cron starts the next one regardless.",
        "BlockingScheduler and BackgroundScheduler of APScheduler differ in one thing: whether start() keeps "
        "the caller's thread or begins one of its own. Both run jobs in pools; here, as in sched of the "
        "standard library, both run them themselves.",
    ),
    subject="Scheduling: blocking, in the background, on pools of threads and processes; cron (chapter 19).",
    question="work",
    mended=Variant("Jobs on a pool of processes", params={"scheduler": "processes"}),
    roles=("program",),
    work=_work,
    executors=("threads",),
    workers=1,
    max_workers=1,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        *of_latencies("late_ms", "Late"),
        Shown("waiting", "Due and still waiting at the end"),
        Shown("missed", "Runs left out"),
        Shown("program_steps", "Steps of the program's own work"),
    ),
    params=(
        Param(
            "scheduler",
            "choice",
            "blocking",
            "Who runs the jobs: the program's own thread, one thread beside it, or a pool of four threads "
            "or four processes.",
            choices=("blocking", "background", "threads", "processes"),
        ),
        Param(
            "job",
            "choice",
            "compute",
            "What the report does: use a CPU, or wait for something elsewhere.",
            choices=tuple(KINDS),
        ),
        Param("every_ms", "float", 100.0, "The interval of the report.", min=20.0, max=5_000.0, unit="ms"),
        Param("job_ms", "float", 120.0, "How long a report takes.", min=0.0, max=2_000.0, unit="ms"),
        Param(
            "coalesce",
            "bool",
            False,
            "Whether the runs of a job that came due while it was late or running are left out.",
        ),
    ),
)
