"""Virtual speed-up: the replay of records whose answer is known."""

from __future__ import annotations

import pytest

from app.analysis.forecast.observed import Observed
from app.analysis.forecast.replay import FREE, HOLD, UNTIL, LockReplay, ReplayStep
from app.analysis.forecast.speed_up import mend
from app.model.frames import Frame, Names, Process, Stacks
from app.model.states import LOCK, RUNNING, SLEEP, WAITING

SECOND = 1_000_000
INTERVAL = 5_000


def hold(us: int, record_us: int | None = None, lets_go: bool = True) -> ReplayStep:
    return ReplayStep(HOLD, record_us or us, us, lets_go)


def replay(steps: dict[int, list[ReplayStep]]) -> dict[int, float]:
    return LockReplay(steps, dict.fromkeys(steps, 0), SECOND, INTERVAL).progress()


def test_what_nobody_waited_for_takes_as_long_as_it_did() -> None:
    assert replay({0: [hold(1_000), ReplayStep(FREE, 9_000, 9_000)] * 100}) == {0: pytest.approx(1.0)}


def test_threads_that_took_turns_take_turns() -> None:
    turns = [hold(5_000, 10_000)] * 100
    assert replay({0: turns, 1: turns}) == {0: pytest.approx(1.0, abs=0.01), 1: pytest.approx(1.0, abs=0.01)}


def test_a_poll_waits_for_the_interval_again() -> None:
    computes = [hold(SECOND)]
    polls = [ReplayStep(FREE, 1_000, 1_000), hold(100, 5_100)] * 163 + [ReplayStep(FREE, 5_700, 700)]
    came = replay({0: computes, 1: polls})
    assert came[1] == pytest.approx(1.0, abs=0.05)
    assert came[0] == pytest.approx(0.98, abs=0.02)


def test_c_code_does_not_let_go_when_it_is_asked() -> None:
    polls = [ReplayStep(FREE, 1_000, 1_000), hold(100, 1_000)] * 500
    short = replay({0: [hold(100_000)] * 10, 1: polls})[1]
    long = replay({0: [hold(100_000, lets_go=False)] * 10, 1: polls})[1]
    assert long < short / 10


def test_who_waits_for_another_goes_on_when_that_has_come_so_far() -> None:
    works = [hold(5_000), ReplayStep(FREE, 5_000, 5_000)] * 100
    served = [
        step
        for at in range(5_000, SECOND + 1, 10_000)
        for step in (ReplayStep(UNTIL, 5_000, 0.0, on=0, at_us=at), ReplayStep(FREE, 5_000, 100))
    ]
    assert replay({0: works, 1: served})[1] == pytest.approx(1.0, abs=0.02)
    faster = [step._replace(need_us=step.need_us / 2) for step in works]
    assert replay({0: faster, 1: served})[1] == pytest.approx(2.0, abs=0.05)


def observed(*frames: Frame, looks: list[list[int | None]]) -> Observed:
    seen = Observed()
    seen.feed(Process(0, 7, None, [], "3.13.0", False, True, INTERVAL))
    seen.feed(
        Names(
            0,
            threads=[[0, 7, 7, "main", 0], [1, 7, 8, "other", 0]],
            gils=[[0, 7, 0]],
            functions=[[0, "slow", "/app/work.py", 1], [1, "quick", "/app/work.py", 9]],
            stacks=[[0, [0, 2]], [1, [1, 10]]],
        )
    )
    for frame in frames:
        seen.feed(frame)
    seen.feed(Stacks(looks))
    return seen


def test_a_function_gains_by_what_it_takes_of_one_thread() -> None:
    """slow takes three quarters of the time, quick one: 1 / (1 - 0.375) and 1 / (1 - 0.125)."""
    frames = [
        Frame(at, at + 40_000, 40, 0, 0, [], [[0, [RUNNING, 40_000]]]) for at in range(0, SECOND, 40_000)
    ]
    looks = [
        [at + 5_000, None, 0, 1 if at % 40_000 == 0 else 0, -1, None, 0] for at in range(0, SECOND, 10_000)
    ]
    found = mend(observed(*frames, looks=looks))
    assert [row["function"] for row in found["rows"]] == ["slow", "quick"]
    assert [row["throughput"] for row in found["rows"]] == pytest.approx([1 / 0.625, 1 / 0.875], rel=0.02)
    assert [row["busy_share"] for row in found["rows"]] == pytest.approx([0.75, 0.25], abs=0.02)
    assert found["replay_error"] == pytest.approx(0.0, abs=0.01)


def test_sleep_is_not_shortened() -> None:
    track = [RUNNING, 10_000, SLEEP, 30_000]
    frames = [Frame(at, at + 40_000, 40, 0, 0, [], [[0, track]]) for at in range(0, SECOND, 40_000)]
    looks = [[at + 5_000, 0, 0, 0, -1, None, 0] for at in range(0, SECOND, 40_000)]
    (row,) = mend(observed(*frames, looks=looks))["rows"]
    assert row["throughput"] == pytest.approx(1 / 0.875, rel=0.02)


def test_who_waits_at_a_lock_gains_by_what_its_owner_does_faster() -> None:
    """Each guards 20 ms by one lock: while one works the other is blocked, and let on by it."""
    frames = []
    for at in range(0, SECOND, 40_000):
        first, second = [RUNNING, 20_000, LOCK, 20_000], [LOCK, 20_000, RUNNING, 20_000]
        frames.append(
            Frame(
                at, at + 40_000, 40, 0, 0, [[0, 1, [0, 0, 20_000, 1, 0, 20_000]]], [[0, first], [1, second]]
            )
        )
    looks = [[at + 5_000, 0, at // 20_000 % 2, 0, -1, None, 0] for at in range(0, SECOND, 10_000)]
    (row,) = mend(observed(*frames, looks=looks))["rows"]
    assert row["throughput"] == pytest.approx(2.0, rel=0.06)


def test_waiting_for_the_lock_is_no_work() -> None:
    turns = [[0, [RUNNING, 5_000, WAITING, 5_000]], [1, [WAITING, 5_000, RUNNING, 5_000]]]
    gil = [[0, 2, [0, 1, 5_000, 1, 1, 5_000]]]
    frames = [Frame(at, at + 10_000, 10, 0, 0, gil, turns) for at in range(0, SECOND, 10_000)]
    looks = [[at + 2_000, 0, at // 5_000 % 2, 0, -1, None, 1] for at in range(0, SECOND, 5_000)]
    (row,) = mend(observed(*frames, looks=looks))["rows"]
    assert row["throughput"] == pytest.approx(2.0, rel=0.05)


def test_too_little_is_not_judged() -> None:
    frame = Frame(0, 50_000, 50, 0, 0, [], [[0, [RUNNING, 50_000]]])
    assert mend(observed(frame, looks=[]))["why_not"] is not None
