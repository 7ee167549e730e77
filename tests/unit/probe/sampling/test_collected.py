"""What memory moved with collections: read while the collector is at rest, and told once."""

from __future__ import annotations

import ctypes
import os

import pytest

from app.probe.cpython.layouts import known
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory
from app.probe.kernel.resident import Resident
from app.probe.sampling.collected import LONG_US, SHORT_US, Gauge, MemorySizes, MovedMemory

MIB = 1 << 20


class Collecting:
    """A collector, as its pauses tell of it."""

    def __init__(self) -> None:
        self.busy = False
        self.last: tuple[int, int] | None = None
        self.totals = [(0, 0, 0)] * 3

    def is_collecting(self) -> bool:
        return self.busy

    def stats(self) -> list[tuple[int, int, int]]:
        return list(self.totals)

    def collect(self, generation: int, collected: int) -> None:
        ran, freed, left = self.totals[generation]
        self.totals[generation] = ran + 1, freed + collected, left


class Scales:
    """A process that has so many MiB."""

    def __init__(self, mib: int) -> None:
        self.mib = mib

    def read(self) -> MemorySizes:
        return MemorySizes(self.mib * MIB, (self.mib - 5) * MIB, 3, 100 + self.mib)


@pytest.fixture
def collecting() -> Collecting:
    return Collecting()


@pytest.fixture
def scales() -> Scales:
    return Scales(20)


@pytest.fixture
def memory(collecting, scales) -> MovedMemory:
    return MovedMemory(collecting, scales, 0)


def test_what_was_read_last_before_a_collection_stands_beside_what_is_read_after_it(
    memory, collecting, scales
) -> None:
    scales.mib = 616
    memory.look(10_000)
    collecting.busy, scales.mib = True, 300
    memory.look(11_000)
    assert memory.take() == [], "it goes on, and the sizes of now are neither of before nor of after"
    assert memory.due_us == 11_000, "it is looked at again in the next sample"
    collecting.busy, scales.mib, collecting.last = False, 16, (10_500, 12_500)
    collecting.collect(0, 712)
    memory.look(13_000)
    before, after = [616 * MIB, 611 * MIB, 3, 716], [16 * MIB, 11 * MIB, 3, 116]
    assert memory.take() == [[10_500, 2000, 0, 1, 712, 10_000, before, 13_000, after]]
    assert memory.take() == []
    assert memory.given_back == 600 * MIB


def test_a_collection_that_no_sample_saw_has_no_length(memory, collecting, scales) -> None:
    scales.mib = 100
    memory.look(10_000)
    scales.mib = 90
    collecting.collect(1, 5)
    collecting.collect(0, 5)
    memory.look(20_000)
    [moved] = memory.take()
    assert moved[:5] == [10_000, None, None, 2, 10], "there were two, of no one generation"


def test_of_collections_that_moved_little_one_in_a_while_is_told(memory, collecting, scales) -> None:
    for number in range(1, 60):
        collecting.collect(0, 3)
        collecting.last = (number * 10_000 - 100, number * 10_000)
        memory.look(number * 10_000)
    assert [row[7] for row in memory.take()] == [250_000, 500_000], "after_us of each"
    collecting.collect(0, 0)
    memory.look(1_000_000)
    assert memory.take() == [], "that found nothing"
    collecting.collect(2, 0)
    collecting.last = (1_003_000, 1_010_000)
    memory.look(1_010_000)
    assert len(memory.take()) == 1, "but one that took long is told"


def test_what_fell_with_a_collection_that_found_nothing_is_not_its_doing(memory, collecting, scales) -> None:
    collecting.collect(0, 0)
    scales.mib = 10
    memory.look(10_000)
    assert len(memory.take()) == 1
    assert memory.given_back == 0


def test_what_rose_with_a_collection_counts_against_what_fell(memory, collecting, scales) -> None:
    for at_us, mib in ((10_000, 40), (20_000, 25), (30_000, 28)):
        collecting.collect(0, 1)
        scales.mib = mib
        memory.look(at_us)
    assert memory.given_back == -8 * MIB


def test_sizes_that_stand_still_are_read_more_rarely(memory, scales) -> None:
    at_us, waits = 0, []
    for _ in range(5):
        memory.look(at_us)
        waits.append(memory.due_us - at_us)
        at_us = memory.due_us
    assert waits == [2 * SHORT_US, 4 * SHORT_US, LONG_US, LONG_US, LONG_US]
    scales.mib += 1
    memory.look(at_us)
    assert memory.due_us - at_us == SHORT_US


def test_the_sizes_of_a_process_are_the_kernels_and_those_of_one_that_ended_are_none() -> None:
    resident = Resident(os.getpid())
    sizes = resident.read()
    assert sizes is not None
    rss, anonymous = sizes
    assert 0 < anonymous < rss
    resident.close()
    assert resident.read() is None
    assert Resident(2**22 + 1).read() is None


@pytest.mark.parametrize("key", [(3, 11, False), (3, 13, True)], ids=["3.11", "3.13t"])
def test_an_interpreter_without_counts_has_none(key) -> None:
    resident = Resident(os.getpid())
    memory = ProcessMemory(os.getpid())
    runtime = ctypes.create_string_buffer(4096)  # of zeros: it is not being taken down
    sizes = Gauge(resident, memory, known()[key], ctypes.addressof(runtime), 0).read()
    assert sizes is not None
    assert sizes[2:] == (None, None)
    memory.close()
    resident.close()


def test_the_sizes_of_an_interpreter_that_is_taken_down_say_nothing(collecting) -> None:
    resident, memory = Resident(os.getpid()), ProcessMemory(os.getpid())
    layout = known()[3, 11, False]
    runtime = ctypes.create_string_buffer(4096)
    gauge = Gauge(resident, memory, layout, ctypes.addressof(runtime), 0)
    moved = MovedMemory(collecting, gauge, 0)
    moved.look(10_000)
    runtime[layout.runtime_state.finalizing] = 1
    collecting.collect(2, 1000)
    moved.look(400_000)
    assert gauge.read() is None
    assert moved.take() == []
    assert moved.given_back == 0
    memory.close()
    resident.close()


def test_a_process_that_is_gone_is_told() -> None:
    resident, memory = Resident(os.getpid()), ProcessMemory(os.getpid())
    os.close(memory.fd)
    memory.fd = os.memfd_create("gone")
    gauge = Gauge(resident, memory, known()[3, 12, False], 0, 0)
    with pytest.raises(AddressSpaceGone):
        gauge.read()
    memory.close()
    resident.close()


def test_counters_that_were_torn_tell_of_no_collection(memory, collecting, scales) -> None:
    collecting.totals = [(5, 9, 0), (5, 9, 0), (5, 9, 0)]
    memory.look(10_000)
    memory.take()
    collecting.totals, scales.mib = [(2, 9, 0), (9, 9, 0), (5, 9, 0)], 5
    memory.look(20_000)
    assert memory.take() == []
    assert memory.given_back == 0
