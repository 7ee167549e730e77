"""The summary of a run, made of a ledger: app/model/summary.py says what is in it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TypeVar, cast

from app.analysis import coverage
from app.analysis.capabilities import worst
from app.analysis.collectors import without_next
from app.analysis.findings import findings
from app.analysis.ledger import Ledger
from app.analysis.process_rows import summary_rows
from app.analysis.totals import seconds
from app.model.frames import Process
from app.model.summary import FindingRow, Measurements, Reported, RunInfo, SamplingInfo, Summary, TargetInfo

_T = TypeVar("_T")

SCHEMA = 1
HOT_ROWS = 50
PAIRS = 1000  # of holder and waiter: thirty threads that all wait for each other


def summarise(ledger: Ledger, run: Mapping[str, object] | None = None) -> Summary:
    """The summary of what a ledger was fed; `run` overrides fields of the summary's own `run`."""
    summary = at_once(_measured(ledger, run or {}, flames=True))
    return {**summary, "findings": findings(summary)}


def judge(ledger: Ledger, run: Mapping[str, object] | None = None) -> list[FindingRow]:
    """The findings alone, without the flame graphs, which grow with the number of stacks."""
    return at_once(judging(ledger, run))


def judging(
    ledger: Ledger, run: Mapping[str, object] | None = None
) -> Generator[None, None, list[FindingRow]]:
    """The same in steps, between which the ledger must not change: of 64 threads it takes 30 ms of CPU."""
    summary = yield from _measured(ledger, run or {}, flames=False)
    yield
    return findings(summary)


def at_once(steps: Generator[None, None, _T]) -> _T:
    """What steps come to, gone through without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(_T, end.value)


def run_info(ledger: Ledger, run: Mapping[str, object]) -> RunInfo:
    """What is told of the run itself; `run` overrides what the ledger knows of it."""
    return cast(RunInfo, {**_run(ledger), **run})


def _measured(ledger: Ledger, run: Mapping[str, object], flames: bool) -> Generator[None, None, Measurements]:
    """All but the findings, in steps."""
    told = run_info(ledger, run)
    target = ledger.processes.target()
    seen = coverage.of_run(ledger)
    threads, threads_not_shown = ledger.threads.summary_rows(ledger.stacks.functions, flames)
    yield
    rows = summary_rows(ledger)
    if told["state"] not in ("starting", "running"):
        rows["gc"] = [without_next(row) for row in rows["gc"]] if rows["gc"] else rows["gc"]
    yield
    who_waits = ledger.who_waits(PAIRS)
    yield
    return {
        "schema": SCHEMA,
        "run": told,
        "target": _target(target),
        "capabilities": worst(ledger.processes.messages(), told["kind"] == "attach", seen),
        "sampling": _sampling(ledger, seen),
        "line": ledger.line.info(),
        "gils": ledger.gils.summary_rows(),
        "threads": threads,
        "threads_not_shown": threads_not_shown,
        "threads_cpu_unlisted_s": ledger.processes.unlisted_cpu_s(threads),
        "processes": [process.use_row(ledger.threads.ended(process.pid)) for process in ledger.processes],
        "cpu_share": _cpu_share(ledger),
        **rows,
        "hot": ledger.hot(HOT_ROWS),
        "flame": ledger.stacks.flame() if flames else None,
        "where": ledger.where() if flames else None,
        "who_waits": who_waits,
        "longest_waits": ledger.longest_waits(),
        "longest_holds": ledger.longest_holds(),
        "loops": ledger.loop_rows(),
        "pools": ledger.pools.summary_rows(),
        "stuck": ledger.stuck(),
        "workers": ledger.cluster.workers(),
        "unseen_workers": ledger.cluster.unseen(),
        "tasks": ledger.cluster.tasks(),
        "gils_switched_on": ledger.gils_switched_on(),
        "trims": ledger.trims.rows(),
        "workload": _workload(ledger),
    }


def _run(ledger: Ledger) -> RunInfo:
    said = ledger.hello.run if ledger.hello else {}
    return {
        "id": said.get("id"),
        "kind": said.get("kind"),
        "name": said.get("name"),
        "state": ledger.end.state if ledger.end else "running" if ledger.at_us else "starting",
        "started_at": ledger.hello.started_at if ledger.hello else None,
        "duration_s": ledger.measured_us / 1e6,
        "cpu_s": seconds(ledger.end.cpu_us) if ledger.end else None,
        "params": said.get("params"),
        "error": ledger.end.error if ledger.end else None,
    }


def _target(target: Process | None) -> TargetInfo:
    return {
        "pid": target.pid if target else None,
        "python": target.python if target else None,
        "free_threaded": target.free_threaded if target else None,
        "gil_enabled": target.gil_enabled if target else None,
        "switch_interval_s": seconds(target.switch_interval_us) if target else None,
        "command": target.command if target else None,
    }


def _sampling(ledger: Ledger, seen: float | None) -> SamplingInfo:
    sampled = ledger.sampled
    return {
        "gil_hz_requested": ledger.hello.sampling.get("gil_hz") if ledger.hello else None,
        "gil_hz": sampled.hz,
        "thread_hz": None if sampled.hz is None else sampled.hz * ledger.looked.share,
        "samples": sampled.samples,
        "failed": sampled.failed,
        "late": sampled.late,
        "coverage": seen,
        "observer_cpu_share": ledger.observer_cpu.share,
        "less": ledger.hello.sampling.get("less") if ledger.hello else None,
    }


def _cpu_share(ledger: Ledger) -> float | None:
    """The CPU time of all processes, over the time that its readings cover."""
    counted_us = ledger.counted_us
    return sum(process.cpu_us for process in ledger.processes) / counted_us if counted_us > 0 else None


def _workload(ledger: Ledger) -> Reported | None:
    ops = ledger.counters.ops
    if ops is None and ledger.result is None:
        return None
    counted_us = ledger.counters.at_us - ledger.begin_us  # what came after the last reading was not counted
    counted: Reported = {
        "ops": ops,
        "ops_per_s": ops * 1e6 / counted_us if ops is not None and counted_us > 0 else None,
    }
    return {**counted, **cast(Reported, ledger.result or {})}  # as the workload sent it
