"""The heap as it is read from outside, against what the target itself says of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.observing import Observation, observing, program
from support.quiescent import BLOCKS, classes_of, number_in, quiescent
from support.targets import standing_by

from app.model.commands import LookAtHeap, Stop
from app.model.frames import Counters, End, Event, Heap, Process
from app.model.states import EXACT, UNAVAILABLE

MIB = 1024 * 1024

# Fills and empties its heap as fast as it can, in two threads, and maps and unmaps other memory beside it.
RESTLESS = """
import mmap, threading, time

def churn():
    while time.monotonic() < end:
        held = [[number] for number in range(60_000)]
        mmap.mmap(-1, 1 << 20).close()
        del held[::2]

end = time.monotonic() + 1.8
threads = [threading.Thread(target=churn) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

# Keeps one block a pool, and at a line lets go of those too.
PINNING = """
import sys
held = [bytes(400) for _ in range(80_000)]
kept = held[::36]
del held
READY
sys.stdin.readline()
del kept
print("gone", flush=True)
sys.stdin.readline()
"""

OTHER_INTERPRETER = """
import sys
if sys.version_info >= (3, 13):
    import _interpreters
    number, run = _interpreters.create({kind!r}), _interpreters.exec
else:
    import _xxsubinterpreters
    number, run = _xxsubinterpreters.create(isolated={kind!r} == "isolated"), _xxsubinterpreters.run_string
run(number, "held = [[number] for number in range(30_000)]")
READY
sys.stdin.readline()
"""

FORKING = """
import os, sys
held = [[number] for number in range(30_000)]
child = os.fork()
if not child:
    held += [[number] for number in range(60_000)]
    READY
sys.stdin.readline()
"""

# A child that shares its parent's heap, and neither of them does anything any more.
SHARING = """
import gc, os, sys
held = [b"%d" % number * 40 for number in range(100_000)]
gc.disable()
child = os.fork()
if child:
    READY
(sys.stdin if child else os.fdopen(os.dup(0))).readline()
"""

BECOMING_ANOTHER = """
import os, sys
held = [[1] for _ in range(50_000)]
READY
sys.stdin.readline()
"""

LOOK = LookAtHeap(True)
STOP = Stop()


def read_once(pid: int) -> list[Heap]:
    """The heaps of a process as an observation of it first tells them."""
    with observing(pid=pid) as observation:
        observation.until(Heap)
        observation.send(STOP)
        observation.finish()
        return list({heap.interpreter: heap for heap in observation.of(Heap)}.values())


def assert_equal(heap: Heap, stats: str) -> None:
    """The reading says what sys._debugmallocstats() said."""
    assert [row for row in heap.classes if row[1]] == classes_of(stats)
    assert heap.arenas == number_in(stats, r"^# arenas allocated current += +([\d,]+)$")
    assert heap.pools_free == number_in(stats, r"^(\d+) unused pools \*")
    assert heap.arena_bytes == heap.arenas << 20
    assert heap.blocks_used == sum(row[2] for row in heap.classes) > 0.6 * BLOCKS
    assert heap.bytes_used == sum(row[0] * row[2] for row in heap.classes)
    assert heap.torn == 0


@pytest.mark.builds
def test_a_heap_that_stands_still_is_read_to_the_block(gil_python: str, tmp_path: Path) -> None:
    with quiescent(gil_python, tmp_path) as (pid, _, stats):
        [heap] = read_once(pid)
    assert_equal(heap, stats)


def test_so_is_one_whose_blocks_are_checked(gil_any_python: str, tmp_path: Path) -> None:
    with quiescent(gil_any_python, tmp_path, PYTHONMALLOC="pymalloc_debug") as (pid, _, stats):
        [heap] = read_once(pid)
    assert_equal(heap, stats)


def test_the_pages_of_mimalloc_hold_what_is_counted(free_threaded_python: str, tmp_path: Path) -> None:
    with quiescent(free_threaded_python, tmp_path) as (pid, blocks, _):
        [heap] = read_once(pid)
    assert heap.allocator == "mimalloc"
    assert abs(heap.blocks_used - blocks) <= 1  # the number that says it is a block itself
    assert heap.blocks_used > 0.6 * BLOCKS
    assert heap.torn == 0


def put_together(heaps: list[Heap]) -> Iterator[tuple[Heap, dict[int, bytes]]]:
    """Each message with the map that a viewer has after it."""
    pools: dict[int, bytes] = {}
    for heap in heaps:
        if len(heap.changed) >= heap.arenas:
            pools = {}
        for address in heap.gone:
            pools.pop(address, None)  # where all has changed the map began anew
        pools.update((address, base64.b64decode(text)) for address, text in heap.changed)
        yield heap, dict(pools)


def test_a_heap_in_motion_is_read_and_its_map_adds_up(python: str) -> None:
    with observing(program(python, RESTLESS)) as observation:
        observation.send(LOOK)
        end = observation.finish()
    assert (end.state, end.error) == ("finished", None)
    assert "unreadable" not in {event.kind for event in observation.of(Event)}
    heaps = [heap for heap in observation.of(Heap) if heap.mapped]
    assert len(heaps) >= 2
    for heap, pools in put_together(heaps):
        assert len(pools) == heap.arenas
        if heap.allocator == "pymalloc":
            in_use = sum(place > 0 for text in pools.values() for place in text[::2])
            assert in_use == heap.pools
            assert sum(map(len, pools.values())) == 2 * (heap.pools + heap.pools_free + heap.torn)
    for before, after in pairwise(heaps[1:]):  # the first may be of before anybody looked
        assert after.at_us - before.at_us > 500_000  # read at 1 Hz


def said_of(observation: Observation, wanted: Any) -> Heap:
    """The next reading of which that is true."""
    for message in observation:
        if isinstance(message, Heap) and wanted(message):
            return message
    raise AssertionError(f"the observation ended without it: {observation.of(Heap)[-1]}")


def test_arenas_held_by_a_block_a_pool_are_pinned_until_it_goes(gil_any_python: str) -> None:
    with standing_by(gil_any_python, PINNING) as target, observing(pid=target.pid) as observation:
        observation.send(LOOK)
        held = said_of(observation, lambda heap: heap.mapped)
        before = next(message for message in observation if isinstance(message, Counters))
        target.stdin.write(b"\n")
        target.stdin.flush()
        assert target.stdout.readline() == b"gone\n"
        observation.send(LOOK)  # as another who comes to look: the map begins anew
        let_go = said_of(observation, lambda heap: heap.arenas < held.arenas)
        after = next(message for message in observation if isinstance(message, Counters))
    arenas, size, held_by = held.pinned
    assert arenas >= 25
    assert size == arenas << 20
    assert 0 < held_by < size / 10
    assert let_go.arenas <= held.arenas - 25
    assert len(let_go.changed) == let_go.arenas
    [[_, _, rss_before, *_]], [[_, _, rss_after, *_]] = before.processes, after.processes
    assert rss_after <= rss_before - (25 << 20)


@pytest.mark.parametrize(("kind", "heaps"), [("isolated", 2), ("legacy", 1)])
def test_each_heap_of_several_interpreters_is_told_once(isolating_python: str, kind: str, heaps: int) -> None:
    with standing_by(isolating_python, OTHER_INTERPRETER.replace("{kind!r}", repr(kind))) as target:
        found = read_once(target.pid)
    assert len(found) == heaps
    assert found[0].interpreter == 0
    in_main = found[0].blocks_used > 60_000
    assert in_main == (heaps == 1)
    assert sum(heap.blocks_used for heap in found) > 60_000


def test_a_child_has_a_heap_of_its_own(python: str) -> None:
    with standing_by(python, FORKING) as target, observing(pid=target.pid) as observation:
        mine = said_of(observation, lambda heap: heap.pid == target.pid)
        child = said_of(observation, lambda heap: heap.pid != target.pid)
    assert child.blocks_used - mine.blocks_used > 60_000


def private_bytes(pid: int) -> int:
    """What a process shares with no other."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB$", rollup, re.M))


def test_to_read_a_heap_leaves_forked_processes_their_common_pages(gil_any_python: str) -> None:
    with standing_by(gil_any_python, SHARING) as target:
        [child] = (
            int(pid) for pid in Path(f"/proc/{target.pid}/task/{target.pid}/children").read_text().split()
        )
        before = private_bytes(child)
        with observing(pid=target.pid) as observation:
            observation.send(LOOK)
            read = said_of(observation, lambda heap: heap.pid == child and heap.mapped)
        assert read.bytes_used > 20 * MIB
        assert private_bytes(child) - before < MIB


def test_a_process_without_pymalloc_is_told_to_have_no_heap(gil_python: str) -> None:
    start = program(gil_python, "import time; time.sleep(0.7)")
    start.env["PYTHONMALLOC"] = "malloc"
    with observing(start) as observation:
        observation.finish()
    said = observation.of(Process)
    assert not observation.of(Heap)
    assert said[-1].capabilities["heap"] == UNAVAILABLE
    assert "PYTHONMALLOC" in said[-1].why["heap"]


def test_whoever_lives_for_half_a_second_has_a_heap_in_the_summary(python: str) -> None:
    with observing(program(python, "import time; time.sleep(0.5)")) as observation:
        observation.finish()
    [row] = observation.summary()["heap"]
    assert row["blocks_used"] > 5_000
    assert observation.of(Process)[-1].capabilities["heap"] == EXACT


def test_a_reading_ends_with_the_program_that_it_is_of(python: str) -> None:
    code = BECOMING_ANOTHER + f"os.execv({python!r}, [{python!r}, '-c', 'import sys; sys.stdin.readline()'])"
    with standing_by(python, code) as target, observing(pid=target.pid) as observation:
        before = observation.until(Heap)
        target.stdin.write(b"\n")
        target.stdin.flush()
        observation.until(Event, kind="exec")
        after = observation.until(Heap)
        observation.send(STOP)
        end = observation.until(End)
    assert end.error is None
    assert before.blocks_used > 50_000 > after.blocks_used > 0
