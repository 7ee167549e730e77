"""The same verdicts on every version found; on those without a GIL, theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.observing import Observation, observing, program, workload

from app.model.frames import Frame, Names, Process
from app.model.spec import Start

SECONDS = 1.5


def observed(start: Start) -> Observation:
    """The observation of a program, from its start to its end."""
    with observing(start) as observation:
        end = observation.finish()
    assert (end.state, end.error) == ("finished", None)
    return observation


def watched(
    python: str, name: str, executor: str = "threads", workers: int = 4, **environment: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary of a short run of a workload, and the rows of its workers in their order."""
    start = workload(python, name, executor=executor, workers=workers, seconds=SECONDS)
    summary = observed(replace(start, env=start.env | environment)).summary()
    root = summary["target"]["pid"]
    rows = [row for row in summary["threads"] if row["pid"] == root and row["name"] != "main"]
    return summary, sorted(rows, key=lambda row: str(row["name"]))


def share(rows: list[dict[str, Any]], *states: str) -> float:
    """The sum of those states over all the rows: how many threads were in one of them, in the mean."""
    return sum(row["shares"][state] for row in rows for state in states)


def turns(summary: dict[str, Any]) -> list[float]:
    """Each worker's share of the lock, by what it got done: who gets it more often is the kernel's affair."""
    ops = summary["workload"]["ops_by_worker"]
    assert min(ops) > 0.5 * max(ops)
    return [each / sum(ops) for each in ops]


@pytest.mark.builds
@pytest.mark.serial
def test_four_cpu_bound_threads_share_one_gil(gil_python: str) -> None:
    summary, rows = watched(gil_python, "cpu-bound")
    [gil] = summary["gils"]
    assert gil["held_share"] >= 0.95
    assert gil["contended_share"] >= 0.9
    assert len(rows) == 4
    for row, own in zip(rows, turns(summary), strict=True):
        assert share([row], "running") == pytest.approx(own, abs=0.05), row
        assert share([row], "waiting", "native") == pytest.approx(1 - own, abs=0.05), row
        assert share([row], "native") <= 0.08, "it never lets go but when made to"


@pytest.mark.serial
def test_cpu_bound_threads_without_a_gil_run_at_the_same_time(free_threaded_python: str) -> None:
    summary, rows = watched(free_threaded_python, "cpu-bound", workers=2)
    assert summary["gils"] == []
    assert summary["target"]["gil_enabled"] is False
    assert summary["capabilities"]["gil"] == "unavailable"
    assert "without a GIL" in summary["capabilities"]["why"]["gil"]
    assert share(rows, "running") > 1.5
    assert share(rows, "waiting") < 0.1


@pytest.mark.serial
def test_a_gil_switched_on_in_a_free_threaded_build_is_reported(free_threaded_python: str) -> None:
    summary, rows = watched(free_threaded_python, "cpu-bound", PYTHON_GIL="1")
    [gil] = summary["gils"]
    assert summary["target"]["gil_enabled"] is True
    assert summary["capabilities"]["gil"] == "exact"
    assert gil["held_share"] >= 0.95
    assert gil["switches"] > 100
    for row, own in zip(rows, turns(summary), strict=True):
        assert share([row], "running") == pytest.approx(own, abs=0.05), row


@pytest.mark.builds
def test_io_bound_threads_hardly_hold_it(python: str) -> None:
    summary, rows = watched(python, "io-bound")
    assert all(gil["held_share"] < 0.1 for gil in summary["gils"])
    assert len(rows) == 4
    for row in rows:
        assert share([row], "sleep", "io") > 0.9, row


@pytest.mark.serial
def test_code_that_lets_go_of_it_runs_at_the_same_time(python: str) -> None:
    _, rows = watched(python, "native-release", workers=2)
    assert len(rows) == 2
    for row in rows:
        assert share([row], "native") > 0.7, row


@pytest.mark.serial
def test_the_io_thread_of_a_convoy_waits_for_the_gil(gil_python: str) -> None:
    # With more than one rival a wait is several switch intervals long, and the run has room for few of them.
    summary, _ = watched(gil_python, "convoy", workers=2)
    [row] = [row for row in summary["threads"] if row["name"].startswith("io")]
    assert row["gil_wait"]["count"] > 20
    assert row["gil_wait"]["p99_s"] >= summary["target"]["switch_interval_s"]
    assert share([row], "waiting") > 0.3


@pytest.mark.serial
def test_the_io_thread_of_a_convoy_waits_for_nothing_without_one(free_threaded_python: str) -> None:
    summary, _ = watched(free_threaded_python, "convoy")
    [row] = [row for row in summary["threads"] if row["name"].startswith("io")]
    assert share([row], "waiting") < 0.05


def test_each_process_of_a_pool_has_a_gil_of_its_own(gil_python: str) -> None:
    """Forked or spawned, as the interpreter's own default is."""
    summary, _ = watched(gil_python, "cpu-bound", executor="processes", workers=2)
    busy = [gil for gil in summary["gils"] if gil["held_share"] > 0.5]
    assert len({gil["pid"] for gil in busy}) == len(busy) == 2
    assert summary["target"]["pid"] not in {gil["pid"] for gil in busy}
    assert all(gil["contended_share"] < 0.1 for gil in busy)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_by_any_way_of_starting_them_are_observed(any_python: str, method: str) -> None:
    code = f"""
import multiprocessing as mp, time
def main():
    context = mp.get_context({method!r})
    child = context.Process(target=time.sleep, args=(1.0,))
    child.start()
    child.join()
if __name__ == "__main__":
    main()
"""
    observation = observed(program(any_python, code))
    seen = {process.pid for process in observation.of(Process) if process.python}
    # multiprocessing starts a tracker of its resources too, and forkserver a server.
    assert len(seen) >= (3 if method == "spawn" else 4)


# Each interpreter computes in a thread of its own until the deadline.
INTERPRETERS = """
import sys, threading, time
if sys.version_info >= (3, 14):
    from concurrent import interpreters
    def make(): return interpreters.create().exec
elif sys.version_info >= (3, 13):
    import _interpreters
    def make(): return lambda code, number=_interpreters.create(): _interpreters.exec(number, code)
else:
    import _xxsubinterpreters
    run_string = _xxsubinterpreters.run_string
    def make(): return lambda code, number=_xxsubinterpreters.create(): run_string(number, code)
compute = f"import time\\nwhile time.monotonic() < {time.monotonic() + 2.5}: pass"
threads = [threading.Thread(target=make(), args=(compute,)) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.serial
def test_interpreters_with_a_gil_each_hold_them_at_the_same_time(isolating_python: str) -> None:
    summary = observed(program(isolating_python, INTERPRETERS)).summary()
    assert len(summary["gils"]) == 3
    main, *others = sorted(summary["gils"], key=lambda gil: gil["interpreter"])
    assert main["interpreter"] == 0
    assert main["held_share"] < 0.5
    assert sum(gil["held_share"] for gil in others) > 1.2, others
    assert all(gil["contended_share"] < 0.1 for gil in others)


THOUSANDS = """
import os, sys, threading, time
def brief(): time.sleep(0.003)
while not os.path.exists(sys.argv[1]):
    batch = [threading.Thread(target=brief) for _ in range(50)]
    for thread in batch: thread.start()
    for thread in batch: thread.join()
time.sleep(0.5)
"""


def test_thousands_of_threads_leave_nothing_behind_in_the_observer(any_python: str, tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    with observing(program(any_python, THOUSANDS, str(enough))) as observation:
        observer = psutil.Process(observation.process.pid)
        observation.until(Frame)
        descriptors, named, sizes = observer.num_fds(), 0, []
        for message in observation:
            if isinstance(message, Names):
                named += len(message.threads)
                if named > 6000:
                    enough.touch()
            if isinstance(message, Frame) and observation.process.poll() is None:
                sizes.append((named, observer.memory_info().rss, observer.num_fds()))
        assert observation.process.wait() == 0
    lanes = [row[0] for names in observation.of(Names) for row in names.threads]
    lost = [lane for names in observation.of(Names) for lane in names.gone]
    assert len(lanes) > 5000
    assert set(lanes) == set(lost), "every lane that came has gone"  # one may be named twice
    assert len(lost) == len(set(lost))
    assert max(count for _, _, count in sizes) <= descriptors + 50 + 20
    settled = next(size for seen, size, _ in sizes if seen > 2000)
    assert sizes[-1][1] - settled < 2 << 20
    assert sizes[-1][2] <= descriptors + 2
