"""A process's memory by kind of mapping, against what the target has of each."""

from __future__ import annotations

from typing import Any

from support.interpreters import interpreter
from support.observing import Observation, observing
from support.targets import standing_by

from app.model.frames import Memory

MIB = 1 << 20
THREADS = 4

# At a line on its standard input it takes memory of each kind, says so, and waits.
TAKING = f"""
import mmap, sys, threading

READY
sys.stdin.readline()
there = threading.Barrier({THREADS + 1})
never = threading.Event()

def work():
    kept = [bytes(2000) for _ in range(1000)]
    there.wait()
    never.wait()

threading.stack_size(16 << 20)
for _ in range({THREADS}): threading.Thread(target=work, daemon=True).start()
there.wait()
small = [bytearray(20) for _ in range(100_000)]
private = mmap.mmap(-1, {64 * MIB}, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
shared = mmap.mmap(-1, {16 * MIB})
for page in range(0, {32 * MIB}, 4096): private[page] = 1
for page in range(0, {8 * MIB}, 4096): shared[page] = 1
print("taken", flush=True)
sys.stdin.readline()
"""


def say(target: Any) -> None:
    """Writes the line that the target waits for."""
    target.stdin.write(b"\n")
    target.stdin.flush()


def kinds_after(observation: Observation, **wanted: tuple[int, int]) -> dict[str, list[int]]:
    """The kinds of the first walk with so much of those, (size, resident); a hang is a failure."""
    while True:
        kinds = observation.until(Memory).kinds
        if all(kinds[kind] and _at_least(kinds[kind], least) for kind, least in wanted.items()):
            return dict(kinds)


def _at_least(pair: list[int], least: tuple[int, int]) -> bool:
    return pair[0] >= least[0] and pair[1] >= least[1]


def test_memory_is_told_by_what_it_is_for(python: str) -> None:
    with standing_by(python, TAKING) as target, observing(pid=target.pid) as observation:
        first = observation.until(Memory)
        before = kinds_after(observation, arenas=(0, 0))
        say(target)
        assert target.stdout
        assert target.stdout.readline() == b"taken\n"
        arenas, stacks = (0, before["arenas"][1] + 4 * MIB), (before["stacks"][0] + THREADS * 16 * MIB, 0)
        after = kinds_after(
            observation, anonymous=(0, 31 * MIB), shared=(0, 8 * MIB), arenas=arenas, stacks=stacks
        )
    assert first.pid == target.pid
    grown = {kind: [now - was for now, was in zip(after[kind], before[kind], strict=True)] for kind in after}
    assert grown["shared"][:2] == [16 * MIB, 8 * MIB]
    # Arenas that came since the heap was last read are anonymous still.
    assert 31 * MIB <= grown["anonymous"][1] < 48 * MIB
    assert THREADS * 16 * MIB <= grown["stacks"][0] < THREADS * 17 * MIB
    assert 0 < grown["stacks"][1] < THREADS * MIB
    if not interpreter(python).free_threaded:  # else mimalloc keeps large blocks too, in memory it reserves
        assert 64 * MIB <= grown["anonymous"][0] < 80 * MIB
        assert grown["c_heap"][1] >= THREADS * 1000 * 2000
    assert grown["file"][1] < 8 * MIB


def test_what_a_child_shares_with_its_parent(any_python: str) -> None:
    code = """
    import os, sys
    kept = bytearray(64 << 20)
    for page in range(0, len(kept), 4096): kept[page] = 1
    READY
    sys.stdin.readline()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
    sys.stdin.readline()
    """
    with standing_by(any_python, code) as target, observing(pid=target.pid) as observation:
        alone = observation.until(Memory, pid=target.pid)
        say(target)
        assert target.stdout
        child = int(target.stdout.readline())
        theirs = observation.until(Memory, pid=child)
        ours = alone
        while ours.shared < 64 * MIB:
            ours = observation.until(Memory, pid=target.pid)
        say(target)
        say(target)
    assert alone.shared < 16 * MIB
    assert theirs.shared >= 64 * MIB
    assert theirs.rss >= 64 * MIB
    assert theirs.uss < 16 * MIB
    assert theirs.pss < theirs.rss - 24 * MIB, "a page that two share counts half for each"


def test_what_mimalloc_keeps_of_freed_objects_is_among_its_arenas(free_threaded_python: str) -> None:
    code = f"""
    import sys
    READY
    sys.stdin.readline()
    kept = [bytearray({20 * MIB}) for _ in range(10)]
    for each in kept: each[:] = bytes(range(256)) * {20 * MIB // 256}
    del each, kept
    print("taken", flush=True)
    sys.stdin.readline()
    """
    with standing_by(free_threaded_python, code) as target, observing(pid=target.pid) as observation:
        first = observation.until(Memory).kinds
        say(target)
        assert target.stdout
        assert target.stdout.readline() == b"taken\n"
        after = kinds_after(observation, arenas=(0, 200 * MIB))
    assert after["anonymous"][1] - first["anonymous"][1] < 8 * MIB
