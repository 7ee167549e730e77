"""The tables of a cluster: who its workers are on their own machines, and who was not observed."""

from __future__ import annotations

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.cli import report
from app.model import frames
from app.model.pids import BEYOND

PID = 77


def observed() -> Ledger:
    """A worker beside a process of the same pid on another machine, and two that were not observed."""
    ledger = Ledger()
    ledger.feed(frames.Hello(0, 1.7e9, {"id": "r", "kind": "attach", "name": "Dask"}, {"gil_hz": 1000.0}))
    for place, (host, worker) in enumerate((("left", "a"), ("right", "b"))):
        pid = PID + (place + 1) * BEYOND * place
        place_of = {"host": host, "worker": worker}
        ledger.feed(frames.Process(0, pid, None, ["python"], "3.12.1", False, True, 5000, **place_of))
        ledger.feed(frames.Names(0, [[place, pid, PID, "main", 0]], [[place, pid, 0]]))
        ledger.feed(frames.Cluster(0, clocks=[[host, worker, pid, 0, "same"]]))
    kinds = {"anonymous": [1 << 24, 1 << 24, 1 << 24]}
    ledger.feed(frames.Memory(0, 2 * BEYOND + PID, 1 << 24, 1 << 24, 1 << 24, 0, 0, kinds))
    unseen = [["left", "c", 2 * BEYOND + 5, "Permission denied"], ["right", "d", None, "it did not answer"]]
    ledger.feed(frames.Cluster(0, unseen=unseen))
    return ledger


def test_workers_have_the_pids_of_their_own_machines_and_those_that_are_missing_are_told() -> None:
    lines = [" ".join(line.split()) for line in report.text(summarise(observed())).splitlines()]
    assert any(line.startswith(f"a left {PID} ") for line in lines)
    assert any(line.startswith(f"b right {PID} ") for line in lines)
    assert any(line.startswith(f"worker b · pid {PID} ") and " 16 MiB " in line for line in lines)
    at = next(n for n, line in enumerate(lines) if line.startswith("not observed"))
    assert lines[at + 1 : at + 3] == ["c left 5 Permission denied", "d right – it did not answer"]
    assert not any(str(2 * BEYOND + PID) in line for line in lines)
