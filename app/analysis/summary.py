"""The summary of a run: what `--json` prints and `GET /api/v1/runs/{id}/summary` answers.

Times in seconds, sizes in bytes, shares from 0 to 1. What could not be measured is null, and `capabilities`
says why. One row for each process, interpreter and thread.

    {"schema": 1,
     "run": {"id", "kind", "name", "state", "started_at", "duration_s", "params", "error"},
     "target": {"pid", "python", "free_threaded", "gil_enabled", "switch_interval_s", "command"},
     "capabilities": {measure: "exact" | "inferred" | "unavailable", ..., "why": {measure: text}},
     "sampling": {"gil_hz_requested", "gil_hz", "thread_hz", "samples", "failed", "late", "coverage",
                  "observer_cpu_share"},
     "gils": [{"pid", "interpreter", "switches", "switches_per_s", "coverage", "held_share",
               "contended_share", "waiters"}],
     "threads": [{"pid", "tid", "name", "interpreter", "observed_s", "coverage", "shares": {state: share},
                  "counted_s", "cpu_s", "run_delay_s", "voluntary_switches", "involuntary_switches",
                  "gil_wait": {"count", "cut", "cut_longest_s", "p50_s", "p95_s", "p99_s", "max_s",
                               "histogram": [[upper_s, count]]},
                  "gil_hold": {the same}, "gil_kept": {the same}, "blocked": [a row of where.py],
                  "flame": see there, or null}],
     "threads_not_shown": how many of the least active have no row,
     "processes": [a row of the use in processes.py], "cpu_share": of all of them, of one CPU, or null,
     "memory": [a row of processes.py], "memory_peak": {"rss", "pss"}, "heap": [a row of heaps.py] or null,
     "gc": [a row of collectors.py] or null: each with its course, see memory.py,
     "hot": [{"function", "file", "line", "held_share", "waited_share"}] or null,
     "flame": {"name", "file", "line", "samples", "self", "children": [the same]} or null,
     "where": {"blocked", "flame"}: of all threads, see where.py,
     "who_waits": [{"pid", "interpreter", "holder": {"tid", "name"}, "waiter": {"tid", "name"}, "wait_s"}],
     "longest_waits": [{"at_s", "length_s", "at_least", "pid", "tid", "name", "function", "file", "line",
                        "blamed": {"tid", "name", "function"} or null}],
     "longest_holds": [the same],
     "loops": [a row of loops.py],
     "stuck": [a row of stuck.py],
     "gils_switched_on": [{"pid", "at_s", "by": the import that did it, or null}],
     "workload": {"ops", "ops_per_s", and the workload's own fields} or null,
     "findings": [{"code", "severity", "title", "detail", "evidence", "advice", "doc"}]}

`gil_hz` is how often a second each lock was read; `thread_hz` how often each thread that had done something
of late was looked at: less often, where there are so many that they take turns.

`coverage` is how much was seen, see coverage.py: below 0.95 the finding `observation-thin` says so, and no
measure taken by sampling reads exact.

The kernel's totals of a thread (`cpu_s` and what follows it) are those of its last reading, and a thread that
ends takes what came after with it; `counted_s` is the time that they cover.

`memory_peak` is the most that all processes had at one moment: `pss` counts a page that several share once,
`rss` in each of them.

`gil_kept` is of those holds for which another waited: for how long one did during each.

A wait or a hold next to time that was not seen is counted under `cut` alone: it lasted at least as long as it
was seen, the longest of them `cut_longest_s`. The last step of a histogram has no upper end where `upper_s`
is null. See hot.py, flame.py, who_waits.py and longest.py for what is in the rest.
"""

from __future__ import annotations

from typing import Any

from app.analysis import coverage
from app.analysis.capabilities import worst
from app.analysis.findings import findings
from app.analysis.ledger import Ledger
from app.analysis.memory import summary_rows
from app.analysis.totals import seconds
from app.model.frames import Process

SCHEMA = 1
HOT_ROWS = 50
PAIRS = 1000  # of holder and waiter: thirty threads that all wait for each other


def summarise(ledger: Ledger, run: dict[str, Any] | None = None) -> dict[str, Any]:
    """The summary of what a ledger was fed; `run` overrides fields of the summary's own `run`."""
    summary = _measured(ledger, run or {}, flames=True)
    return {**summary, "findings": findings(summary)}


def judge(ledger: Ledger, run: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The findings alone, without the flame graphs, which grow with the number of stacks."""
    return findings(_measured(ledger, run or {}, flames=False))


def _measured(ledger: Ledger, run: dict[str, Any], flames: bool) -> dict[str, Any]:
    """All but the findings."""
    told = {**_run(ledger), **run}
    target = ledger.processes.target()
    seen = coverage.of_run(ledger)
    threads, threads_not_shown = ledger.threads.summary_rows(ledger.stacks.functions, flames)
    return {
        "schema": SCHEMA,
        "run": told,
        "target": _target(target),
        "capabilities": worst(ledger.processes.messages(), told["kind"] == "attach", seen),
        "sampling": _sampling(ledger, seen),
        "gils": ledger.gils.summary_rows(),
        "threads": threads,
        "threads_not_shown": threads_not_shown,
        "processes": [process.use_row() for process in ledger.processes],
        "cpu_share": _cpu_share(ledger),
        **summary_rows(ledger),
        "hot": ledger.hot(HOT_ROWS),
        "flame": ledger.stacks.flame() if flames else None,
        "where": ledger.where() if flames else None,
        "who_waits": ledger.who_waits(PAIRS),
        "longest_waits": ledger.longest_waits(),
        "longest_holds": ledger.longest_holds(),
        "loops": ledger.loop_rows(),
        "stuck": ledger.stuck(),
        "gils_switched_on": ledger.gils_switched_on(),
        "workload": _workload(ledger),
    }


def _run(ledger: Ledger) -> dict[str, Any]:
    said = ledger.hello.run if ledger.hello else {}
    return {
        **{key: said.get(key) for key in ("id", "kind", "name")},
        "state": ledger.end.state if ledger.end else "running" if ledger.at_us else "starting",
        "started_at": ledger.hello.started_at if ledger.hello else None,
        "duration_s": ledger.measured_us / 1e6,
        "params": said.get("params"),
        "error": ledger.end.error if ledger.end else None,
    }


def _target(target: Process | None) -> dict[str, Any]:
    if target is None:
        keys = ("pid", "python", "free_threaded", "gil_enabled", "switch_interval_s", "command")
        return dict.fromkeys(keys)
    return {
        "pid": target.pid,
        "python": target.python,
        "free_threaded": target.free_threaded,
        "gil_enabled": target.gil_enabled,
        "switch_interval_s": seconds(target.switch_interval_us),
        "command": target.command,
    }


def _sampling(ledger: Ledger, seen: float | None) -> dict[str, Any]:
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
    }


def _cpu_share(ledger: Ledger) -> float | None:
    """The CPU time of all processes up to the last reading of it, over the measured time until then."""
    counted_us = ledger.counters.at_us - ledger.begin_us
    return sum(process.cpu_us for process in ledger.processes) / counted_us if counted_us > 0 else None


def _workload(ledger: Ledger) -> dict[str, Any] | None:
    ops = ledger.counters.ops
    if ops is None and ledger.result is None:
        return None
    counted_us = ledger.counters.at_us - ledger.begin_us  # what came after the last reading was not counted
    counted = {
        "ops": ops,
        "ops_per_s": ops * 1e6 / counted_us if ops is not None and counted_us > 0 else None,
    }
    return {**counted, **(ledger.result or {})}
