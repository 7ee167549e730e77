"""What is told of the collector against what the target's own gc.callbacks and gc.get_stats() say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.observing import Observation, observing
from support.targets import standing_by

from app.model.frames import Collector, Event, Frame, Hello, Process
from app.model.states import EXACT
from app.probe.sampling.collected import LONG_US

PERIOD_US = 1000  # of the default rate
ATTEMPTS = 6
WANTED = 4  # collections of several ms that must have been measured by an observer that was on time
COLLECTIONS = 12
NOISE = 1 << 20  # bytes: what reading a file and calling back takes

# At a line on its standard input: collections of several ms, one of each generation in turn, and then short
# ones that CPython begins by itself. It says what its callbacks saw and what its totals are.
CYCLES = f"""
import gc, json, sys, time

class Node: pass

def rings(number):
    for _ in range(number):
        node = Node()
        node.self = node

def heard(phase, info):
    now = time.monotonic_ns()
    if phase == "start":
        began.append(now)
    else:
        ended.append((info["generation"], began[-1], now, info["collected"]))

gc.disable()
began, ended = [], []
READY
sys.stdin.readline()
gc.callbacks.append(heard)
for number in range({COLLECTIONS}):
    rings(20_000)
    gc.collect(number % 3)
    time.sleep(0.005)
gc.enable()
rings(20_000)
gc.disable()
gc.callbacks.clear()
print(json.dumps([ended, gc.get_stats()]), flush=True)
sys.stdin.readline()
"""


def say(target: Any) -> Any:
    """Writes the line that the target waits for."""
    target.stdin.write(b"\n")
    target.stdin.flush()


def columns(stats: list[dict[str, int]]) -> list[list[int]]:
    """gc.get_stats() as a collector message lists it."""
    return [[of[name] for of in stats] for name in ("collections", "collected", "uncollectable")]


def await_totals(observation: Observation, pid: int, stats: list[dict[str, int]]) -> list[Any]:
    """The row that says what the process says; a hang, where none ever does, is a failure."""
    while True:
        for row in observation.until(Collector).rows:
            if row[0] == pid and row[5:8] == columns(stats):
                return row


def collected_under_observation(python: str) -> tuple[Observation, list[Any]]:
    """CYCLES, and the collections that it heard of."""
    with standing_by(python, CYCLES) as target, observing(pid=target.pid) as observation:
        before = observation.until(Collector)
        assert before.rows[0][2] is False, "it has called gc.disable()"
        say(target)
        assert target.stdout
        heard, stats = json.loads(target.stdout.readline())
        await_totals(observation, target.pid, stats)
    return observation, heard


def pauses_of(observation: Observation) -> list[list[Any]]:
    """All of them, as the messages list them."""
    return [pause for message in observation.of(Collector) for pause in message.pauses]


def was_on_time(observation: Observation, at_us: float) -> bool:
    """Whether in the slice around an instant the observer missed one beat at the most."""
    for frame in observation.of(Frame):
        if frame.start_us <= at_us < frame.end_us:
            return bool(frame.samples >= (frame.end_us - frame.start_us) // PERIOD_US - 1)
    return False


def check_order(observation: Observation) -> None:
    """No pause ends in the future or overlaps another."""
    end = 0
    for message in observation.of(Collector):
        for _, _, start_us, length_us, _, _ in message.pauses:
            assert start_us >= end
            end = start_us + length_us
            assert end <= message.at_us


@pytest.mark.serial
def test_pauses_are_as_long_as_the_target_says(python: str) -> None:
    compared = 0
    for _ in range(ATTEMPTS):
        observation, heard = collected_under_observation(python)
        check_order(observation)
        [process] = observation.of(Process)[:1]
        compare = compare_exactly if process.capabilities["gc"] == EXACT else compare_sampled
        compared += compare(observation, heard)
        if compared >= WANTED:
            return
    pytest.fail(f"{compared} long collections in {ATTEMPTS} runs met an observer that was on time")


def compare_sampled(observation: Observation, heard: list[Any]) -> int:
    """Holds each long collection to the pause that was seen; how many the observer was on time for."""
    [origin_ns] = [hello.origin_ns for hello in observation.of(Hello)]
    compared = 0
    for generation, began_ns, ended_ns, collected in heard[:COLLECTIONS]:
        start, end = (began_ns - origin_ns) / 1000, (ended_ns - origin_ns) / 1000
        on_time = was_on_time(observation, start) and was_on_time(observation, end)
        if end - start < 2 * PERIOD_US or not on_time:
            continue
        [seen] = [p for p in pauses_of(observation) if p[2] < end and start < p[2] + p[3]]
        assert seen[4] == generation
        assert seen[5] == collected
        assert seen[3] == pytest.approx(end - start, abs=max(0.1 * (end - start), 2 * PERIOD_US))
        compared += 1
    return compared


def compare_exactly(observation: Observation, heard: list[Any]) -> int:
    """Where CPython publishes its pauses, each one is there, inside its callbacks."""
    [origin_ns] = [hello.origin_ns for hello in observation.of(Hello)]
    pauses = [pause for pause in pauses_of(observation) if pause[2] >= (heard[0][1] - origin_ns) // 1000]
    assert len(pauses) == len(heard)
    for (generation, began_ns, ended_ns, collected), seen in zip(heard, pauses, strict=True):
        start, end = (began_ns - origin_ns) // 1000, (ended_ns - origin_ns) // 1000
        assert start <= seen[2] <= seen[2] + seen[3] <= end
        assert seen[4:] == [generation, collected]
    # Between a callback and the time that CPython takes lie microseconds, unless another process runs.
    apart = sorted(
        (ended - began) / 1000 - seen[3] for (_, began, ended, _), seen in zip(heard, pauses, strict=True)
    )
    assert apart[len(apart) // 2] < 100
    return len(pauses)


# At a line it makes cycles that hold large buffers, at the next it collects them. It says what its RSS was
# when its callbacks were called.
KEPT = """
import gc, json, os, sys, time

def rss(): return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def heard(phase, info): seen.append(rss())

def cycles():
    for _ in range(30):
        payload = bytearray(4_000_000)
        payload[::4096] = b"x" * len(payload[::4096])
        ring = [payload]
        ring.append(ring)

gc.disable()
gc.collect()
seen = []
READY
sys.stdin.readline()
cycles()
print(time.monotonic_ns(), flush=True)
sys.stdin.readline()
gc.callbacks.append(heard)
gc.collect()
gc.callbacks.clear()
print(json.dumps(seen), flush=True)
sys.stdin.readline()
"""


def test_what_a_collection_gave_back_is_what_the_target_saw(gil_python: str) -> None:
    with standing_by(gil_python, KEPT) as target, observing(pid=target.pid) as observation:
        observation.until(Collector)
        say(target)
        assert target.stdout
        [origin_ns] = [hello.origin_ns for hello in observation.of(Hello)]
        made_us = (int(target.stdout.readline()) - origin_ns) // 1000
        while observation.until(Frame).end_us < made_us + 2 * LONG_US:
            pass  # it stands still, and its sizes are read meanwhile
        say(target)
        before, after = json.loads(target.stdout.readline())
        while not (moved := [row for message in observation.of(Collector) for row in message.moved]):
            observation.until(Collector)
    [[*_, generation, collections, collected, _, sizes_before, _, sizes_after]] = moved
    assert before - after > 30 * 3_900_000
    assert (generation, collections, collected) == (2, 1, 30)
    assert sizes_before[0] == pytest.approx(before, abs=NOISE)
    assert sizes_after[0] == pytest.approx(after, abs=NOISE)
    assert sizes_before[1] - sizes_after[1] == pytest.approx(before - after, abs=NOISE), "all of it anonymous"
    if sizes_before[3] is not None:
        assert sizes_before[3] - sizes_after[3] >= 30, "the buffers are large blocks"


def test_what_the_collector_is_set_to_and_counts(python: str) -> None:
    code = """
    import gc, json, sys
    gc.collect()
    gc.set_threshold(1234, 7, 5)
    gc.disable()
    READY
    sys.stdin.readline()
    kept = [[] for _ in range(500)]
    print(json.dumps(gc.get_stats()), flush=True)
    sys.stdin.readline()
    """
    with standing_by(python, code) as target, observing(pid=target.pid) as observation:
        [before] = observation.until(Collector).rows
        say(target)
        assert target.stdout
        stats = json.loads(target.stdout.readline())
        after = before
        while after[4][0] - before[4][0] < 500:
            [after] = observation.until(Collector).rows
    assert before[1:3] == [0, False]
    assert before[3][:2] == [1234, 7]
    assert before[5:8] == after[5:8] == columns(stats)
    assert pauses_of(observation) == []
    if after[8] is not None:
        assert after[8] - before[8] >= 500


def test_a_forked_child_collects_for_itself(any_python: str) -> None:
    code = """
    import gc, json, os, sys
    gc.disable()
    READY
    sys.stdin.readline()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    else:
        for number in range(5): gc.collect()
        print(json.dumps([os.getpid(), gc.get_stats()]), flush=True)
        sys.stdin.readline()
    """
    with standing_by(any_python, code) as target, observing(pid=target.pid) as observation:
        [parent] = observation.until(Collector).rows
        say(target)
        assert target.stdout
        pid, stats = json.loads(target.stdout.readline())
        await_totals(observation, pid, stats)
        rows = [row for message in observation.of(Collector) for row in message.rows]
        assert all(row[5:8] == parent[5:8] for row in rows if row[0] == target.pid)
        say(target)
        observation.until(Event, kind="exited", pid=pid)


def test_an_interpreter_that_ends_takes_its_collector_along(isolating_python: str) -> None:
    code = """
    import sys
    try:
        import _interpreters
        run = _interpreters.exec
    except ImportError:
        import _xxsubinterpreters as _interpreters
        run = _interpreters.run_string
    collect = "import gc, sys\\nfor _ in range(4): gc.collect()\\nsys.stdin.readline()"
    READY
    for _ in range(2):
        number = _interpreters.create()
        run(number, collect)
        _interpreters.destroy(number)
    """
    with standing_by(isolating_python, code) as target, observing(pid=target.pid) as observation:
        for number in (1, 2):
            collections = 0
            while collections < 4:
                rows = {row[1]: row for row in observation.until(Collector).rows}
                collections = rows[number][5][2] if number in rows else 0
            say(target)
        assert observation.finish().state == "finished"
    assert {row[1] for message in observation.of(Collector) for row in message.rows} == {0, 1, 2}
