"""Who is there, where the process itself is between two states."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.probe import roster
from app.probe.layouts import known
from app.probe.roster import Roster
from app.probe.state import Survey, ThreadState

MAIN, NEW = 0x100, 0x200  # addresses of thread states


class Memory:
    """One word, wherever it is read: the heads of the lists stay what they are."""

    def u64(self, address: int) -> int:
        return NEW


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
    runtime = SimpleNamespace(memory=Memory(), address=0, layout=known()[3, 11, False])
    numbers = itertools.count().__next__
    found = Roster(os.getpid(), runtime, numbers, numbers)  # type: ignore[arg-type]
    found.refresh(0)
    assert found.lane_by_state == {MAIN: found.lanes[os.getpid()].number}

    tids[NEW] = second_tid
    found.follow_heads(10_000)
    assert found.lane_by_state == {
        MAIN: found.lanes[os.getpid()].number,
        NEW: found.lanes[second_tid].number,
    }
    found.close()
