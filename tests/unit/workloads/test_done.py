"""The main thread waits for workers, and hears signals meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.workloads.executors.done import Done


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals of this number that a handler has heard."""
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    yield heard
    signal.signal(signal.SIGUSR1, before)


def test_a_signal_is_heard_before_the_workers_are_done(heard: list[int]) -> None:
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    done, seen = Done(), threading.Event()

    def work() -> None:
        done.tell()
        os.kill(os.getpid(), signal.SIGUSR1)
        while not heard:
            seen.wait(0.01)
        seen.set()
        done.tell()

    worker = threading.Thread(target=work)
    worker.start()
    done.wait(2)
    worker.join()
    assert (heard, seen.is_set()) == ([signal.SIGUSR1], True)
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_a_signal_that_came_on_the_way_is_not_waited_for(heard: list[int]) -> None:
    """Its number lies in the pipe, and is no worker's word."""
    done = Done()
    os.write(done._writer, bytes([signal.SIGUSR1]))
    threading.Timer(0.05, done.tell).start()
    done.wait(1)
    assert heard == []
