"""An observation that has just begun, into which a test feeds what it is about."""

import pytest
from support.evidence import DECLARED, fields_of

from app.analysis.ledger import Ledger
from app.model.findings import Finding
from app.model.frames import Hello, Names, Process

PID = 100


@pytest.fixture
def begin():
    """A function that makes a ledger with `lanes` threads named t0, t1, ... and one GIL."""

    def make(lanes: int = 3) -> Ledger:
        ledger = Ledger()
        run = {"id": "r1", "kind": "workload", "name": "cpu-bound", "params": {"kind": "primes"}}
        ledger.feed(Hello(123, 1e9, run, {"gil_hz": 1000.0, "counters_hz": 4.0, "stacks_hz": 100.0}))
        capabilities = {"gil": "exact", "gil_wait": "inferred", "threads": "exact", "heap": "unavailable"}
        why = {"gil_wait": "read from the futex"}
        ledger.feed(
            Process(0, PID, None, ["python3", "x.py"], "3.12.1", False, True, 5000, capabilities, why)
        )
        threads = [[lane, PID, PID + lane, f"t{lane}", 0] for lane in range(lanes)]
        ledger.feed(Names(0, threads, [[0, PID, 0]]))
        return ledger

    return make


@pytest.fixture(autouse=True)
def _labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever finding a test has made: the page has a label for each of its figures."""
    to_json = Finding.to_json

    def checked(finding: Finding) -> object:
        missing = sorted({*fields_of(finding.evidence)} - DECLARED)
        assert not missing, f"evidence.js has no label for {missing} of {finding.code}"
        return to_json(finding)

    monkeypatch.setattr(Finding, "to_json", checked)
