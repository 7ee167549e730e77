"""A recording that is written, not measured: what it says is known, and it takes no time."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.model.frames import (
    SLICE_US,
    Counters,
    End,
    Event,
    Frame,
    Heap,
    Hello,
    Message,
    Names,
    Process,
    Report,
    encode,
)
from app.model.states import RUNNING, WAITING

PID = 4_000
HEAP_US = 5_000_000
SECOND_US = 1_000_000


def messages(seconds: float = 6.0, held: float = 0.5, run: dict[str, Any] | None = None) -> Iterator[Message]:
    """Two threads: the first runs for the share `held` of each slice, the second for the rest.

    RSS grows by a mebibyte a second, one operation is done in each millisecond, and the heap's map, of one
    arena, has one more pool in use each five seconds.
    """
    told = {"id": secrets.token_hex(5), "kind": "script", "name": "made", "params": {}} | (run or {})
    yield Hello(1, 1_700_000_000.0, told, {"gil_hz": 1000, "counters_hz": 20, "stacks_hz": 100})
    yield Process(
        0,
        PID,
        None,
        ["python", "made.py"],
        python="3.12.1",
        free_threaded=False,
        gil_enabled=True,
        switch_interval_us=5000,
        capabilities={"gil": "exact"},
    )
    names = [[0, PID, PID, "MainThread", 0], [1, PID, PID + 1, "worker", 0]]
    yield Names(0, threads=names, gils=[[0, PID, 0]])
    yield _counters(0)
    mine = round(held * SLICE_US)
    other = SLICE_US - mine
    for number in range(round(seconds * SECOND_US / SLICE_US)):
        start, end = number * SLICE_US, (number + 1) * SLICE_US
        if start % HEAP_US == 0:
            yield _heap(start, 1 + start // HEAP_US)
        yield Frame(
            start,
            end,
            SLICE_US // 1000,
            0,
            0,
            [[0, 2, [0, 1, mine, 1, 1, other]]],
            [[0, [RUNNING, mine, WAITING, other]], [1, [WAITING, mine, RUNNING, other]]],
        )
        if end % 250_000 == 0:
            yield _counters(end)
        if end == SECOND_US:
            yield Event(end, "forked", PID)
    last = round(seconds * SECOND_US)
    yield Report(last, {"result": {"held": held}})
    yield End(last, "finished", None, 0)


def write(path: Path, **how: Any) -> Path:
    """The recording in a file."""
    lines = (encode(message, number) for number, message in enumerate(messages(**how)))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _counters(at_us: int) -> Counters:
    rss = (10 << 20) + at_us * (1 << 20) // SECOND_US
    threads = [[lane, at_us // 2, 0, 0, at_us // 1000] for lane in (0, 1)]
    return Counters(
        at_us,
        processes=[[PID, at_us, rss, rss, 0, 0]],
        threads=threads,
        observer={"cpu_us": at_us // 100},
        ops=at_us // 1000,
    )


def _heap(at_us: int, used: int) -> Heap:
    pools = 64
    return Heap(
        at_us,
        PID,
        0,
        "pymalloc",
        1000,
        500,
        0,
        arenas=1,
        arena_bytes=1 << 20,
        pools=used,
        pools_free=pools - used,
        blocks_used=used * 10,
        bytes_used=used * 320,
        raw_blocks=None,
        classes=[[32, used, used * 10, used * 500]],
        pinned=[0, 0, 0],
        mapped=True,
        changed=[[1 << 20, base64.b64encode(bytes([1, 128] * used + [0, 0] * (pools - used))).decode()]],
    )
