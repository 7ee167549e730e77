"""The report is made of the Ledger's own summary, so that a field renamed there is missed here."""

from __future__ import annotations

import re

import pytest

from app.analysis.ledger import Ledger
from app.cli import report
from app.model import frames
from app.model.states import EXACT, NATIVE, RUNNING, WAITING


@pytest.fixture
def ledger() -> Ledger:
    """A second of two threads of which one holds the GIL and the other waits; a third runs without it."""
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
        end_us = start_us + 50_000
        gils = [[0, 10, [0, 1, 50_000]]]
        lanes = [[0, [RUNNING, 50_000]], [1, [WAITING, 50_000]], [2, [NATIVE, 50_000]]]
        ledger.feed(frames.Frame(start_us, end_us, 50, 0, 0, gils, lanes))
    ledger.feed(frames.Report(1_000_000, {"result": {"ops": 1200, "latency_ms": {"p50": 5.02, "p99": None}}}))
    ledger.feed(frames.End(1_000_000, "finished", exit_code=0))
    return ledger


def test_the_report_shows_every_table(ledger: Ledger) -> None:
    text = report.text(ledger.summary())
    lines = text.splitlines()

    assert lines[0] == "convoy · CPython 3.13.0 · finished after 1 s · switch interval 5 ms"
    assert re.search(r"^pid 100 +100 % +100 % +1\.0 +200 +200$", text, re.MULTILINE)
    heading = next(line for line in lines if line.startswith("thread"))
    assert heading.split()[:5] == ["thread", "pid", "running", "waiting", "native"]
    assert re.search(r"^main +100 +100 % +0 % +0 % ", text, re.MULTILINE)
    assert re.search(r"^102 +100 +0 % +0 % +100 % ", text, re.MULTILINE)
    assert re.search(r"^latency_ms +p50 5\.02, p99 –$", text, re.MULTILINE)
    assert "1,000 samples, 0 late, 0 failed" in text
    assert "heap, gc, stacks unavailable: " in text


def test_the_report_of_a_run_in_which_nothing_was_seen() -> None:
    run = {"name": "convoy", "state": "failed", "duration_s": 0.01}
    assert report.text(Ledger().summary(run)).startswith(
        "convoy · not a CPython that can be read · failed after 10 ms\n\nsampled at – Hz"
    )
