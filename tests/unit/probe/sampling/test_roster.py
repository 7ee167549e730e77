"""Who is there, where the process itself is between two states."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.model.states import SLEEP, UNKNOWN
from app.probe.cpython.layouts import TSTATE_INTERP, TSTATE_NEXT, known
from app.probe.cpython.survey import Survey, ThreadState
from app.probe.sampling import roster
from app.probe.sampling.roster import Roster

RUNTIME, INTERPRETER, GIL = 0x10_0000, 0x20_0000, 0x30_0000
MAIN, NEW = 0x100, 0x200  # addresses of thread states


class OneWord:
    """One word, wherever it is read: the heads of the lists stay what they are."""

    def u64(self, address: int) -> int:
        return NEW


class Words(dict[int, int]):
    """Memory that is 0 but for these words."""

    def u64(self, address: int) -> int:
        return self.get(address, 0)

    i32 = u64

    def read(self, address: int, size: int) -> bytes:
        return b"".join(self.u64(at).to_bytes(8, "little") for at in range(address, address + size, 8))


@pytest.fixture
def second_tid() -> Iterator[int]:
    """The id of a thread of this process other than the main one."""
    started, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (started.set(), over.wait()))
    thread.start()
    started.wait()
    assert thread.native_id
    yield thread.native_id
    over.set()
    thread.join()


def test_a_thread_that_has_not_run_yet_is_not_taken_for_the_one_that_starts_it(
    monkeypatch: pytest.MonkeyPatch, second_tid: int
) -> None:
    tids = {NEW: os.getpid()}

    def survey(*_: Any) -> Survey:
        threads = [ThreadState(NEW, tids[NEW], 0, 1), ThreadState(MAIN, os.getpid(), 0, 1)]
        return Survey([], [], threads, {8: NEW})

    monkeypatch.setattr(roster, "survey", survey)
    runtime = SimpleNamespace(memory=OneWord(), address=0, layout=known()[3, 11, False])
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    assert [state.address for state in found.lanes[os.getpid()].states] == [MAIN]
    assert found.lanes[second_tid].states == [], "it is there, but has no state yet"

    tids[NEW] = second_tid
    found.follow(10_000)
    assert [state.address for state in found.lanes[os.getpid()].states] == [MAIN]
    assert [state.address for state in found.lanes[second_tid].states] == [NEW]
    found.close()


def test_a_thread_is_seen_when_it_binds_the_state_that_was_made_for_it(second_tid: int) -> None:
    # GIVEN a process in which a thread was started whose state is listed, and has no id yet
    layout = known()[3, 12, False]
    interpreter, tid = layout.interpreter_state, layout.thread_state.native_thread_id
    assert interpreter.ceval_gil is not None
    memory = Words(
        {
            RUNTIME + layout.runtime_state.interpreters_head: INTERPRETER,
            INTERPRETER + interpreter.runtime: RUNTIME,
            INTERPRETER + interpreter.threads_head: NEW,
            INTERPRETER + interpreter.ceval_gil: GIL,
            NEW + TSTATE_NEXT: MAIN,
            NEW + TSTATE_INTERP: INTERPRETER,
            MAIN + TSTATE_INTERP: INTERPRETER,
            MAIN + tid: os.getpid(),
        }
    )
    runtime = SimpleNamespace(memory=memory, address=RUNTIME, layout=layout)
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    started = found.lanes[second_tid]
    assert started.states == []

    # WHEN it binds the state, which changes neither list
    found.follow(10_000)
    assert started.states == []
    memory[NEW + tid] = second_tid
    found.follow(20_000)

    # THEN it is known for Python's
    assert [state.address for state in started.states] == [NEW]
    assert started in found.entered
    found.close()


def test_a_thread_is_known_whose_state_lies_where_that_of_one_that_ended_did(
    monkeypatch: pytest.MonkeyPatch, second_tid: int
) -> None:
    # GIVEN a thread that ends, and before anything is read another, whose state lies at the same address
    tids = {NEW: second_tid}

    def survey(*_: Any) -> Survey:
        threads = [ThreadState(NEW, tids[NEW], 0, 1), ThreadState(MAIN, os.getpid(), 0, 1)]
        return Survey([], [], threads, {8: NEW})  # the head of the list stays what it was

    monkeypatch.setattr(roster, "survey", survey)
    runtime = SimpleNamespace(memory=OneWord(), address=0, layout=known()[3, 12, False])
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    over = threading.Event()
    another = threading.Thread(target=over.wait, daemon=True)
    another.start()
    assert another.native_id
    tids[NEW] = another.native_id

    # WHEN it is found that the one has ended
    found.drop(found.lanes[second_tid], 10_000)
    found.follow(1_000_000)  # however long the first walk took

    # THEN the other is a thread of Python
    assert [state.address for state in found.lanes[another.native_id].states] == [NEW]
    found.close()
    over.set()
    another.join()


def test_threads_are_listed_where_their_number_or_a_birth_says_so_and_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed: list[int] = []
    monkeypatch.setattr(roster, "survey", lambda *_: Survey([], [], [], {8: NEW}))
    monkeypatch.setattr(roster.procfs, "tids", lambda pid: listed.append(pid) or [pid])
    born = (1, b"100")
    monkeypatch.setattr(Roster, "_births", lambda self: born)
    runtime = SimpleNamespace(memory=OneWord(), address=0, layout=known()[3, 12, False])
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    for now in range(0, 900_000, 5_000):
        found.follow(now)
    assert len(listed) == 1
    born = (2, b"100")
    found.follow(960_000)
    born = (2, b"103")
    found.follow(1_020_000)
    assert len(listed) == 3
    for now in range(1_025_000, 3_000_000, 5_000):
        found.follow(now)
    assert len(listed) == 4
    found.close()


def test_a_thread_that_has_ended_was_what_it_was_seen_to_be_until_then(
    monkeypatch: pytest.MonkeyPatch, second_tid: int
) -> None:
    # GIVEN a thread that sleeps
    states = [ThreadState(NEW, second_tid, 0, 1), ThreadState(MAIN, os.getpid(), 0, 1)]
    monkeypatch.setattr(roster, "survey", lambda *_: Survey([], [], states, {8: NEW}))
    runtime = SimpleNamespace(memory=OneWord(), address=0, layout=known()[3, 12, False])
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    lane = found.lanes[second_tid]
    lane.become(SLEEP, 5_000)

    # WHEN the kernel lists it no more
    monkeypatch.setattr(roster.procfs, "tids", lambda pid: [pid])
    found.list_threads(70_000)

    # THEN all of its time is told, and that nobody has looked where it slept
    assert lane in found.gone
    assert lane.pieces == [UNKNOWN, 5_000, SLEEP, 65_000]
    assert found.missed_blocks(70_000) == 1
    found.close()
