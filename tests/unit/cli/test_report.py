"""The report is made of the Ledger's own summary, so that a field renamed there is missed here."""

from __future__ import annotations

import re

import pytest

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.cli import report
from app.model import frames
from app.model.states import EXACT, NATIVE, RUNNING, SLEEP, WAITING


@pytest.fixture
def ledger() -> Ledger:
    """A second of two threads of which one holds the GIL and the other waits; a third runs without it."""
    return observed()


def observed(unseen_us: int = 0) -> Ledger:
    """The same, of which nothing was seen for `unseen_us` in the middle."""
    ledger = Ledger()
    run = {"id": "r1", "kind": "workload", "name": "convoy", "params": {}}
    ledger.feed(frames.Hello(0, 1.7e9, run, {"gil_hz": 1000.0, "counters_hz": 4.0, "stacks_hz": 100.0}))
    ledger.feed(
        frames.Process(
            0,
            100,
            None,
            ["python3"],
            python="3.13.0",
            free_threaded=False,
            gil_enabled=True,
            switch_interval_us=5000,
            capabilities={"gil": EXACT, "gil_wait": EXACT, "threads": EXACT},
        )
    )
    threads = [[0, 100, 100, "main", 0], [1, 100, 101, "cpu-1", 0], [2, 100, 102, "", 0]]
    ledger.feed(frames.Names(0, threads, [[0, 100, 0]]))
    for start_us in range(0, 1_000_000, 50_000):
        start_us += unseen_us if start_us >= 500_000 else 0
        end_us = start_us + 50_000
        gils = [[0, 10, [0, 1, 50_000]]]
        lanes = [[0, [RUNNING, 50_000]], [1, [WAITING, 50_000]], [2, [NATIVE, 50_000]]]
        ledger.feed(frames.Frame(start_us, end_us, 50, 0, 0, gils, lanes))
    ledger.feed(
        frames.Report(
            1_000_000 + unseen_us, {"result": {"ops": 1200, "latency_ms": {"p50": 5.02, "p99": None}}}
        )
    )
    ledger.feed(frames.End(1_000_000 + unseen_us, "finished", exit_code=0))
    return ledger


def test_a_thread_that_never_called_python_is_marked(ledger: Ledger) -> None:
    ledger.feed(frames.Names(1_000_000, [[2, 100, 102, "blas", None]]))
    assert re.search(r"^blas \(no Python state\) +100 ", report.text(summarise(ledger)), re.MULTILINE)


def test_cpu_time_that_no_row_has_is_told_below_the_threads() -> None:
    ledger = Ledger()
    ledger.feed(frames.Names(0, [[0, 100, 100, "main", 0], [1, 100, 101, "short", 0]], [[0, 100, 0]]))
    ledger.feed(frames.Counters(0, [[100, 0, 1000, 1000, 0, 0]], [[0, 0, 0, 0, 0]]))
    ledger.feed(frames.Frame(0, 50_000, 50, 0, 0, [], [[0, [RUNNING, 50_000]]]))
    ledger.feed(frames.Counters(1_000_000, [[100, 900_000, 1000, 1000, 0, 0]], [[0, 380_000, 0, 0, 0]]))
    line = "520 ms more of CPU time is in no row: of threads not shown, or that ended before it was read."
    assert line in report.text(summarise(ledger)).splitlines()


def test_the_report_shows_every_table(ledger: Ledger) -> None:
    text = report.text(summarise(ledger))
    lines = text.splitlines()

    assert lines[0] == "convoy · CPython 3.13.0 · finished after 1 s · switch interval 5 ms"
    assert re.search(r"^pid 100 +100 % +100 % +100 % +1\.00 +200 +200$", text, re.MULTILINE)
    heading = next(line for line in lines if line.startswith("thread"))
    assert heading.split()[:5] == ["thread", "pid", "seen", "running", "waiting"]
    assert re.search(r"^main +100 +100 % +100 % +0 % +0 % ", text, re.MULTILINE)
    assert re.search(r"^102 +100 +100 % +0 % +0 % +100 % ", text, re.MULTILINE)
    assert re.search(r"^latency_ms +p50 5\.02, p99 –$", text, re.MULTILINE)
    assert "1,000 samples, 0 late, 0 failed" in text
    assert "heap, types, gc, stacks unavailable: " in text


def part(text: str, heading: str) -> list[str]:
    """The lines of the part that begins so, their cells parted by one blank."""
    found = next(part for part in text.split("\n\n") if part.startswith(heading))
    return [re.sub(" +", " ", line.strip()) for line in found.splitlines()]


def test_the_report_tells_of_heap_collector_and_memory(ledger: Ledger) -> None:
    ledger.feed(frames.Process(0, 200, 100, ["python3"], python="3.13.0"))
    for pid in (100, 200):
        ledger.feed(frames.Counters(250_000, [[pid, 0, 3 << 20, 2 << 20, 7, 0] for pid in (100, 200)]))
        ledger.feed(frames.Memory(240_000, pid, 1 << 20, 1 << 19, 3 << 18, 4096, 0, {}))
        ledger.feed(
            frames.Heap(
                *(500_000, pid, 0, "pymalloc", 2000, 1000, 0, 4, 4 << 20, 200, 56, 1500, 3 << 20, None),
                classes=[[64, 200, 1500, 3]],
                pinned=[1, 1 << 20, 640] if pid == 100 else [0, 0, 0],
            )
        )
    row = [100, 0, False, [700, 10, 10], [1, 2, 3], [3000, 5, 1], [90, 9, 1], [0, 0, 0], None]
    pauses = [[100, 0, 300_000, 200_000, 2, 8]]
    ledger.feed(frames.Collector(0, [[*row[:5], [0, 0, 0], [0, 0, 0], *row[7:]]]))
    ledger.feed(frames.Collector(900_000, [row], pauses))
    text = report.text(summarise(ledger))

    assert part(text, "memory")[1:] == [
        "pid 100 240 ms 1 MiB 512 KiB 768 KiB 4 KiB 2 MiB 7 0",
        "pid 200 240 ms 1 MiB 512 KiB 768 KiB 4 KiB 2 MiB 7 0",
        "together at most PSS 1.5 MiB, pages that several share counted once",
    ]
    assert part(text, "heap")[1:] == [
        "pid 100 pymalloc 3 MiB 1,500 4 4 MiB 25 % 1: 640 B hold 1 MiB",
        "pid 200 pymalloc 3 MiB 1,500 4 4 MiB 25 % none",
    ]
    assert part(text, "collector")[1:] == ["pid 100, disabled 3,000 + 5 + 1 100 1 200 ms 200 ms 200 ms 20 %"]
    assert "critical: The collector stops the program (gc-pauses)\n  3,006 collections stopped" in text


def test_segments_of_mimalloc_are_not_said_to_be_pinned(ledger: Ledger) -> None:
    numbers = (500_000, 100, 0, "mimalloc", 2000, 1000, 0, 1, 32 << 20, 30, 470, 1500, 3 << 20, None)
    ledger.feed(frames.Heap(*numbers, classes=[[64, 30, 1500, 3]], pinned=[1, 32 << 20, 3 << 20]))
    assert part(report.text(summarise(ledger)), "heap")[1:] == [
        "pid 100 mimalloc 3 MiB 1,500 1 32 MiB 91 % –"
    ]


def test_without_a_gil_functions_ran_and_nobody_waited() -> None:
    ledger = Ledger()
    run = {"id": "r1", "kind": "workload", "name": "cpu-bound", "params": {}}
    ledger.feed(frames.Hello(0, 1.7e9, run, {"gil_hz": 1000.0, "counters_hz": 4.0, "stacks_hz": 100.0}))
    ledger.feed(
        frames.Process(
            0, 100, None, ["python3"], "3.13.5", True, False, capabilities={"threads": EXACT, "stacks": EXACT}
        )
    )
    functions = [[0, "spin", "/home/me/work.py", 3]]
    ledger.feed(frames.Names(0, [[0, 100, 100, "main", 0]], functions=functions, stacks=[[0, [0, 4]]]))
    ledger.feed(frames.Frame(0, 50_000, 50, 0, 0, [], [[0, [RUNNING, 50_000]]]))
    ledger.feed(frames.Stacks([[at_us, None, 0, 0, -1, None, 0] for at_us in range(5_000, 50_000, 10_000)]))
    ledger.feed(frames.End(50_000, "finished", exit_code=0))
    assert part(report.text(summarise(ledger)), "ran in") == [
        "ran in of the looks",
        "spin work.py:4 100 %",
    ]


def test_where_pss_is_not_known_of_all_the_report_says_what_it_counts(ledger: Ledger) -> None:
    ledger.feed(frames.Counters(0, [[pid, 0, 1 << 20, 1 << 20, 0, 0] for pid in (100, 200)]))
    assert part(report.text(summarise(ledger)), "memory")[-1] == (
        "together at most RSS 2 MiB, pages that several share counted in each"
    )


def test_the_report_tells_who_held_the_lock_and_who_waited_longest(ledger: Ledger) -> None:
    functions = [[0, "spin", "/home/me/work.py", 3], [1, "ask", "/home/me/work.py", 9]]
    ledger.feed(frames.Names(1_000_000, functions=functions, stacks=[[0, [0, 4]], [1, [1, 11]]]))
    ledger.feed(frames.Stacks([[at_us, 0, 0, 0, 1, 1, 1] for at_us in range(5_000, 1_000_000, 10_000)]))
    text = report.text(summarise(ledger))
    assert part(text, "held the GIL in")[1:] == ["spin work.py:4 100 % 100 %"]
    assert part(text, "longest waits")[1:] == ["1 s 0 µs cpu-1 ask work.py:11 main spin"]


def test_the_report_tells_how_late_event_loops_were_and_their_longest_steps(ledger: Ledger) -> None:
    functions = [
        [0, "legacy_client", "/home/me/feed.py", 3],
        [1, "Hub.run", "/x/site-packages/gevent/hub.py", 9],
    ]
    ledger.feed(frames.Names(0, functions=functions, stacks=[[0, [0, 4]], [1, [1, 11]]]))
    loops = [[0, "asyncio", True, True], [2, "gevent", False, False]]
    lags = [[0, 700_000, 250_000, [250_000, 300_000]], [2, 990_000, 40_000, [40_000, 10_000]]]
    steps = [
        [0, 100_000, 250_000, SLEEP, "price-feed", True, [0, 250_000]],
        [0, 600_000, 20_000, RUNNING, None, True, []],
        [2, 0, 40_000, NATIVE, None, True, [1, 40_000]],
    ]
    ledger.feed(frames.Loops(900_000, loops, lags, steps))
    text = report.text(summarise(ledger))
    assert part(text, "event loop") == [
        "event loop thread lag p50 p99 max",
        "asyncio main 0 µs 250 ms 250 ms",
        "gevent 102 0 µs 0 µs 40 ms",
    ]
    assert part(text, "longest steps") == [
        "longest steps at thread task state in",
        "250 ms 100 ms main price-feed sleep legacy_client feed.py:4",
        "40 ms 0 µs 102 – native –",
        "20 ms 600 ms main – running –",
    ]


def test_the_report_tells_how_full_pools_were_and_how_many_tasks_waited(ledger: Ledger) -> None:
    looks = [[n * 100_000, 0, 4, 4, 10 * n, 2, [SLEEP, 4]] for n in range(9)]
    looks += [[n * 100_000, 2, 2, n % 2, None, 0, [RUNNING, n % 2]] for n in range(9)]
    names = [[0, 100, "executor", "asyncio"], [2, 100, "executor", "own queue"]]
    ledger.feed(frames.Pools(900_000, names, looks))
    assert part(report.text(summarise(ledger)), "pool of threads") == [
        "pool of threads threads all at work at work tasks waiting max",
        "asyncio 4 100 % 100 % 40 80",
        "own queue 2 0 % 22 % – –",
    ]


def test_what_was_not_seen_is_told_and_lengths_that_reach_into_it_are_lower_bounds() -> None:
    text = report.text(summarise(observed(unseen_us=500_000)))
    assert "warning: Only 66.6 % of the time was seen (observation-thin)" in text
    assert "seen for 66.6 % of the time: sampled at" in text
    assert re.search(r"^pid 100 +66\.6 % +100 % ", text, re.MULTILINE)
    assert re.search(r"^cpu-1 +100 +66\.6 % +0 % .* ≥ 500 ms +– ", text, re.MULTILINE)
    assert part(text, "longest waits")[1].startswith("≥ 500 ms 0 µs cpu-1")
    assert "gil, gil_wait, threads inferred: exact of what was seen, which is 66.6 % of the time" in text


def test_that_less_was_asked_of_the_workers_of_a_large_cluster_is_said_with_why(ledger: Ledger) -> None:
    assert ledger.hello is not None
    ledger.hello.sampling["less"] = "there are 64 workers"
    assert re.search(
        r"sampled at [\d,]+ Hz \([\d,]+ asked for; there are 64 workers\), ", report.text(summarise(ledger))
    )


def test_the_report_ends_with_what_the_workload_showed_and_what_was_found(ledger: Ledger) -> None:
    summary = summarise(ledger)
    summary["workload"] |= {
        "showed": ["Answers took 5 ms.", "Without the others 0.1 ms."],
        "table": {"columns": ["operation", "lost"], "rows": [["append", 0], ["i += 1", 1234]]},
        "pictures": [{"title": "before", "svg": "<svg/>", "alt": ""}],
        "samples": list(range(100)),
    }
    summary["findings"] = [
        {"code": "x", "severity": "notice", "title": "T", "detail": "It waits.", "advice": "Let go."}
    ]
    text = report.text(summary)
    assert "Answers took 5 ms.\nWithout the others 0.1 ms." in text
    assert "notice: T (x)\n  It waits.\n  Let go." in text
    assert part(text, "operation") == ["operation lost", "append 0", "i += 1 1,234"]
    assert "samples 100 rows, see --json" in part(text, "workload")
    assert "<svg" not in text


def test_the_report_of_a_run_in_which_nothing_was_seen() -> None:
    run = {"name": "convoy", "state": "failed", "duration_s": 0.01}
    assert report.text(summarise(Ledger(), run)).startswith(
        "convoy · not a CPython that can be read · failed after 10 ms\n\n"
        "seen for – of the time: sampled at – Hz"
    )
