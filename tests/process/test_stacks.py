"""Stacks read from outside, beside what the target, and py-spy, say of the same threads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.interpreters import interpreter
from support.observing import Observation, observing, program, workload
from support.targets import standing_by

from app.model.frames import Names, Process, Stacks
from app.probe.cpython.runtime import locate
from app.probe.cpython.stacks import StackReader
from app.probe.cpython.survey import survey

# Four threads go 1, 10, 25 and 65 calls down and wait; others wait in a generator, in a lambda of code that
# was made while running, and in a method. The main thread prints every stack as it knows it.
BLOCKED = """
import json, os, sys, threading

waits, leave = os.pipe()
there = threading.Semaphore(0)

def wait():
    there.release()
    os.read(waits, 1)

def down(depth):
    if depth:
        down(depth - 1)
    else:
        wait()

def numbers():
    yield 1
    wait()

class Owner:
    def method(self):
        for _ in numbers():
            continue

def in_made_code():
    exec("def made():\\n\\n    return [(lambda: wait())() for _ in range(1)]\\nmade()", {"wait": wait})

work = [lambda depth=depth: down(depth) for depth in (1, 10, 25, 65)] + [Owner().method, in_made_code]
for target in work: threading.Thread(target=target, daemon=True).start()
for _ in work: there.acquire()

def stack(frame):
    while frame is not None:
        code = frame.f_code
        yield [code.co_qualname, code.co_filename, code.co_firstlineno, frame.f_lineno]
        frame = frame.f_back

def waiting(frame):
    return frame.f_code is wait.__code__ and frame.f_lineno == wait.__code__.co_firstlineno + 2

me = threading.get_ident()
while not all(waiting(frame) for ident, frame in sys._current_frames().items() if ident != me):
    os.sched_yield()
frames = sys._current_frames()
told = {t.native_id: list(stack(frames[t.ident])) for t in threading.enumerate() if t.ident != me}
READY
print(json.dumps(told), flush=True)
sys.stdin.read()
"""

# Each of a to d calls the next; nothing calls anything else.
CALLING = """
import threading, time
def a(n): return b(n) + 1
def b(n): return c(n) + 1
def c(n): return d(n) + 1
def d(n): return a(n - 1) + 1 if n else 0
def work():
    while time.monotonic() < end: a(5)
end = time.monotonic() + 2
threading.Thread(target=work).start()
work()
"""
# A generator that is resumed and left without a pause, each time from the same function.
RESUMING = """
import time
def numbers():
    while True: yield
def work():
    for _ in numbers():
        if time.monotonic() > end: break
end = time.monotonic() + 2
work()
"""
CALLERS = {"a": {"work", "d"}, "b": {"a"}, "c": {"b"}, "d": {"c"}}
LOOKS_HZ = 1000.0

Told = list[list[Any]]  # [qualified name, file, first line, line], leaf first


@contextmanager
def blocked(python: str) -> Iterator[tuple[int, dict[int, Told]]]:
    """(pid, {tid: its stack as the target told it})"""
    with standing_by(python, BLOCKED) as target:
        assert target.stdout
        told = json.loads(target.stdout.readline())
        yield target.pid, {int(tid): stack for tid, stack in told.items()}


def read(pid: int) -> dict[int, Told]:
    """{tid: its stack} of each thread, as the observer reads it."""
    runtime = locate(pid)
    try:
        reader = StackReader(runtime)
        threads = survey(runtime.memory, runtime.address, runtime.layout).threads
        return {
            thread.tid: [[*code.function, line] for code, line in reader.locate(reader.copy(thread.address))]
            for thread in threads
        }
    finally:
        runtime.memory.close()


def holders(observation: Observation, workers: bool = False) -> list[list[str] | None]:
    """The functions of each look's holder, leaf first; None where its stack could not be read.

    Of all threads, or of `workers`: all but the main threads.
    """
    names = observation.of(Names)
    functions = {number: name for message in names for number, name, *_ in message.functions}
    stacks = {
        number: [functions[f] for f in flat[::2]] for message in names for number, flat in message.stacks
    }
    threads = [row for message in names for row in message.threads]
    wanted = {lane for lane, pid, tid, *_ in threads if not workers or tid != pid}
    looks = [look for message in observation.of(Stacks) for look in message.looks]
    return [None if look[3] is None else stacks[look[3]] for look in looks if look[2] in wanted]


@pytest.mark.builds
def test_each_stack_is_what_the_thread_itself_says(python: str) -> None:
    with blocked(python) as (pid, told):
        stacks = read(pid)
    assert len(told) == 6
    assert max(len(stack) for stack in told.values()) > 65
    for tid, stack in told.items():
        assert stacks[tid] == stack


def test_each_stack_is_what_py_spy_says(gil_python: str) -> None:
    py_spy = Path(sys.executable).with_name("py-spy")
    with blocked(gil_python) as (pid, told):
        dump = subprocess.run(
            [py_spy, "dump", "--json", "--nonblocking", "--pid", str(pid)], capture_output=True, check=True
        )
        stacks = read(pid)
    theirs = {thread["os_thread_id"]: thread["frames"] for thread in json.loads(dump.stdout)}
    for tid in told:
        ours = [(name.rpartition(".")[2], file, line) for name, file, _, line in stacks[tid]]
        assert ours == [(f["name"].rpartition(".")[2], f["filename"], f["line"]) for f in theirs[tid]]


def test_functions_have_the_names_that_their_code_was_given(python: str) -> None:
    with blocked(python) as (pid, _):
        names = {".".join(row[0] for row in stack) for stack in read(pid).values()}
    assert any("wait.numbers.Owner.method." in name for name in names)
    assert any("made.<module>.in_made_code" in name and "<lambda>" in name for name in names)


def test_hardly_a_stack_of_a_thread_that_calls_without_a_pause_is_impossible(python: str) -> None:
    with observing(program(python, CALLING), gil_hz=LOOKS_HZ, stacks_hz=LOOKS_HZ) as observation:
        observation.finish()
    looks = [stack for stack in holders(observation) if stack is not None]
    assert len(looks) > 500
    impossible = [
        stack
        for stack in looks
        if any(callee in CALLERS and caller not in CALLERS[callee] for callee, caller in pairwise(stack))
    ]
    assert len(impossible) < 0.02 * len(looks), impossible[:5]


def test_no_stack_of_a_generator_that_is_resumed_without_a_pause_is_cut_off(python: str) -> None:
    with observing(program(python, RESUMING), gil_hz=LOOKS_HZ, stacks_hz=LOOKS_HZ) as observation:
        observation.finish()
    looks = [stack for stack in holders(observation) if stack is not None]
    assert len(looks) > 100
    assert sum("numbers" in stack for stack in looks) > 0.02 * len(looks)
    assert {stack[-1] for stack in looks if "numbers" in stack} <= {"<module>", "(callers not read)"}


@pytest.fixture(scope="module")
def cpu_bound(python: str) -> Observation:
    """Two seconds of four threads that compute."""
    with observing(workload(python, "cpu-bound", executor="threads", workers=4, seconds=2)) as observation:
        observation.finish()
    return observation


def test_the_holder_of_a_cpu_bound_run_is_in_the_workloads_function(cpu_bound: Observation) -> None:
    looks = holders(cpu_bound, workers=True)  # beginning and ending, a main thread runs no Python function
    assert len(looks) > 130
    assert sum(stack is None for stack in looks) < 0.05 * len(looks)
    stacks = [stack for stack in looks if stack is not None]
    assert sum("count_down" in stack for stack in stacks) >= 0.95 * len(stacks)


def test_the_longest_waiter_of_a_cpu_bound_run_is_read_too(cpu_bound: Observation, python: str) -> None:
    looks = [look for message in cpu_bound.of(Stacks) for look in message.looks]
    waited_for = [look for look in looks if look[4] >= 0]
    if interpreter(python).free_threaded:
        assert not waited_for
        return
    assert len(waited_for) > 0.8 * len(looks)
    assert sum(look[5] is not None for look in waited_for) > 0.9 * len(waited_for)
    assert all(holder != waiter for _, _, holder, _, waiter, _, _ in waited_for)


def test_a_run_at_no_rate_of_looks_has_none_and_says_so(any_python: str) -> None:
    with observing(program(any_python, CALLING), stacks_hz=0) as observation:
        observation.finish()
    assert not observation.of(Stacks)
    process = observation.of(Process)[-1]
    assert process.capabilities["stacks"] == "unavailable"
    assert "rate" in process.why["stacks"]
