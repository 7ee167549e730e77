"""A made observation of which all is known: three threads of one process that take turns with its GIL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.analysis.header import header_of
from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model.frames import (
    Collector,
    Counters,
    End,
    Event,
    Frame,
    Hello,
    Message,
    Names,
    Process,
    Report,
    Stacks,
    encode,
)
from app.model.states import RUNNING, SLEEP, WAITING

SLICE_US = 50_000
TURN_US = 20_000  # not a divisor of a slice: turns go on from slice to slice
LANES = 3
PID = 4321


@dataclass
class Made:
    """A Source, as exporters are given one."""

    run: dict[str, Any]
    header: dict[str, Any] | None
    summary: dict[str, Any]
    told: list[Message]

    span = None
    notes: tuple[()] = ()

    def within(self) -> dict[str, Any] | None:
        return None

    def lines(self) -> Iterator[str]:
        return (encode(message, number) for number, message in enumerate(self.told))

    def messages(self) -> Iterator[Message]:
        return iter(self.told)

    def timeline(self, bins: int) -> dict[str, Any]:
        raise NotImplementedError


def observation(slices: int = 40, after: int = 4) -> Made:
    """So many slices; then a workload's result, and `after` slices of the interpreter's end."""
    told: list[Message] = [
        Hello(
            0,
            1_700_000_000.0,
            {"id": "made", "kind": "command", "name": "made", "params": {}},
            {"gil_hz": 1000},
        ),
        Process(0, PID, None, ["python3", "made.py"], "3.13.0", False, True, 5000),
        Names(0, [[lane, PID, PID + lane, f"worker-{lane}", 0] for lane in range(LANES)], [[0, PID, 0]]),
        Names(
            0,
            functions=[[0, "work", "made.py", 3], [1, "main", "made.py", 9]],
            stacks=[[0, [0, 4, 1, 10]], [1, [1, 11]]],
        ),
    ]
    end_us = slices * SLICE_US
    for number in range(slices + after):
        start_us = number * SLICE_US
        told.append(_frame(start_us, start_us + SLICE_US))
        told.append(
            Stacks([[start_us + 10_000, 0, _turn(start_us + 10_000), 0, (_turn(start_us) + 1) % 2, 1, 1]])
        )
        if number % 5 == 4:
            at_us = start_us + SLICE_US
            told.append(Counters(at_us, [[PID, at_us * 9 // 10, 1 << 24, 1 << 24, 0, 0]]))
        if number == 7:
            told.append(Event(start_us, "forked", PID, "child"))
            told.append(
                Collector(
                    start_us, [[PID, 0, True, [700], [0], [1], [5], [0], None]], [[PID, 0, 9000, 800, 0, 5]]
                )
            )
        if number == slices - 1:
            told.append(Counters(end_us, [[PID, end_us * 9 // 10, 1 << 24, 1 << 24, 0, 0]]))
            told.append(Report(end_us, {"result": {"ops": 7}}))
    told.append(End((slices + after) * SLICE_US, "finished", None, 0))
    ledger = Ledger()
    for message in told:
        ledger.feed(message)
    summary = summarise(ledger, {})
    return Made(summary["run"], header_of(ledger), summary, told)


def turns(slices: int) -> int:
    """The holds of so many slices."""
    return -(-slices * SLICE_US // TURN_US)


def _turn(at_us: int) -> int:
    """Who holds the lock: the third thread sleeps all the time."""
    return at_us // TURN_US % 2


def _frame(start_us: int, end_us: int) -> Frame:
    edges = [start_us, *range((start_us // TURN_US + 1) * TURN_US, end_us, TURN_US), end_us]
    spans = list(pairwise(edges))
    gil = [number for from_us, to_us in spans for number in (_turn(from_us), 1, to_us - from_us)]
    lanes = [
        [
            lane,
            [
                n
                for from_us, to_us in spans
                for n in (RUNNING if _turn(from_us) == lane else WAITING, to_us - from_us)
            ],
        ]
        for lane in (0, 1)
    ]
    lanes.append([2, [SLEEP, end_us - start_us]])
    switches = sum(1 for edge in edges[:-1] if edge % TURN_US == 0)
    return Frame(start_us, end_us, 50, 0, 0, [[0, switches, gil]], lanes)
