"""What is read seldom of each process: at once, then by clock and cost, and told while it is there."""

from __future__ import annotations

import os
from collections.abc import Generator
from types import SimpleNamespace

import pytest

from app.model.frames import Event, Message
from app.probe.kernel.memory import AddressSpaceGone, Unmapped
from app.probe.libc.heap import LibraryReading
from app.probe.processes.seldom.census import CensusRead, HoldersRead
from app.probe.processes.seldom.memory import MemoryRead
from app.probe.processes.seldom.read import Parts, SeldomRead
from app.probe.processes.seldom.rollup import RollupRead
from app.probe.processes.seldom.schedule import Seldom
from app.probe.processes.watched import Watched, Watchlist
from app.probe.sampling.slow import Cost, SlowReads

S = 1_000_000
MIB = 1 << 20
PID, PARENT = os.getpid(), os.getppid()


class Clock:
    """Of wall time and of CPU alike, moved by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


class Run:
    """Some processes that are read in two parts, `cost_us` each."""

    def __init__(
        self, *pids: int, finds: tuple[str | None, str | None] = ("first", "then"), spread: bool = False
    ) -> None:
        self.told: list[tuple[int, int, str]] = []  # at_us, pid, what
        self.cost_us = 1000
        self.ready = True
        self.pressing = False
        self.up: bool | Exception = True
        self.clock = Clock()
        self.watchlist = Watchlist()
        for pid in pids:
            self.watchlist.add(Watched(pid, None, 0))
        run = self

        class Made(SeldomRead):
            is_spread = spread

            def is_ready(self, now_us: int) -> bool:
                return run.ready

            def is_pressing(self) -> bool:
                return run.pressing

            def is_up(self) -> bool:
                if isinstance(run.up, Exception):
                    raise run.up
                return run.up

            def parts(self) -> Parts:
                for find in finds:
                    yield (
                        run.steps(find),
                        lambda found, at_us, cost: Event(at_us, found, self.process.pid, str(cost.cpu_us)),
                    )

        self.slow = SlowReads(self.clock, self.clock)
        self.seldom = Seldom((Made,), self.watchlist, self.slow, self._tell)

    def steps(self, find: str | None) -> Generator[None, None, str | None]:
        yield
        self.clock.ns += self.cost_us * 1000
        return find

    def read(self, now_us: int) -> list[tuple[int, int, str]]:
        """What is told of what is begun now, all of its steps taken at once."""
        self.seldom.read(now_us)
        self.slow.finish(1 << 60)
        told, self.told = self.told, []
        return told

    def _tell(self, message: Message) -> None:
        assert isinstance(message, Event)
        assert message.detail == str(self.cost_us)
        self.told.append((message.at_us, message.pid, message.kind))


def test_a_process_is_read_when_it_is_first_seen_and_then_once_a_second():
    run = Run(PID)
    assert run.read(0) == [(1000, PID, "first"), (2000, PID, "then")]
    assert run.read(S - 1) == []
    assert [what for _, _, what in run.read(S)] == ["first", "then"]
    assert run.read(2 * S - 1) == []


def test_what_takes_long_is_read_so_rarely_that_all_of_it_takes_a_hundredth_of_a_cpu():
    run = Run(PID, PARENT)
    run.cost_us = 10_000
    assert len(run.read(0)) == 4
    assert run.read(2 * 20_000 * 100 - 1) == []
    assert len(run.read(2 * 20_000 * 100)) == 4


def test_where_much_has_changed_it_comes_four_times_as_often_and_no_sooner_than_its_period():
    run = Run(PID, PARENT)
    run.cost_us = 10_000
    run.read(0)
    run.pressing = True
    assert run.read(2 * 20_000 * 25 - 1) == []
    assert len(run.read(2 * 20_000 * 25)) == 4
    run.cost_us = 10
    run.read(3 * S)
    assert run.read(4 * S - 1) == []


def test_where_much_has_changed_none_waits_longer_than_three_seconds_whatever_it_costs():
    run = Run(PID, PARENT)
    run.cost_us = 100_000
    run.read(0)
    run.pressing = True
    assert run.read(3 * S - 1) == []
    assert len(run.read(3 * S)) == 4


def test_of_many_that_are_due_the_one_that_was_read_longest_ago_is_first():
    run = Run(1, 2, 3, 4)
    assert {pid for _, pid, _ in run.read(S)} == {1, 2, 3}
    run.pressing = True
    assert {pid for _, pid, _ in run.read(2 * S)} == {4, 1, 2}, "the fourth was due before"
    assert 3 in {pid for _, pid, _ in run.read(3 * S)}


def test_of_what_costs_much_the_first_readings_of_many_come_one_after_the_other_in_a_hundredth_of_a_cpu():
    children = list(range(PID + 1, PID + 51))
    run = Run(PID, spread=True)
    run.cost_us, rest_us = 5_000, 10_000 * 100
    assert len(run.read(S)) == 2
    for pid in children:
        run.watchlist.add(Watched(pid, PID, S + 1))
    for turn, pid in enumerate(children, 1):
        assert run.read(S + turn * rest_us - 1) == []
        assert [who for _, who, _ in run.read(S + turn * rest_us)] == [pid, pid]
    assert [who for _, who, _ in run.read(S + 51 * rest_us)] == [PID, PID], "and it begins anew"


def test_where_a_process_changes_much_the_others_of_what_costs_much_have_their_turn_too():
    run = Run(PID, spread=True)
    run.cost_us = 5_000
    run.read(0)
    run.pressing = True
    run.watchlist.add(Watched(PARENT, None, 1))
    read = [pid for turn in range(1, 9) for _, pid, _ in run.read(turn * 250_000)]
    assert PARENT in read


def test_none_is_begun_while_one_is_in_hand_or_before_it_is_ready():
    run = Run(PID)
    run.ready = False
    assert run.read(0) == []
    run.ready = True
    run.seldom.read(S)
    run.seldom.read(3 * S)
    assert [what for _, _, what in run.read(5 * S)] == ["first", "then"]


def test_a_part_that_finds_nothing_is_the_last():
    run = Run(PID, finds=(None, "then"))
    assert run.read(0) == []
    assert run.read(S - 1) == []
    assert run.read(S) == []


def test_nothing_is_told_of_a_process_that_has_gone_and_who_has_its_pid_is_another():
    run = Run(PID)
    run.seldom.read(0)
    run.watchlist.remove(PID)
    assert run.read(1) == []
    run.watchlist.add(Watched(PID, None, 2))
    assert [what for _, _, what in run.read(2)] == ["first", "then"], "and at once"


@pytest.mark.parametrize(
    "up", [False, AddressSpaceGone(PID), Unmapped("0x10")], ids=["finalizing", "gone", "unmapped"]
)
def test_what_was_read_of_an_interpreter_that_is_being_taken_down_is_not_told(up):
    run = Run(PID)
    run.up = up
    assert run.read(0) == []
    run.up = True
    assert [what for _, _, what in run.read(S)] == ["first", "then"]


@pytest.mark.parametrize("kind", [CensusRead, HoldersRead])
def test_objects_are_not_told_once_the_interpreter_is_gone(kind):
    reader = SimpleNamespace(heaps=SimpleNamespace(is_up=lambda: True))
    process = SimpleNamespace(reader=reader)
    read = kind(process)
    assert read.is_up()
    process.reader = None
    assert not read.is_up()


@pytest.mark.parametrize("kind", [CensusRead, HoldersRead])
def test_what_is_told_of_objects_is_pressing_once_a_fifth_more_or_less_is_there(kind):
    heap = SimpleNamespace(kinds=[(0, b"")], bytes_used=100)
    reader = SimpleNamespace(
        heaps=SimpleNamespace(newest=[(0, heap)], arenas=[]),
        sampler=SimpleNamespace(runtime=None),
    )
    process = SimpleNamespace(reader=reader, own=1000)
    read = kind(process)
    read._begin(reader)
    assert not read.is_pressing()
    for held, pressing in ((119, False), (121, True), (79, True), (100, False)):
        heap.bytes_used = held
        assert read.is_pressing() is pressing
    for own, pressing in ((1190, False), (1210, True), (790, True), (1000, False)):
        process.own = own  # in large objects, which lie in no heap of Python's
        assert read.is_pressing() is pressing
    process.own = 0  # not known yet when it is read,
    read._begin(reader)
    process.own = 1000
    assert not read.is_pressing()
    process.own = 1210
    assert read.is_pressing()


def test_a_walk_is_pressing_once_a_process_has_much_more_to_itself_or_less():
    process = Watched(PID, None, 0)
    read = MemoryRead(process)
    read._own = process.own = 100 * MIB
    assert not read.is_pressing()
    for own, pressing in ((109, False), (111, True), (89, True), (100, False)):
        process.own = own * MIB
        assert read.is_pressing() is pressing


def test_a_c_library_that_changed_while_it_was_read_is_read_once_more_soon_but_not_for_ever():
    read = MemoryRead(Watched(PID, None, 0))

    def found(moved: int) -> bool:
        """Whether another reading presses after one of 20 MiB free that changed by so much meanwhile."""
        read._library_read(LibraryReading("glibc", free=20 * MIB, moved=moved), S, Cost(0, 0))
        return read.is_pressing()

    assert not found(moved=MIB)
    assert found(moved=2 * MIB)
    assert not found(moved=2 * MIB), "it is always at work"
    assert not found(moved=0)
    assert found(moved=2 * MIB)


def test_what_a_child_copies_presses_the_sums_of_its_parent_too():
    parent, child = Watched(PARENT, None, 0), Watched(PID, PARENT, 0)
    read = RollupRead(parent)
    parent.count_faults(1000, None)
    child.count_faults(500, parent)
    next(read.parts())
    assert not read.is_pressing()
    child.count_faults(500 + 256, parent)
    assert read.is_pressing()
