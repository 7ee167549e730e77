"""Python's names of threads, in every interpreter found."""

from __future__ import annotations

import textwrap

from support.observing import Observation, observing
from support.targets import standing_by

from app.model.frames import Names

NAMES = ["worker", "Größe-日本語", "🐍 and more", "x" * 33]

# A line on its standard input renames a thread and starts two more: one of a class of its own, whose
# attributes lie in a dict, and one without a name.
TARGET = f"""
import os, sys, threading

there = threading.Barrier({len(NAMES) + 1})
never = threading.Event()

def work():
    there.wait()
    never.wait()

class Own(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        vars(self)["more"] = 1
        self.name = "own class"
    def run(self):
        never.wait()

threads = [threading.Thread(target=work, name=name, daemon=True) for name in {NAMES!r}]
for thread in threads: thread.start()
there.wait()
READY
sys.stdin.readline()
threads[0].name = "renamed"
Own().start()
threading.Thread(target=never.wait, daemon=True).start()
sys.stdin.readline()
"""


def await_names(observation: Observation, wanted: set[str]) -> dict[int, str]:
    """{lane: its newest name}, once all those names have been told."""
    names: dict[int, str] = {}
    while not wanted <= set(names.values()):
        observation.until(Names)
        told = [row for message in observation.of(Names) for row in message.threads]
        names = {lane: name for lane, _, _, name, _ in told}
    return names


def test_threads_have_the_names_that_python_gives_them(python: str) -> None:
    with standing_by(python, TARGET) as target, observing(pid=target.pid) as observation:
        first = observation.until(Names)
        assert {row[3] for row in first.threads} == {"main", *NAMES}, "the first message has them all"
        assert target.stdin
        target.stdin.write(b"\n")
        target.stdin.flush()
        names = await_names(observation, {"renamed", "own class", "Thread-2 (wait)"})
    assert sorted(names.values()) == sorted(["main", "renamed", "own class", "Thread-2 (wait)", *NAMES[1:]])


def test_a_thread_that_python_does_not_know_has_the_kernels_name(python: str) -> None:
    code = """
    import _thread, sys
    READY
    sys.stdin.readline()
    """
    with standing_by(python, code) as target, observing(pid=target.pid) as observation:
        [row] = observation.until(Names).threads
    assert row[3] == "main", "`threading` is not imported"


def test_every_short_thread_has_some_name(any_python: str) -> None:
    code = """
    import sys, threading
    READY
    sys.stdin.readline()
    for number in range(3000):
        thread = threading.Thread(target=int, name=f"short {number}")
        thread.start()
        thread.join()
    """
    with standing_by(any_python, code) as target, observing(pid=target.pid) as observation:
        observation.until(Names)
        assert target.stdin
        target.stdin.write(b"\n")
        target.stdin.flush()
        assert observation.finish().state == "finished"
    told = [row for names in observation.of(Names) for row in names.threads]
    assert all(row[3] for row in told)


def test_a_thread_of_a_subinterpreter_has_the_name_that_it_has_there(publishing_python: str) -> None:
    inside = """
    import sys, threading
    threading.Thread(target=threading.Event().wait, name="inside").start()
    print("ready", flush=True)
    sys.stdin.readline()
    """
    code = f"import _interpreters; _interpreters.exec(_interpreters.create(), {textwrap.dedent(inside)!r})"
    with standing_by(publishing_python, code) as target, observing(pid=target.pid) as observation:
        await_names(observation, {"main", "inside"})
    told = {row[3]: row for names in observation.of(Names) for row in names.threads}
    _, pid, tid, _, interpreter = told["inside"]
    assert pid == target.pid != tid
    assert interpreter == 1
