"""When the tree of processes is walked, and who is taken in without a walk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.probe import search
from app.probe.sampling.slow import SlowReads
from app.probe.search import Search

PERIOD_US = 250_000


class Discovery:
    """Notes who is taken in."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, ...]] = []

    def take_in(self, pids: Any, now_us: int) -> None:
        self.taken.append(tuple(pids))

    def let_go_of_ended(self, now_us: int) -> None:
        pass

    def look(self, now_us: int) -> None:
        pass


class Births:
    """What is born is said here."""

    told: Any = ()

    def new(self) -> Any:
        return self.told

    def close(self) -> None:
        pass


@pytest.fixture
def child() -> Iterator[int]:
    """A process with a child of its own."""
    code = "import subprocess; subprocess.run(['/bin/cat'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.communicate()


def search_of(
    pid: int, discovery: Discovery, slow: SlowReads, patch: pytest.MonkeyPatch, times: list[int]
) -> Search:
    """Its clock shows the last of the times."""
    patch.setattr(search, "Births", Births)
    watchlist = SimpleNamespace(pids=[pid], reads_any=True)
    run: Any = SimpleNamespace(
        tree=SimpleNamespace(discovery=discovery, watchlist=watchlist),
        subject=SimpleNamespace(roots=[pid]),
        clock=SimpleNamespace(now_us=lambda: times[-1]),
        slow=slow,
    )
    return Search(run, PERIOD_US)


def test_who_is_born_to_a_known_process_is_taken_in_without_a_walk(
    child: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    discovery, slow = Discovery(), SlowReads()
    looks = search_of(child, discovery, slow, monkeypatch, [0])
    looks.search_if_due(0)  # the first is a walk
    while not (below := search.procfs.children(child)):
        pass
    slow.finish(sys.maxsize)
    discovery.taken.clear()
    monkeypatch.setattr(Births, "told", range(below[0] - 1, below[0] + 1))
    looks.search_if_due(100_000)
    assert discovery.taken == [tuple(below)]


def test_a_walk_costs_no_sample_and_comes_so_seldom_that_it_takes_a_hundredth_of_a_cpu(
    child: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    discovery = Discovery()
    cpu = iter(range(0, 10**12, 10_000_000))  # every step takes 10 ms
    slow = SlowReads(cpu_ns=cpu.__next__)
    times = [0]
    looks = search_of(child, discovery, slow, monkeypatch, times)
    looks.search_if_due(0)
    assert not discovery.taken, "it waits for a time when no sample is due"
    slow.finish(sys.maxsize)
    walks = len(discovery.taken)
    assert walks == 1
    for now in range(0, 3_000_000, 5_000):
        times.append(now)
        looks.search_if_due(now)
        slow.finish(sys.maxsize)
    assert 1 <= len(discovery.taken) - walks <= 3, "10 ms of CPU allow one a second"
