"""A cluster's workers: tasks and figures added up, in pieces too, and when a worker's GIL is called full."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.analysis.cluster import MOST_NAMES, OTHERS, ClusterUse
from app.analysis.findings.cluster import worker_gil_bound
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import Cluster, Frame, Hello, Names, Process
from app.model.states import RUNNING, SLEEP

PID = 30
SLICE_US = 100_000


def task(begun_us: int, from_us: int, length_us: int, held_us: int, over: bool, name: str = "parse") -> list:
    return [PID, 1, begun_us, from_us, length_us, held_us, over, f"{name}-{begun_us}", name]


def told() -> list[Cluster]:
    return [
        Cluster(250_000, [task(0, 0, 250_000, 200_000, False)], clocks=[["h", "3", PID, 40, "by trips"]]),
        Cluster(
            500_000, [task(0, 250_000, 150_000, 150_000, True), task(400_000, 400_000, 100_000, 0, False)]
        ),
        Cluster(1_000_000, own=[[PID, 1_000_000, 900_000]]),
        Cluster(2_000_000, own=[[PID, 1_000_000, 700_000]]),
    ]


def test_tasks_are_added_up_by_their_names() -> None:
    use = ClusterUse()
    for message in told():
        use.feed(message, None)
    assert use.tasks() == [
        {"pid": PID, "name": "parse", "count": 1, "total_s": 0.5, "held_s": 0.35, "longest_s": 0.4}
    ]
    assert use.workers() == [
        {"pid": PID, "own_gil_share": pytest.approx(0.8), "clock_off_s": 40e-6, "clock": "by trips"}
    ]


def test_pieces_add_up_to_the_whole() -> None:
    whole, joined = ClusterUse(), ClusterUse()
    for message in told():
        whole.feed(message, None)
        piece = ClusterUse()
        piece.begin(joined)
        piece.feed(message, None)
        joined.absorb(json.loads(json.dumps(piece.state())), 0)
    assert joined.tasks() == whole.tasks()
    assert joined.workers() == whole.workers()
    joined.forget([PID])
    assert joined.tasks() == joined.workers() == []


def test_a_clock_may_be_off_by_the_most_that_was_told() -> None:
    use = ClusterUse()
    for off_us in (40, 900, 60):
        use.feed(Cluster(0, clocks=[["h", "3", PID, off_us, "by trips"]]), None)
    [row] = use.workers()
    assert row["clock_off_s"] == 900e-6
    later = ClusterUse()
    later.feed(Cluster(0, clocks=[["h", "3", PID, 50, "by trips"]]), None)
    use.absorb(json.loads(json.dumps(later.state())), 0)
    assert use.workers() == [row]


def test_names_without_end_are_told_together() -> None:
    use = ClusterUse()
    for n in range(MOST_NAMES + 50):
        use.feed(Cluster(n, [task(n, n, 10, 0, True, f"t{n}")]), None)
    rows = {row["name"]: row["count"] for row in use.tasks()}
    assert len(rows) == MOST_NAMES + 1
    assert rows[OTHERS] == 50


def bound(held: float, by_tasks: float, worker: str | None = "3", own: list[Any] | None = None) -> Any:
    """The finding of two seconds in which a worker's GIL was held for that share, and by tasks for that."""
    ledger = Ledger()
    ledger.feed(Hello(0, 1e9, {"id": "r", "kind": "attach", "name": "d"}, {"gil_hz": 1000.0}))
    place = {"host": "h", "worker": worker} if worker else {}
    ledger.feed(Process(0, PID, None, ["python"], "3.12.1", False, True, 5000, **place))
    ledger.feed(Names(0, [[0, PID, PID, "main", 0], [1, PID, 31, "Dask", 0]], [[0, PID, 0]]))
    kept_us = round(held * SLICE_US)
    rest = [SLEEP, SLICE_US - kept_us] if kept_us < SLICE_US else []
    nobody = [-1, 0, SLICE_US - kept_us] if kept_us < SLICE_US else []
    for n in range(20):
        gils = [[0, 1, [1, 0, kept_us, *nobody]]]
        lanes = [[0, [SLEEP, SLICE_US]], [1, [RUNNING, kept_us, *rest]]]
        ledger.feed(Frame(n * SLICE_US, (n + 1) * SLICE_US, 100, 0, 0, gils, lanes))
        held_us = round(by_tasks * SLICE_US)
        ledger.feed(Cluster((n + 1) * SLICE_US, [task(0, n * SLICE_US, SLICE_US, held_us, n == 19)]))
    ledger.feed(Cluster(2_000_000, own=[[PID, 2_000_000, own[0] if own else None]]))
    return worker_gil_bound(summarise(ledger))


def test_a_worker_whose_tasks_hold_its_gil_is_named_with_them() -> None:
    found = bound(0.97, 0.95, own=[1_800_000])
    assert found.title == "Worker 3's GIL is held 97% of the time, 95% by `parse`"
    assert "On h, worker 3 (process 30)" in found.detail
    assert "More threads a worker would not help; processes would." in found.detail
    assert "Dask's own figure says 90%" in found.detail
    assert found.evidence["task_share"] == pytest.approx(0.95)
    assert "it wants gilknocker" in bound(0.97, 0.95).detail


def test_nothing_is_said_of_one_that_has_room_or_of_what_is_no_worker() -> None:
    assert bound(0.8, 0.8) is None
    assert bound(0.97, 0.5) is None, "its tasks are not what holds it"
    assert bound(0.97, 0.95, worker=None) is None
