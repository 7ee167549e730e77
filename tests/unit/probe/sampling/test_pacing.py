"""The beat, on a clock that the test winds."""

from __future__ import annotations

import pytest

from app.probe.sampling.pacing import MIN_HZ, Pacer

MS = 1_000_000


class Clock:
    """Time that passes only when told to: `oversleep` ns late a sleep, `work` ns of CPU a beat."""

    def __init__(self) -> None:
        self.now = 0
        self.cpu = 0
        self.oversleep = 0
        self.looks = 4

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += round(seconds * 1e9) + self.oversleep

    def pacer(self, hz: float) -> Pacer:
        return Pacer(hz, lambda: self.now, self.sleep, lambda: self.cpu, lambda: self.looks)


def test_the_mean_rate_holds_though_every_sleep_is_late() -> None:
    clock = Clock()
    clock.oversleep = MS // 4
    pacer = clock.pacer(1000)
    for _ in range(500):
        pacer.wait()
    assert clock.now == pytest.approx(500 * MS, abs=MS)
    assert pacer.late == 0


def test_beats_that_were_missed_are_counted_and_not_made_up_for() -> None:
    clock = Clock()
    pacer = clock.pacer(1000)
    pacer.wait()
    clock.now += 10 * MS
    pacer.wait()
    assert pacer.late == 1
    before = clock.now
    pacer.wait()
    assert 0 < clock.now - before <= MS


def test_it_slows_down_when_it_takes_too_much_cpu_and_recovers_when_calm() -> None:
    clock = Clock()
    pacer = clock.pacer(1000)
    while pacer.hz == 1000 and clock.now < 5_000 * MS:
        pacer.wait()
        clock.cpu += 6 * MS // 10  # 0.6 of a core
    assert pacer.hz == 500
    while pacer.hz < 1000 and clock.now < 60_000 * MS:
        pacer.wait()
        clock.cpu += MS // 100
    assert pacer.hz == 1000


def test_it_has_fewer_threads_looked_at_before_it_beats_more_slowly() -> None:
    # GIVEN a beat in which 50 threads are looked at, for 0.6 of a core
    clock = Clock()
    pacer = clock.pacer(1000)
    assert pacer.most_looks == 50
    seen = set()
    while clock.now < 5_000 * MS:
        clock.looks = pacer.most_looks
        pacer.wait()
        clock.cpu += 6 * MS // 10
        seen.add((pacer.most_looks, pacer.hz))
    # THEN they become fewer as long as that could help, and only then the rate goes down
    assert {(50, 1000), (25, 1000), (12, 1000), (10, 1000), (20, 500)} <= seen

    # AND when it is calm both recover, the rate first
    while (pacer.most_looks, pacer.hz) != (10, 1000) and clock.now < 120_000 * MS:
        pacer.wait()
        clock.cpu += MS // 100
    while pacer.most_looks < 50 and clock.now < 180_000 * MS:
        pacer.wait()
        clock.cpu += MS // 100
    assert (pacer.most_looks, pacer.hz) == (50, 1000)


def test_where_others_have_the_cpus_fewer_looks_would_not_help() -> None:
    clock = Clock()
    clock.oversleep = 3 * MS
    clock.looks = 50
    pacer = clock.pacer(1000)
    while pacer.hz == 1000 and clock.now < 5_000 * MS:
        pacer.wait()
        clock.cpu += MS // 10
    assert (pacer.most_looks, pacer.hz) == (100, 500), "as many a second"


def test_it_slows_down_when_it_is_always_late_but_never_below_the_least_rate() -> None:
    clock = Clock()
    clock.oversleep = 50 * MS
    pacer = clock.pacer(1000)
    while clock.now < 60_000 * MS:
        pacer.wait()
    assert pacer.hz == MIN_HZ


def test_a_rate_asked_below_the_least_is_kept() -> None:
    clock = Clock()
    clock.oversleep = 500 * MS
    pacer = clock.pacer(10)
    while clock.now < 60_000 * MS:
        pacer.wait()
    assert pacer.hz == 10
