"""The figures of a moment: what a live view shows, four times a second.

    {"type": "figures", "at_us", "begin_us", "end_us", "window_s", "main_gil",
     "gils": [{"gil", "pid", "interpreter", "coverage", "held_share", "contended_share", "switches_per_s",
               "waiters", "switches", "so_far": {the same measures}}],
     "processes": [{"pid", "python", "cpu_share"}],
     "threads": [{"lane", "alive", and the fields of a thread in a summary}], "threads_not_shown",
     "threads_cpu_unlisted_s": CPU time of their processes that no row has,
     "totals": {"cpu_share", "rss", "pss", "ops", "ops_per_s", "switches_per_s"},
     "observer": {"cpu_share", "gil_hz", "late", "failed", "coverage"},
     "row": the newest row of the series, or null before the first,
     "hot", "who_waits", "longest_waits", "longest_holds", "loops", "pools", "trims", "workers",
     "unseen_workers", "tasks", "line": as in a summary, with fewer rows,
     "memory", "heap", "gc", "types", "census", "readings": of the processes that are there, as in a
     summary but for what process_rows.py says}

A server adds `findings`, those of the whole run so far, and `findings_at_s`, how long that was when they were
judged, about once a second.

`gils`, `processes`, `totals` and the rates of `observer` roll over the last second; `row` is of the time
between the last two counters, for charts; all else, `so_far` too, is of the whole run so far: from
`begin_us` to `at_us`. Once the measured time is over that is `end_us`, else null, and nothing changes.
`main_gil` is the index of the GIL to show first, chosen over the whole run (see gils.py), null where none was
read. What has not been measured is null, never 0. `totals.rss` counts a page that several processes share in
each of them; `totals.pss` counts it once, and is null unless it is known of all of them.
"""

from __future__ import annotations

from typing import Any

from app.analysis import coverage
from app.analysis.ledger import Ledger
from app.analysis.process_rows import live_rows
from app.analysis.window import GilRates

HOT_ROWS = 12
TASK_ROWS = 100
PAIRS = 100  # of holder and waiter: a convoy of ten threads

_Rates = dict[int, GilRates]
_Shares = dict[int, float | None]


def figures_of(ledger: Ledger) -> dict[str, Any]:
    """The figures of what a ledger was fed so far."""
    rates = ledger.frames.gils()
    length_us = ledger.frames.length_us
    cpu_shares = ledger.counters.cpu_shares()
    rows, not_shown = ledger.threads.live_rows(ledger.at_us)
    return {
        "type": "figures",
        "at_us": ledger.edge_us,
        "begin_us": ledger.begin_us,
        "end_us": ledger.end_us,
        "window_s": length_us / 1e6,
        "main_gil": _main(ledger, rates),
        "gils": [_gil(ledger, index, rates[index]) for index in sorted(rates)],
        "processes": ledger.processes.live_rows(cpu_shares),
        "threads": rows,
        "threads_not_shown": not_shown,
        "threads_cpu_unlisted_s": ledger.processes.unlisted_cpu_s(rows),
        "totals": _totals(ledger, rates, cpu_shares),
        "observer": {
            "cpu_share": ledger.counters.observer_cpu_share,
            "gil_hz": ledger.frames.samples * 1e6 / length_us if length_us else None,
            "late": ledger.sampled.late,
            "failed": ledger.sampled.failed,
            "coverage": coverage.of_run(ledger),
        },
        "row": ledger.series.newest(),
        "hot": ledger.hot(HOT_ROWS),
        "who_waits": ledger.who_waits(PAIRS),
        "longest_waits": ledger.longest_waits(),
        "longest_holds": ledger.longest_holds(),
        "loops": ledger.loop_rows(),
        "pools": ledger.pool_rows(),
        "trims": ledger.trims.rows(),
        "workers": ledger.cluster.workers(),
        "unseen_workers": ledger.cluster.unseen(),
        "tasks": ledger.cluster.tasks(TASK_ROWS),
        "line": ledger.line.info(),
        **live_rows(ledger),
    }


def _main(ledger: Ledger, rates: _Rates) -> int | None:
    return ledger.gils.main if ledger.gils.main in rates else None


def _gil(ledger: Ledger, index: int, rates: GilRates) -> dict[str, Any]:
    gil = ledger.gils[index]
    return {
        "gil": index,
        "pid": gil.pid,
        "interpreter": gil.interpreter,
        **rates.time.shares(),
        "switches_per_s": rates.switches_per_s,
        "switches": gil.switches,
        "so_far": gil.rates(),
    }


def _totals(ledger: Ledger, rates: _Rates, cpu_shares: _Shares) -> dict[str, float | None]:
    known = [share for share in cpu_shares.values() if share is not None]
    return {
        "cpu_share": sum(known) if known else None,
        "rss": ledger.counters.rss,
        "pss": ledger.processes.pss(),
        "ops": ledger.counters.ops,
        "ops_per_s": ledger.counters.ops_per_s,
        "switches_per_s": sum(gil.switches_per_s for gil in rates.values()) if rates else None,
    }
