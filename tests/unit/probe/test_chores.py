"""A chore's parts and the samples between them."""

from __future__ import annotations

from collections.abc import Iterator

from app.probe.chores import Chores

DUE_NS = 1_000_000


class Clock:
    """Time passes only where it is said to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def parts(clock: Clock, done: list[int], count: int, each_ns: int) -> Iterator[None]:
    """So many, each of which takes so long."""
    for number in range(count):
        clock.now_ns += each_ns
        done.append(number)
        yield


def test_the_first_part_is_done_at_once_and_each_other_before_the_next_sample() -> None:
    clock, done = Clock(), []
    chores = Chores(clock)
    chores.begin(parts(clock, done, 5, 600_000))
    assert done == [0], "a frame is taken at the very end of its slice"
    for number in range(1, 5):
        chores.step(clock.now_ns + DUE_NS)
        assert done == list(range(number + 1))


def test_small_parts_are_done_together_while_there_is_time() -> None:
    clock, done = Clock(), []
    chores = Chores(clock)
    chores.begin(parts(clock, done, 9, 50_000))
    chores.step(clock.now_ns + DUE_NS)
    assert done == list(range(9))


def test_one_is_done_though_the_next_sample_is_late_already() -> None:
    clock, done = Clock(), []
    chores = Chores(clock)
    chores.begin(parts(clock, done, 3, 50_000))
    chores.step(0)
    assert done == [0, 1]


def test_what_is_left_is_done_before_others_begin() -> None:
    clock, done = Clock(), []
    chores = Chores(clock)
    chores.begin(parts(clock, done, 3, 50_000))
    chores.begin(parts(clock, done, 2, 50_000))
    assert done == [0, 1, 2, 0]
    chores.finish()
    assert done == [0, 1, 2, 0, 1]
    chores.step(DUE_NS)
    assert len(done) == 5
