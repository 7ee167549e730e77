"""Slow reads: a step between two samples, in turns, and an end whatever happens."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import AddressSpaceGone, Unmapped
from app.probe.sampling.slow import STEP_NS, Cost, SlowReads


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


def counting(steps: int, value: str, log: list[str]) -> Generator[None, None, str]:
    for _ in range(steps):
        log.append(value)
        yield
    return value


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow(clock: Clock) -> SlowReads:
    return SlowReads(clock, clock)


def stepping(clock: Clock, step_ns: int, log: list[str]) -> Generator[None, None, None]:
    for _ in range(100):
        log.append("a")
        clock.ns += step_ns
        yield


def test_steps_are_taken_as_long_as_there_is_time_for_another(slow: SlowReads, clock: Clock) -> None:
    log: list[str] = []
    slow.begin(stepping(clock, STEP_NS // 4, log), lambda value, cost: None)
    slow.step(clock.ns + STEP_NS - 1)
    assert log == []
    slow.step(clock.ns + STEP_NS)
    assert log == ["a"]
    slow.step(clock.ns + 2 * STEP_NS)
    assert log == 6 * ["a"]


def test_without_time_some_steps_are_taken_now_and_then(slow: SlowReads, clock: Clock) -> None:
    log: list[str] = []
    slow.begin(stepping(clock, STEP_NS, log), lambda value, cost: None)
    for _ in range(100):
        clock.ns += 1_000_000
        slow.step(clock.ns)
    assert len(log) == 4 * 5  # of half a millisecond, each time 20 ms after the last


def test_reads_take_turns_and_tell_what_they_found(slow: SlowReads) -> None:
    log: list[str] = []
    ended: list[str] = []
    slow.begin(counting(3, "a", log), lambda value, cost: ended.append(value))
    slow.begin(counting(1, "b", log), lambda value, cost: ended.append(value))
    slow.finish(1)
    assert log == ["a", "b", "a", "a"]
    assert ended == ["b", "a"]


def test_a_read_tells_its_own_cost(slow: SlowReads, clock: Clock) -> None:
    def working(step_ns: int) -> Generator[None, None, bool]:
        clock.ns += step_ns
        yield
        clock.ns += step_ns
        return True

    costs: list[Cost] = []
    slow.begin(working(1_000), lambda value, cost: costs.append(cost))
    slow.begin(working(5_000), lambda value, cost: costs.append(cost))
    slow.finish(1_000_000)
    assert costs == [Cost(took_us=7, cpu_us=2), Cost(took_us=12, cpu_us=10)]
    assert slow.cpu_ns == 12_000


@pytest.mark.parametrize("fault", [AddressSpaceGone(1), Unmapped("0x0"), Inconsistent("it moved")])
def test_a_read_whose_process_goes_ends_without_a_value(slow: SlowReads, fault: Exception) -> None:
    def failing() -> Generator[None, None, bool]:
        yield
        raise fault

    ended: list[object] = []
    slow.begin(failing(), lambda value, cost: ended.append(value))
    slow.finish(1)
    assert ended == [None]


def test_finishing_is_given_up_when_the_time_is_up(slow: SlowReads, clock: Clock) -> None:
    def endless() -> Generator[None, None, None]:
        while True:
            clock.ns += 100
            yield

    slow.begin(endless(), lambda value, cost: pytest.fail("it has no end"))
    slow.finish(1_000)
    assert clock.ns == 1_000
