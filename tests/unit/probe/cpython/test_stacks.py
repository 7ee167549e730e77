"""Stacks of this process's own threads, beside what sys._current_frames() says of them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.probe.cpython.runtime import locate
from app.probe.cpython.stacks import MAX_DEPTH, StackReader
from app.probe.cpython.survey import survey

Told = list[tuple[str, str, int, int]]  # qualified name, file, first line, line


class Blocked:
    """A thread that goes down somewhere and waits there."""

    def __init__(self, go_down: Callable[[Callable[[], object]], object]) -> None:
        self._there = threading.Event()
        self._waits, self._leave = os.pipe()
        self.thread = threading.Thread(target=go_down, args=(self._wait,))
        self.thread.start()
        self._there.wait()

    def _wait(self) -> None:
        self._there.set()
        os.read(self._waits, 1)

    def end(self) -> None:
        os.close(self._leave)
        self.thread.join()
        os.close(self._waits)

    def is_there(self) -> bool:
        name, _, first, line = self.told()[0]
        return (name, line) == ("Blocked._wait", first + 2)

    def told(self) -> Told:
        frame = sys._current_frames()[self.thread.ident or 0]
        rows: Told = []
        while frame is not None:
            code = frame.f_code
            rows.append((code.co_qualname, code.co_filename, code.co_firstlineno, frame.f_lineno))
            frame = frame.f_back
        return rows


@contextmanager
def blocked(go_down: Callable[[Callable[[], object]], object]) -> Iterator[Blocked]:
    thread = Blocked(go_down)
    try:
        yield thread
    finally:
        thread.end()


@pytest.fixture(scope="module")
def read() -> Iterator[Callable[[Blocked], Told]]:
    runtime = locate(os.getpid())
    reader = StackReader(runtime)

    def of(thread: Blocked) -> Told:
        states = survey(runtime.memory, runtime.address, runtime.layout).threads
        [state] = [s.address for s in states if s.tid == thread.thread.native_id]
        reader.distrust()
        while not thread.is_there():
            os.sched_yield()
        return [(*code.function, line) for code, line in reader.locate(reader.copy(state))]

    yield of
    runtime.memory.close()


def down(depth: int, wait: Callable[[], object]) -> None:
    if depth:
        down(depth - 1, wait)
    else:
        wait()


def wide(depth: int, wait: Callable[[], object]) -> None:
    a = b = c = d = e = f = g = h = i = j = k = m = n = o = p = q = r = s = t = u = depth
    if depth:
        wide(depth - 1, wait)
    else:
        wait()
    assert a + b + c + d + e + f + g + h + i + j + k + m + n + o + p + q + r + s + t + u == 20 * depth


@pytest.mark.parametrize("depth", [0, 9, 24, 64, 100])
def test_each_frame_has_its_function_and_its_line(read: Callable[[Blocked], Told], depth: int) -> None:
    with blocked(lambda wait: down(depth, wait)) as thread:
        assert read(thread) == thread.told()


def test_frames_in_older_chunks_are_followed(read: Callable[[Blocked], Told]) -> None:
    with blocked(lambda wait: wide(110, wait)) as thread:
        assert read(thread) == thread.told()


def test_a_stack_that_is_too_deep_keeps_the_frames_nearest_the_leaf(read: Callable[[Blocked], Told]) -> None:
    with blocked(lambda wait: down(400, wait)) as thread:
        assert read(thread) == thread.told()[:MAX_DEPTH]


def test_the_frames_of_generators_lie_in_the_generators(read: Callable[[Blocked], Told]) -> None:
    def inner(wait: Callable[[], object]) -> Iterator[None]:
        wait()
        yield

    def outer(wait: Callable[[], object]) -> Iterator[None]:
        yield from inner(wait)

    with blocked(lambda wait: [down(3, lambda: list(outer(wait)))]) as thread:
        assert read(thread) == thread.told()


def test_code_that_was_made_while_running_has_the_names_it_was_given(
    read: Callable[[Blocked], Told],
) -> None:
    source = "def made():\n    return [(lambda: wait())() for _ in range(1)]\nmade()\n"
    with blocked(lambda wait: exec(compile(source, "made.py", "exec"), {"wait": wait})) as thread:
        rows = read(thread)
        assert rows == thread.told()
    names = [name for name, file, _, _ in rows if file == "made.py"]
    assert names[-2:] == ["made", "<module>"]
    assert "made.<locals>" in names[0]


def test_code_at_the_address_of_other_code_is_read_anew(read: Callable[[Blocked], Told]) -> None:
    for number in range(20):
        source = (
            f"def made_{number}():\n" + "\n" * number + "    wait()\nmade_{0}()".replace("{0}", str(number))
        )
        with blocked(lambda wait, text=source: exec(text, {"wait": wait})) as thread:
            assert read(thread) == thread.told()
