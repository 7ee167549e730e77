"""The messages of several observers, made those of one, and the clocks of their machines."""

from __future__ import annotations

import importlib.util
import json

import pytest

from app.analysis.cluster import ClusterUse
from app.analysis.ledger import Ledger
from app.model.errors import BadRequest
from app.model.frames import (
    SLICE_US,
    Cluster,
    Counters,
    End,
    Event,
    Frame,
    Hello,
    Message,
    Names,
    Process,
    Stacks,
    decode,
    encode,
)
from app.model.pids import BEYOND
from app.model.states import HOLDER_UNKNOWN, RUNNING, SLEEP, UNKNOWN, WAITING
from app.model.tracks import length_of
from app.runs import cluster, plan
from app.runs.clocks import ClockBeside, Trip
from app.runs.cluster.joining import PATIENCE_US, SETTLE_US, Joined, Joining
from app.runs.cluster.tasks import WorkerTasks
from app.runs.request import RunRequest

PID = 70
OBSERVER = {"cpu_us": 10, "gil_hz": 1000.0, "late": 1, "cut_stacks": 0, "missed_blocks": 2, "looked": 1.0}


class Run:
    """What is told of a run, and a ledger that takes it."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.ledger = Ledger()
        self.ledger.feed(Hello(0, 1e9, {"id": "r"}, {"gil_hz": 1000.0}))
        self.joining = Joining(self._emit)
        self.origin_us = 0

    def _emit(self, message: Message) -> None:
        self.told.append(message)
        self.ledger.feed(decode(encode(message, len(self.told))))

    def begin(self) -> None:
        self.origin_us = self.joining.seen_us
        self.joining.begin(self.origin_us)

    def of(self, kind: type) -> list:
        return [message for message in self.told if isinstance(message, kind)]

    def worker(self, name: str, host: str = "here", ahead_us: int = 0, pid: int = PID) -> Joined:
        """One with a thread that runs and one that waits, before its first frame."""
        joined = self.joining.join(name, host, pid, lambda us: us - ahead_us - self.origin_us)
        joined.take(Hello(0, 1e9, {}, {}))
        joined.take(Process(ahead_us, pid, 1, ["python"], "3.12.1", False, True, 5000))
        names = [[0, pid, pid, "main", 0], [1, pid, pid + 1, "busy", 0]]
        functions = [[0, "parse", "x.py", 1]]
        joined.take(Names(ahead_us, names, [[0, pid, 0]], [], functions, [[0, [0, 3]]]))
        joined.take(Counters(ahead_us, [[pid, 1000, 4096, 4096, 1, 0]], [[1, 900, 5, 1, 1]], dict(OBSERVER)))
        return joined


def frame(start_us: int, length_us: int = SLICE_US) -> Frame:
    """Lane 1 has the GIL, and lane 0 waits for it."""
    return Frame(
        *(start_us, start_us + length_us, length_us // 1000, 0, 0),
        [[0, 3, [1, 1, length_us]]],
        [[0, [WAITING, length_us]], [1, [RUNNING, length_us]]],
    )


def frames(joined: Joined, from_us: int, until_us: int, length_us: int = SLICE_US) -> None:
    for start_us in range(from_us, until_us, length_us):
        joined.take(frame(start_us, length_us))


def test_two_workers_are_one_run() -> None:
    run = Run()
    one, other = run.worker("0"), run.worker("1", "there")
    frames(one, 0, 2_000_000)
    frames(other, 20_000, 2_000_000, 60_000)
    run.begin()
    run.joining.advance(2_000_000)
    told = run.of(Frame)
    assert told[0].start_us == 0, "it begins with the one that was seen last"
    assert run.origin_us == 20_000
    assert [(each.start_us, each.end_us) for each in told[1:]] == [
        (each.end_us, each.end_us + SLICE_US) for each in told[:-1]
    ]
    assert told[-1].end_us <= 2_000_000 - SETTLE_US
    for each in told:
        assert sorted(lane for lane, _ in each.lanes) == [0, 1, 2, 3]
        assert all(length_of(track, 2) == SLICE_US for _, track in each.lanes)
        assert [track for _, _, track in each.gils] == [[1, 1, SLICE_US], [3, 1, SLICE_US]]
        assert each.samples == pytest.approx(50, abs=2), "the rate of each, not the sum"
    processes = {each.worker: each for each in run.of(Process)}
    assert {name: (each.host, each.pid) for name, each in processes.items()} == {
        "0": ("here", PID),
        "1": ("there", 2 * BEYOND + PID),
    }
    assert run.of(Names)[0].functions == [[0, "parse", "x.py", 1]]
    assert not run.of(Names)[1].functions, "what another has named is not named again"
    first = run.of(Counters)[0]
    assert {row[0] for row in first.processes} == {PID, 2 * BEYOND + PID}
    assert first.observer["cpu_us"] == 20
    assert run.told.index(first) < run.told.index(told[0])


def test_a_look_and_its_stack_have_the_numbers_of_the_run() -> None:
    run = Run()
    one, other = run.worker("0"), run.worker("1", "there", ahead_us=500)
    for each in (one, other):
        frames(each, 500, 1_000_000)
    other.take(Stacks([[900_500, 0, 1, 0, 0, None, 1]]))
    frames(other, 1_000_500, 2_000_500)
    frames(one, 1_000_500, 2_000_500)
    run.begin()
    run.joining.advance(3_000_000)
    assert [row for each in run.of(Stacks) for row in each.looks] == [[899_500, 1, 3, 0, 2, None, 1]]


def test_a_worker_that_says_nothing_is_waited_for_and_then_unknown() -> None:
    run = Run()
    one, other = run.worker("0"), run.worker("1")
    frames(one, 0, 20_000_000)
    frames(other, 0, 1_000_000)
    run.begin()
    run.joining.advance(5_000_000)
    assert run.of(Frame)[-1].end_us <= 1_000_000
    run.joining.advance(1_500_000 + PATIENCE_US)
    last = run.of(Frame)[-1]
    assert last.end_us > 1_000_000
    assert dict(last.lanes)[3] == [UNKNOWN, SLICE_US]
    assert {gil: track for gil, _, track in last.gils}[1] == [HOLDER_UNKNOWN, 0, SLICE_US]
    assert dict(last.lanes)[1] == [RUNNING, SLICE_US]
    frames(other, 1_000_000, 14_000_000)  # it says what it saw: what is told already is not told again
    run.joining.advance(13_000_000)
    after = run.of(Frame)[-1]
    assert after.end_us > last.end_us
    assert dict(after.lanes)[3] == [RUNNING, SLICE_US]


def test_a_worker_that_goes_is_told_of_and_nobody_waits_for_it() -> None:
    run = Run()
    one, other = run.worker("0"), run.worker("1")
    frames(one, 0, 5_000_000)
    frames(other, 0, 1_000_000)
    run.begin()
    other.tasks.take([[PID + 1, "parse-1", "parse", 800_000, None]], 1_000_000)
    other.lost("The worker has gone")
    run.joining.advance(4_000_000)
    pieces = [row for each in run.of(Cluster) for row in each.tasks]
    assert sum(row[4] for row in pieces) == 200_000, "up to its end"
    assert not other.totals
    assert not other.named
    assert run.of(Frame)[-1].end_us > 3_000_000
    assert [(each.kind, each.detail) for each in run.of(Event)] == [("unreadable", "The worker has gone")]
    assert [each.worker for each in run.of(Process) if each.gone] == ["1"]
    assert 3 not in dict(run.of(Frame)[-1].lanes)


def test_totals_of_one_that_comes_late_count_from_then() -> None:
    run = Run()
    one = run.worker("0")
    frames(one, 0, 4_000_000)
    run.begin()
    run.joining.advance(2_000_000)
    other = run.worker("1", pid=90)
    frames(other, 2_000_000, 4_000_000)
    other.take(Counters(3_000_000, [[90, 1500, 4096, 4096, 3, 0]], [[1, 1000, 6, 2, 2]], dict(OBSERVER)))
    frames(other, 4_000_000, 8_000_000)
    frames(one, 4_000_000, 8_000_000)
    run.joining.advance(7_000_000)
    rows = [row for each in run.of(Counters) for row in each.processes if row[0] == 90]
    assert (rows[0][1], rows[-1][1]) == (0, 500)
    assert rows[-1][4] == 2


def test_the_last_time_all_that_came_is_told() -> None:
    run = Run()
    one, other = run.worker("0"), run.worker("1", pid=90)
    for each in (one, other):
        frames(each, 0, 1_000_000)
    run.begin()
    run.joining.advance(1_000_000)
    one.tasks.take([[PID + 1, "parse-1", "parse", 100_000, None]], 1_000_000)
    one.take(frame(1_000_000, 30_000))
    one.take(Stacks([[1_020_000, 0, 1, 0, -1, None, 0]]))
    totals = [[PID, 7777, 4096, 4096, 1, 0]]
    one.take(Counters(1_030_000, totals, [], dict(OBSERVER)))
    one.take(End(1_030_000, "stopped"))
    other.take(frame(1_000_000, 10_000))
    other.take(End(1_010_000, "stopped"))
    run.joining.advance(1_030_000, last=True)
    last = run.of(Frame)[-1]
    assert (last.start_us, last.end_us) == (1_000_000, 1_030_000)
    assert {lane: length_of(track, 2) for lane, track in last.lanes}[1] == 30_000
    assert {lane: length_of(track, 2) for lane, track in last.lanes}[3] == 10_000
    assert [row for each in run.of(Stacks) for row in each.looks] == [[1_020_000, 0, 1, 0, -1, None, 0]]
    assert run.of(Counters)[-1].processes[0] == totals[0]
    rows = [row for each in run.of(Cluster) for row in each.tasks]
    assert sum(row[4] for row in rows) == 630_000, "since 400 ms, up to which all was told"
    assert run.joining.at_us == 1_030_000
    assert not [each for each in run.of(Process) if each.gone], "the run is over, the worker is not"


def test_what_comes_behind_the_last_frame_is_told_though_that_ends_with_a_slice() -> None:
    run = Run()
    one = run.worker("0")
    frames(one, 0, 1_000_000)
    run.begin()
    run.joining.advance(1_000_000, last=True)
    before = len(run.of(Counters))
    one.take(Counters(1_000_000, [[PID, 7777, 4096, 4096, 1, 0]], [], dict(OBSERVER)))
    one.take(End(1_000_000, "stopped"))
    run.joining.advance(1_000_000, last=True)
    assert run.of(Frame)[-1].end_us == 1_000_000
    assert [row[1] for each in run.of(Counters)[before:] for row in each.processes] == [7777]


def test_of_a_worker_that_was_not_seen_is_told_who_it_is_and_why() -> None:
    run = Run()
    one = run.worker("0")
    refused = run.joining.join("1", "there", PID, lambda us: us)
    refused.lost("Permission denied")
    frames(one, 0, 1_000_000)
    run.begin()
    run.joining.advance(2_000_000)
    pid = 2 * BEYOND + PID
    said = "Worker 1 on there is not observed: Permission denied"
    assert [(each.kind, each.pid, each.detail) for each in run.of(Event)] == [("unreadable", pid, said)]
    row = {"host": "there", "worker": "1", "pid": pid, "why": "Permission denied"}
    assert run.ledger.cluster.unseen() == [row]
    whole = ClusterUse()
    whole.absorb(json.loads(json.dumps(run.ledger.cluster.state())), 0)
    assert whole.unseen() == [row]
    whole.feed(Cluster(1, clocks=[["there", "1", pid, 0, "same"]]), None)
    assert whole.unseen() == [], "its successor is seen"


def test_a_task_is_told_with_what_its_thread_held() -> None:
    run = Run()
    one = run.worker("0")
    frames(one, 0, 3_000_000)
    one.tasks.take([[PID + 1, "parse-1", "parse", 100_000, None]], 200_000)
    one.tasks.take([[PID + 1, "parse-1", "parse", 110_000, 1_110_000]], 1_200_000)
    one.tasks.take([[PID, "wait-1", "wait", 0, 90_000], [None, "lost", "lost", 0, 1]], 1_200_000)
    run.begin()
    run.joining.advance(3_000_000)
    rows = [row for each in run.of(Cluster) for row in each.tasks]
    parse = [row for row in rows if row[8] == "parse"]
    assert {tuple(row[:3]) for row in parse} == {(PID, 1, 110_000)}
    assert [row[3] for row in parse[1:]] == [row[3] + row[4] for row in parse[:-1]], "piece by piece"
    assert sum(row[4] for row in parse) == sum(row[5] for row in parse) == 1_000_000
    assert [row[6] for row in parse] == [False] * (len(parse) - 1) + [True]
    [wait] = [row for row in rows if row[8] == "wait"]
    assert wait[4:7] == [90_000, 0, True]
    tasks = {row["name"]: row for row in run.ledger.cluster.tasks()}
    assert tasks["parse"] == {
        **{"pid": PID, "name": "parse", "count": 1},
        **{"total_s": 1.0, "held_s": 1.0, "longest_s": 1.0},
    }


def test_a_task_of_which_nobody_says_more_is_over() -> None:
    tasks = WorkerTasks()
    tasks.take([[5, "k", "k", 0, None]], 100_000)
    tasks.take([], 2_000_000)
    tasks.see(0, 500_000, {5: (9, 0, [SLEEP, 500_000])})
    [row] = tasks.rows(500_000, PID, {5: 9}, every=False)
    assert row == [PID, 9, 0, 0, 100_000, 0, True, "k", "k"]


def test_a_thread_does_one_task_at_a_time_though_its_worker_tells_late() -> None:
    tasks = WorkerTasks()
    tasks.take([[5, "a", "a", 0, None]], 400_000)
    tasks.see(0, 500_000, {5: (9, 0, [RUNNING, 500_000])})
    tasks.take([[5, "a", "a", 0, 450_000], [5, "b", "b", 450_000, None]], 600_000)
    tasks.see(500_000, 600_000, {5: (9, 500_000, [RUNNING, 100_000])})
    rows = {row[8]: row for row in tasks.rows(600_000, PID, {5: 9}, every=True)}
    assert (rows["a"][3:5], rows["b"][3:5]) == ([0, 500_000], [500_000, 100_000])


def test_clocks_are_set_by_the_shortest_trip() -> None:
    trips = [Trip(0, 5_000_400, 1000), Trip(2000, 5_002_060, 2100)]
    assert ClockBeside.of(trips, same=False) == ClockBeside(
        5_000_010, 50, "by the shortest of several round trips"
    )
    assert ClockBeside.of([], same=True).off_ns == 0


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadRequest, match="Dask is not installed") as refused:
        plan.of_cluster(RunRequest(scheduler="tcp://10.0.0.5:8786"))
    assert "gilscope[dask]" in refused.value.remedy
    with pytest.raises(BadRequest, match="names no scheduler"):
        cluster.command(" ")


def test_a_secret_in_the_address_is_not_told() -> None:
    planned = plan.of_cluster(RunRequest(scheduler="tls://u:hunter2@10.0.0.5:8786"))
    assert planned.kind == "attach"
    assert "hunter2" not in str(planned.to_json("r"))
