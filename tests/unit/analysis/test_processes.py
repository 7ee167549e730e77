"""Of all processes together: the most memory that they had, found without adding it up all the time."""

from __future__ import annotations

import pytest

from app.analysis.processes import Processes
from app.model.frames import Counters, Process, Rollup

MIB = 1 << 20


def growing(number: int, rounds: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Processes, int]:
    """So many processes, read in turn, each with a mebibyte more each time; and how often was added up."""
    added, processes = [], Processes()
    monkeypatch.setattr(Processes, "uss", lambda self: added.append(1))
    for pid in range(number):
        processes.note(Process(0, pid, None, []))
    processes.read(Counters(0, [[pid, 0, MIB, MIB, 0, 0] for pid in range(number)]))
    for turn in range(1, rounds + 1):
        for pid in range(number):
            size = turn * MIB
            processes.summed(Rollup(turn, pid, size, size, size, 0, 0))
    return processes, len(added)


def test_of_few_processes_each_reading_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    processes, added = growing(4, 10, monkeypatch)
    assert added == 40
    assert processes.peak["pss"] == 40 * MIB
    processes.summed(Rollup(20, 0, MIB, MIB, MIB, 0, 0))
    assert processes.peak["pss"] == 40 * MIB, "it stays when one shrinks"


def test_of_many_processes_not_each_reading_is_added_up_and_the_last_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processes, added = growing(300, 10, monkeypatch)
    assert added <= 10 * 8 + 10
    processes.summed(Rollup(20, 7, 2 * MIB, 2 * MIB, 100 * MIB, 0, 0))
    assert processes.peak["pss"] == 300 * 10 * MIB + 90 * MIB, "one that nobody added up before it was asked"
