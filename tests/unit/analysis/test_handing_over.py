"""The rule on work that costs more to hand over than to do, on as much of a summary as it reads."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.findings.handing_over import handing_over_costs

QUEUES = "/lib/multiprocessing/queues.py"
POOL = "/lib/concurrent/futures/process.py"
APP = "/srv/app.py"

Row = dict[str, Any]


def spent(state: str, total_s: float, function: str, file: str, *callers: tuple[str, str]) -> Row:
    named = {"state": state, "total_s": total_s, "function": function, "file": file}
    return {**named, "callers": [[name, of, 1] for name, of in callers]}


def thread(pid: int, cpu_s: float, *rows: Row, observed_s: float = 10.0, coverage: float = 1.0) -> Row:
    seen = {"observed_s": observed_s, "coverage": coverage, "counted_s": 10.0}
    return {"pid": pid, "cpu_s": cpu_s, **seen, "blocked": list(rows)}


def worker(pid: int, cpu_s: float = 0.5, waits_s: float = 8.0) -> Row:
    """It waits half for the lock of the queue, half for what comes through its pipe."""
    took = ("Queue.get", QUEUES)
    return thread(
        pid,
        cpu_s,
        spent("lock", waits_s / 2, "SemLock.__enter__", "/lib/multiprocessing/synchronize.py", took),
        spent("io", waits_s / 2, "Connection._recv", "/lib/multiprocessing/connection.py", took),
        spent("running", 10 - waits_s, "work", APP, ("_process_worker", POOL)),
    )


def feeder(cpu_s: float) -> Row:
    rest = spent("lock", 6.0, "Condition.wait", "/lib/threading.py", ("Queue._feed", QUEUES))
    return thread(1, cpu_s, rest, spent("running", 2.0, "dumps", "/lib/pickle.py", ("Queue._feed", QUEUES)))


def manager(cpu_s: float) -> Row:
    done = ("_ExecutorManagerThread.process_result_item", POOL)
    return thread(1, cpu_s, spent("running", 2.0, "Condition.notify", "/lib/threading.py", done))


def producer(cpu_s: float) -> Row:
    return thread(1, cpu_s, spent("running", 2.0, "made", APP))


def told(*threads: Row) -> Any:
    summary: Any = {"threads": list(threads)}
    return handing_over_costs(summary)


def test_who_hands_over_for_longer_than_the_work_takes_is_told() -> None:
    finding = told(producer(0.5), feeder(1.0), manager(1.5), worker(2), worker(3, waits_s=6.0))
    assert finding.code == "handing-over-costs"
    assert finding.detail == (
        "Process 1 took 2.50 s of CPU to hand work to other processes and to take back what came of it; its "
        "2 workers took 1.00 s for the work, 0.00 s to take it and to give back, and waited for work for 70% "
        "of the time."
    )
    assert finding.evidence == {
        "pid": 1,
        "worker_pids": [2, 3],
        "handing_cpu_s": 2.5,
        "passing_cpu_s": 0.0,
        "work_cpu_s": 1.0,
        "waited_share": 0.7,
    }


@pytest.mark.parametrize(
    "threads",
    [
        [feeder(1.0), manager(1.5), worker(2)],
        [feeder(1.0), manager(1.5), worker(2, 5.0), worker(3, 5.0)],
        [feeder(1.0), manager(1.5), worker(2, waits_s=3.0), worker(3, waits_s=3.0)],
        [feeder(0.5), manager(1.4), worker(2), worker(3)],
        [producer(9.0), feeder(1.0), manager(1.5), worker(2), worker(3)],
        [feeder(0.0), manager(0.0), worker(2, 0.0), worker(3, 0.0)],
        [worker(2), worker(3)],
        [],
    ],
    ids=[
        "one worker",
        "workers that work",
        "workers that hardly wait",
        "little CPU",
        "a slow producer",
        "nothing to do",
        "a parent that is not seen",
        "nothing seen",
    ],
)
def test_what_only_resembles_it_is_not(threads: list[Row]) -> None:
    assert told(*threads) is None


def test_what_was_hardly_seen_counts_for_nothing() -> None:
    unseen = {**worker(3), "coverage": 0.3}
    assert told(feeder(1.0), manager(1.5), worker(2), unseen) is None


LOADS, DUMPS = ("SimpleQueue.get", QUEUES), ("SimpleQueue.put", QUEUES)


def unpacks(pid: int, *, loads_s: float = 4.0, works_s: float = 2.0, cpu_s: float = 3.0) -> Row:
    """A worker of a Pool: it makes objects of what comes, works, and gives a little back."""
    return thread(
        pid,
        cpu_s,
        spent("running", loads_s, *LOADS),
        spent("io", 1.0, "Connection._recv", "/lib/multiprocessing/connection.py", LOADS),
        spent("lock", 2.0, "SemLock.__enter__", "/lib/multiprocessing/synchronize.py", LOADS),
        spent("running", works_s, "work", APP, ("worker", "/lib/multiprocessing/pool.py")),
    )


def packs(cpu_s: float) -> Row:
    of = ("Pool._handle_tasks", "/lib/multiprocessing/pool.py")
    return thread(
        1, cpu_s, spent("running", 4.0, "ForkingPickler.dumps", "/lib/multiprocessing/reduction.py", of)
    )


def test_what_is_large_for_the_work_that_is_done_with_it_is_told_by_the_cpu_of_both_sides() -> None:
    finding = told(packs(2.0), unpacks(2), unpacks(3))
    assert finding.evidence["passing_cpu_s"] == pytest.approx(4.0)
    assert finding.evidence["work_cpu_s"] == pytest.approx(2.0)
    assert finding.evidence["waited_share"] == pytest.approx(0.3)
    assert finding.advice.startswith("What is handed over is large")
    small = told(packs(4.0), unpacks(2, loads_s=2.0, works_s=0.1), worker(3), worker(4))
    assert small.advice.startswith("Hand over more at a time")
    assert (
        told(packs(2.0), unpacks(2, loads_s=1.0, works_s=6.0), unpacks(3, loads_s=1.0, works_s=6.0)) is None
    )


def test_what_workers_give_back_counts_with_the_waits_of_that() -> None:
    gives = thread(
        2,
        3.0,
        spent("running", 3.0, "ForkingPickler.dumps", "/lib/multiprocessing/reduction.py", DUMPS),
        spent("io", 4.0, "Connection._send", "/lib/multiprocessing/connection.py", DUMPS),
        spent("running", 2.0, "work", APP, ("worker", "/lib/multiprocessing/pool.py")),
    )
    taken = ("Pool._handle_results", "/lib/multiprocessing/pool.py")
    takes = thread(
        1, 2.0, spent("running", 5.0, "Connection._recv", "/lib/multiprocessing/connection.py", taken)
    )
    finding = told(takes, gives, {**gives, "pid": 3})
    assert finding.evidence["passing_cpu_s"] == pytest.approx(3.6)
    assert finding.evidence["waited_share"] == 0.0
