"""What a scraper is told of a run, made of a ledger: app/model/metrics.py says what is in it.

A tree of processes may fork thousands: rows are of those that are there, of the MOST_PROCESSES that came
first. The sums of the run have all of them.
"""

from __future__ import annotations

from app.analysis import coverage
from app.analysis.ledger import Ledger
from app.analysis.process_rows import collector_row, memory_row
from app.analysis.processes import ProcessUse
from app.model.metrics import ProcessMetrics, RunMetrics, SampleCounts
from app.model.summary import RunInfo

MOST_PROCESSES = 32


def metrics_of(ledger: Ledger, run: RunInfo) -> RunMetrics:
    """The totals and sizes of what a ledger was fed so far."""
    there = ledger.processes.live()
    threads = ledger.threads.alive()
    waits = ledger.threads.wait_lengths()
    sampled = ledger.sampled
    return RunMetrics(
        id=run["id"] or "",
        kind=run["kind"] or "",
        name=run["name"] or "",
        state=run["state"],
        observed_s=ledger.measured_us / 1e6,
        coverage=coverage.of_run(ledger),
        observer_cpu_s=ledger.observer_cpu.used_us / 1e6,
        samples=SampleCounts(sampled.samples, sampled.failed, sampled.late),
        gil=ledger.gils.time().seconds(),
        switches=ledger.gils.switches(),
        waits=waits.up_to(),
        waits_count=waits.count,
        waits_sum_s=waits.total_us / 1e6,
        processes=[_process(ledger, each, threads[each.pid]) for each in there[:MOST_PROCESSES]],
        processes_not_shown=max(0, len(there) - MOST_PROCESSES),
    )


def _process(ledger: Ledger, process: ProcessUse, threads: int) -> ProcessMetrics:
    pid = process.pid
    return ProcessMetrics(
        use=process.use_row(),
        memory=memory_row(ledger, process),
        threads=threads,
        gils=[gil.to_json() for gil in ledger.gils if gil.pid == pid and gil.lifetime_us],
        heaps=[heap.row() for heap in ledger.heaps.live() if heap.pid == pid],
        collectors=[collector_row(ledger, one) for one in ledger.collectors.live() if one.pid == pid],
    )
