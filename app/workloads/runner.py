"""One run of a workload: prepare, park every worker, wait for the observer's go, work, sum up."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from time import monotonic_ns

from app.workloads import executors
from app.workloads.catalogue import Setting
from app.workloads.children import Child, finish_all
from app.workloads.context import Gate, Json, Span
from app.workloads.job import Job, Outcome
from app.workloads.line import LineSocket, SharedWords, stop_on_signals
from app.workloads.measured import measured
from app.workloads.names import name_this_thread
from app.workloads.pickling import Pickling

_NS_A_SECOND = 1_000_000_000
_NS_A_MS = 1_000_000


class WorkerFailed(Exception):
    """At least one worker failed: `outcomes` are those that did."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        last_lines = [f"{each.name}: {(each.error or '').strip().splitlines()[-1]}" for each in outcomes]
        super().__init__("; ".join(last_lines))
        self.outcomes = outcomes


def run(setting: Setting, shared: SharedWords, channel: LineSocket | None) -> Json:
    """Run the workload to its end and return its result.

    InvalidRequest if this Python does not have the executor; WorkerFailed if a worker failed; ObserverGone if
    the observer went away before it said go.
    """
    executor = executors.by_name(setting.executor)
    name_this_thread("main")
    stop_on_signals(shared)
    with ExitStack() as resources:
        gate = Gate()
        resources.callback(gate.close)
        prepared = setting.workload.prepare(setting, resources)
        send, next_action = (channel.send, channel.next_action) if channel else (_print_report, None)
        job = Job(setting, prepared, shared, gate, send, next_action)
        # Children are forked before the crew's threads exist: a fork copies only the thread that forks.
        companions = _start_companion(job)
        crew = executor.start(job)
        if channel:
            _await_go(channel, shared, [*crew.pids, *(child.pid for child in companions)])
        start_ns = monotonic_ns()
        span = Span(start_ns, start_ns + int(setting.seconds * _NS_A_SECOND))
        gate.open(span, crew.parked + len(companions))
        outcomes = crew.finish(span)
        shared.set_stop()  # a companion has nobody left to work with
        beside = finish_all(companions, shared)
        failed = [outcome for outcome in [*outcomes, *beside] if outcome.error]
        if failed:
            raise WorkerFailed(failed)
        return _result(job, span, outcomes, beside[0].found if beside else None, crew.pickling)


def _start_companion(job: Job) -> list[Child]:
    companion = job.setting.workload.companion
    if companion is None or not companion.wanted(job.setting.params):
        return []
    child = Child(job, companion.work, job.setting.workers, companion.role, f"{companion.role}-1")
    child.wait_until_parked()
    return [child]


def _await_go(channel: LineSocket, shared: SharedWords, children: Sequence[int]) -> None:
    channel.send({"ready": {"pids": [os.getpid(), *children]}})
    channel.wait_for_go(shared)
    channel.stop_at_hangup(shared)


def _print_report(fields: Json) -> None:
    print(json.dumps(fields), file=sys.stderr, flush=True)  # noqa: T201


def _result(
    job: Job, span: Span, outcomes: Sequence[Outcome], companion: Json | None, pickling: Pickling | None
) -> Json:
    setting = job.setting
    workload = setting.workload
    ops_by_worker = [
        job.shared.ops(worker)
        for worker in range(setting.workers)
        if workload.counting in (None, workload.role(worker)[0])
    ]
    seconds = (max(outcome.ended_ns for outcome in outcomes) - span.start_ns) / _NS_A_SECOND
    result: Json = {
        "workload": workload.name,
        "executor": setting.executor,
        "workers": setting.workers,
        "seconds": seconds,
        "ops": sum(ops_by_worker),
        "ops_per_s": sum(ops_by_worker) / seconds,
        "ops_by_worker": ops_by_worker,
        **(_handed_over(pickling) if pickling else {}),
        **workload.summarise(job.prepared, [outcome.found for outcome in outcomes], companion),
    }
    return {
        **result,
        "op": workload.op,
        "measured": measured(result, workload.shown),
        "showed": list(workload.showed(result)),
    }


def _handed_over(pickling: Pickling) -> Json:
    """What the executor itself pickled, beside what the work may pickle."""
    return {"executor_bytes_pickled": pickling.bytes, "executor_pickling_ms": pickling.ns / _NS_A_MS}
