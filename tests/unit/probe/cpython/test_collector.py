"""The collector's pauses: as samples see them, and as CPython 3.15 publishes them."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator

import pytest

from app.probe.cpython.collector.published import PublishedPauses
from app.probe.cpython.collector.sampled import SampledPauses
from app.probe.cpython.layouts import known
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Unmapped

SAMPLED = known()[3, 12, False]
PUBLISHED = known()[3, 15, False]
FREE_THREADED = known()[3, 15, True]
ORIGIN_NS = 7_000_000_000


class Target(ProcessMemory):
    """The memory of a process whose collector lies at address 0, in a file."""

    def __init__(self) -> None:
        self.pid = 1
        self.fd = os.memfd_create("target")
        os.ftruncate(self.fd, 4096)
        self.ended = False
        self.totals = [[0, 0, 0] for _ in range(3)]

    def write(self, address: int, code: str, *values: int) -> None:
        os.pwrite(self.fd, struct.pack("=" + code, *values), address)

    def check(self) -> None:
        if self.ended:
            raise Unmapped("0x0")

    def collecting(self, flag: int) -> None:
        self.write(SAMPLED.gc.collecting, "i", flag)

    def collected(self, generation: int, objects: int = 10) -> None:
        """A collection adds to the totals before 3.15."""
        self._add(generation, objects)
        at = SAMPLED.gc.generation_stats + generation * SAMPLED.gc_generation_stats.size
        self.write(at, "3q", *self.totals[generation])

    def published(self, layout, generation: int, start_us: int, length_us: int, objects: int = 10) -> None:
        """A collection enters a ring of 3.15; the times are from the run's origin."""
        self._add(generation, objects)
        stats, ring = layout.gc_stats, RINGS
        count = stats.old_items if generation else stats.young_items
        first = ring + (stats.old + (generation - 1) * stats.old_size if generation else 0)
        at = first + self.totals[generation][0] % count * layout.gc_generation_stats.size
        start_ns = ORIGIN_NS + start_us * 1000
        self.write(at, "5q", start_ns, start_ns + length_us * 1000, *self.totals[generation])

    def _add(self, generation: int, objects: int) -> None:
        self.totals[generation][0] += 1
        self.totals[generation][1] += objects


RINGS = 1024  # where the structure lies that generation_stats points to


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


@pytest.fixture
def sampled(target: Target) -> SampledPauses:
    pauses = SampledPauses(target, SAMPLED, 0, target.check)
    pauses.sample(0)
    return pauses


def reading(target: Target, layout) -> PublishedPauses:
    target.write(layout.gc.generation_stats, "Q", RINGS)
    return PublishedPauses(target, layout, 0, target.check, ORIGIN_NS)


def test_a_pause_ends_halfway_between_the_samples_around_it(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    sampled.sample(1000)
    sampled.sample(2000)
    assert sampled.take(2000) == [], "it goes on"
    target.collected(2, 40)
    target.collecting(0)
    sampled.sample(3000)
    assert sampled.take(3000) == [(500, 2000, 2, 40)]
    assert sampled.take(4000) == []
    assert sampled.stats() == [(0, 0, 0), (0, 0, 0), (1, 40, 0)]


def test_a_collection_between_two_samples_is_counted_and_has_no_length(
    target: Target, sampled: SampledPauses
) -> None:
    target.collected(0)
    sampled.sample(1000)
    assert sampled.take(1000) == []
    assert sampled.stats()[0] == (1, 10, 0)


def test_totals_that_move_tell_one_collection_from_the_next(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    sampled.sample(1000)
    target.collected(0, 5)
    sampled.sample(2000)
    target.collected(1, 7)
    target.collecting(0)
    sampled.sample(3000)
    assert sampled.take(3000) == [(500, 1000, 0, 5), (1500, 1000, 1, 7)]


def test_a_collection_that_calls_back_is_one_pause(target: Target, sampled: SampledPauses) -> None:
    """gc.callbacks run after the totals have moved and before `collecting` falls."""
    target.collecting(1)
    sampled.sample(1000)
    target.collected(1)
    sampled.sample(2000)
    sampled.sample(3000)
    target.collecting(0)
    sampled.sample(4000)
    target.collecting(1)
    target.collected(0)
    sampled.sample(5000)
    target.collecting(0)
    sampled.sample(6000)
    assert sampled.take(6000) == [(500, 3000, 1, 10), (4500, 1000, 0, 10)]


def test_several_collections_between_two_samples_have_no_generation(
    target: Target, sampled: SampledPauses
) -> None:
    target.collecting(1)
    sampled.sample(1000)
    target.collected(2, 40)
    target.collected(0, 2)
    target.collecting(0)
    sampled.sample(2000)
    assert sampled.take(2000) == [(500, 1000, None, 42)]


def test_while_the_observer_did_not_run_nothing_is_made_up(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    sampled.sample(1000)
    sampled.gap(2000)
    target.collected(2)
    target.collecting(0)
    sampled.sample(90_000)
    assert sampled.take(90_000) == [(500, 1000, 2, 10)], "its end is not known: it is as long as it was seen"
    sampled.gap(91_000)
    target.collecting(1)
    sampled.sample(150_000)
    target.collected(2)
    target.collecting(0)
    sampled.sample(151_000)
    assert sampled.take(151_000) == [(149_500, 1000, 2, 10)], "nor is its beginning"


def test_a_sample_that_came_late_within_a_gap_is_none_of_it(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    sampled.sample(50_000)  # of the beat at 1000: what is told of next counts from that
    sampled.gap(2000)
    target.collected(2)
    target.collecting(0)
    sampled.sample(51_000)
    [(start_us, length_us, generation, _)] = sampled.take(51_000)
    assert (start_us + length_us, generation) == (50_000, 2), "it was seen until then"
    assert length_us >= 0


def test_a_collection_goes_on_over_a_gap_if_none_has_ended(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    sampled.sample(1000)
    sampled.gap(2000)
    sampled.sample(90_000)
    target.collected(2)
    target.collecting(0)
    sampled.sample(91_000)
    assert sampled.take(91_000) == [(500, 90_000, 2, 10)]


def test_collections_shorter_than_a_period_add_up_in_the_mean(target: Target, sampled: SampledPauses) -> None:
    """5,000 of them, 0.3 ms long and 2 ms apart in the mean, at a sampling period of 1 ms."""
    chance = random.Random(4)
    now, truth, seen = 0.0, 0, 0
    sample_us = 1000
    for _ in range(5000):
        now += chance.expovariate(1 / 1700)
        while sample_us < now:
            sampled.sample(sample_us)
            sample_us += 1000
        target.collecting(1)
        now, truth = now + 300, truth + 300
        while sample_us < now:
            sampled.sample(sample_us)
            sample_us += 1000
        target.collected(0)
        target.collecting(0)
    sampled.sample(sample_us)
    pauses = sampled.take(sample_us)
    seen = sum(length for _, length, _, _ in pauses)
    assert seen == pytest.approx(truth, rel=0.1)
    ends = [start + length for start, length, _, _ in pauses]
    starts = [start for start, *_ in pauses]
    assert all(end <= start for end, start in zip(ends[:-1], starts[1:], strict=True)), "none overlaps"
    assert sampled.stats()[0][0] == 5000


def test_memory_that_was_freed_is_no_collection(target: Target, sampled: SampledPauses) -> None:
    target.collecting(1)
    target.ended = True
    with pytest.raises(Unmapped):
        sampled.sample(1000)
    assert sampled.take(1000) == []


@pytest.mark.parametrize("pointer", [0, RINGS])
def test_rings_that_were_freed_hold_no_collection(target: Target, pointer: int) -> None:
    published = reading(target, PUBLISHED)
    target.published(PUBLISHED, 2, 1000, 500)
    target.write(PUBLISHED.gc.generation_stats, "Q", pointer)
    target.ended = pointer == RINGS
    with pytest.raises(Unmapped):
        published.sample(2000)
    assert published.take(2000) == []


def test_the_end_of_the_process_is_told(target: Target, sampled: SampledPauses) -> None:
    os.ftruncate(target.fd, 0)
    with pytest.raises(AddressSpaceGone):
        sampled.sample(1000)


@pytest.mark.parametrize("layout", [PUBLISHED, FREE_THREADED], ids=["with the GIL", "without"])
def test_what_cpython_publishes_is_told_once_and_exactly(target: Target, layout) -> None:
    target.published(layout, 0, 10, 20)
    published = reading(target, layout)
    published.sample(1000)
    assert published.take(1000) == [], "it was over before the first look"
    target.published(layout, 2, 5000, 700, 9)
    target.published(layout, 0, 6000, 30, 4)
    published.sample(7000)
    published.sample(8000)
    assert published.take(8000) == [(5000, 700, 2, 9), (6000, 30, 0, 4)]
    assert published.take(9000) == []
    assert published.stats() == [(2, 14, 0), (0, 0, 0), (1, 9, 0)]


def test_a_pause_is_told_with_the_totals_that_count_it_and_not_before_its_end(target: Target) -> None:
    published = reading(target, PUBLISHED)
    target.published(PUBLISHED, 1, 900, 200)  # it ended after the sample was due, before it was taken
    published.sample(1000)
    assert (published.stats()[1][0], published.take(1000)) == (0, [])
    published.sample(1100)
    assert (published.stats()[1][0], published.take(1100)) == (1, [(900, 200, 1, 10)])
    assert published.take(2000) == []


def test_what_a_ring_could_not_hold_is_missing_from_the_pauses_alone(target: Target) -> None:
    published = reading(target, PUBLISHED)
    for number in range(5):
        target.published(PUBLISHED, 2, 1000 * number, 500)
    published.sample(9000)
    assert published.take(9000) == [(2000, 500, 2, None), (3000, 500, 2, 10), (4000, 500, 2, 10)]
    assert published.stats()[2] == (5, 50, 0)


def test_an_item_that_ends_before_it_begins_is_none(target: Target) -> None:
    published = reading(target, PUBLISHED)
    target.published(PUBLISHED, 0, 1000, -500)
    published.sample(9000)
    assert published.take(9000) == []
    assert published.stats()[0] == (0, 0, 0)


def test_of_a_pause_that_began_before_the_run_the_rest_is_told(target: Target) -> None:
    published = reading(target, PUBLISHED)
    target.published(PUBLISHED, 2, -400, 1000)
    published.sample(700)
    assert published.take(700) == [(0, 600, 2, 10)]
