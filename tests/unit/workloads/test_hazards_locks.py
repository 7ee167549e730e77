"""Locks that tell who holds and who waits: the graph, what counts as a deadlock, and how a run gets out."""

from __future__ import annotations

from threading import Barrier, Thread
from time import monotonic_ns
from typing import Any

import pytest

from app.workloads.context import Context, Span
from app.workloads.line import SharedWords
from app.workloads.tracked import Edge, RunOver, TrackedLocks, WaitGraph

LIMIT_S = 15.0


def graph(waits: dict[str, str], holds: dict[str, str], impatient: str = "") -> WaitGraph:
    """Who waits for which lock, and which lock is held by whom."""
    return WaitGraph(
        {lock: Edge(thread, lock, 0) for lock, thread in holds.items()},
        {thread: Edge(thread, lock, 0, thread != impatient) for thread, lock in waits.items()},
    )


def context(words: SharedWords, reports: list[Any], worker: int = 0) -> Context:
    """One worker's view of a run of a minute."""
    span = Span(monotonic_ns(), monotonic_ns() + 60_000_000_000)
    return Context(worker, "worker", {}, None, span, words, reports.append)


@pytest.fixture
def words() -> SharedWords:
    return SharedWords.from_environment({})


def cycle_of(seen: WaitGraph) -> list[str] | None:
    found: list[str] | None = seen.to_json(seen.cycle())["cycle"]
    return found


def test_who_waits_for_a_lock_that_goes_on_to_be_released_is_no_deadlock() -> None:
    assert cycle_of(graph({"a": "L"}, {"L": "b"})) is None
    assert cycle_of(graph({"a": "L", "b": "M", "c": "L"}, {"L": "b", "M": "d"})) is None
    assert cycle_of(graph({"a": "L"}, {})) is None


def test_a_cycle_is_found_from_wherever_one_begins() -> None:
    assert cycle_of(graph({"a": "L", "b": "M"}, {"M": "a", "L": "b"})) == ["a", "L", "b", "M"]
    outside = graph({"x": "M", "a": "L", "b": "M"}, {"M": "a", "L": "b"})
    assert sorted(cycle_of(outside) or []) == ["L", "M", "a", "b"]


def test_a_thread_that_waits_for_what_it_holds_is_a_cycle_by_itself() -> None:
    assert cycle_of(graph({"a": "L", "b": "L"}, {"L": "a"})) == ["a", "L"]


def test_a_wait_with_a_time_out_closes_no_cycle() -> None:
    assert cycle_of(graph({"a": "L", "b": "M"}, {"M": "a", "L": "b"}, impatient="b")) is None


def test_another_hold_between_the_same_two_is_not_the_same_edge() -> None:
    seen = graph({"a": "L", "b": "M"}, {"M": "a", "L": "b"})
    cycle = seen.cycle()
    assert cycle is not None
    assert seen.has(cycle)
    assert not graph({"a": "L", "b": "M"}, {"M": "a", "L": "b"}).has(cycle)


def test_a_deadlock_is_named_while_it_lasts_and_released_by_the_end_of_the_run(words: SharedWords) -> None:
    locks = TrackedLocks()
    first, second = locks.new("first"), locks.new("second")
    reports: list[Any] = []
    both_hold_one = Barrier(2)
    ended: list[str] = []

    def work(mine: Any, other: Any) -> None:
        ctx = context(words, reports)
        try:
            with mine.held(ctx):
                both_hold_one.wait(LIMIT_S)
                with other.held(ctx):
                    ended.append("came through")
        except RunOver:
            ended.append("run over")

    threads = [Thread(target=work, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    give_up_ns = monotonic_ns() + int(LIMIT_S * 1e9)
    while locks.deadlock is None and monotonic_ns() < give_up_ns:
        threads[0].join(0.05)
    words.set_stop()
    for thread in threads:
        thread.join(LIMIT_S)
    assert locks.deadlock is not None
    assert locks.deadlock["found_after_s"] < 2
    named = [report for report in reports if "found_after_s" in report]
    assert [len(report["wait_for"]["cycle"]) for report in named] == [4]
    # Who learns of the end first lets go of its lock, and the other may come by it just then.
    assert len(ended) == 2
    assert "run over" in ended
    assert (locks.holds, locks.waits) == ({}, {})


def test_a_time_out_gives_up_and_leaves_no_trace(words: SharedWords) -> None:
    locks = TrackedLocks()
    lock = locks.new("lock")
    ctx = context(words, [])
    assert lock.acquire(ctx)
    outcome: list[bool] = []
    other = Thread(target=lambda: outcome.append(lock.acquire(ctx, timeout_s=0.02)))
    other.start()
    other.join(LIMIT_S)
    assert outcome == [False]
    assert locks.waits == {}
    lock.release()
    assert lock.acquire(ctx, timeout_s=0.02)
