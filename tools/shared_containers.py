"""Could it be told from outside which containers several threads change? What an ideal reading would find.

    python tools/shared_containers.py

For each program two threads are looked at a thousand times with the GIL on, from inside, where every local
and every global can be had: more than any reading from outside sees. A container counts as shared where two
threads have it in a local, or in a global that their code names, of a function of the program's own on their
stacks (`seen`); as changed where its length differed between looks (`grew`). Beside it stands what is true of
the program. It prints one row a program; docs/forecasts.md has them, and what follows.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

LOOKS, PAUSE_S = 1000, 0.001
KINDS = (list, dict, set)

TABLE = {number: number * number for number in range(512)}
COUNTS = dict.fromkeys(range(512), 0)


def reads(stop: threading.Event) -> None:
    """Both look up what neither changes: a table of constants."""
    table = TABLE
    while not stop.is_set():
        for number in range(512):
            table[number]


def counts(stop: threading.Event) -> None:
    """Both change the values of one dictionary: its length stays."""
    counted = COUNTS
    while not stop.is_set():
        for number in range(512):
            counted[number] += 1


class SharedStore:
    """Holds a dictionary that is nobody's local."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(range(512), 0)

    def add(self, number: int) -> None:
        """Change it."""
        self.counts[number] += 1


STORE = SharedStore()


def attribute(stop: threading.Event) -> None:
    """Both change one dictionary behind an attribute."""
    while not stop.is_set():
        for number in range(512):
            STORE.add(number)


def rarely(stop: threading.Event, found: list[int] = []) -> None:  # noqa: B006 - shared on purpose
    """Both append to one list, once in a thousand steps: shared and changed, at no cost."""
    while not stop.is_set():
        own = {}
        for number in range(512):
            own[number] = number
        found.append(len(own))
        if len(found) > 100:
            found.clear()


def own(stop: threading.Event) -> None:
    """Each changes its own."""
    counted = dict.fromkeys(range(512), 0)
    while not stop.is_set():
        for number in range(512):
            counted[number] += 1


PROGRAMS: dict[str, tuple[Callable[[threading.Event], None], bool]] = {
    "reads": (reads, False),
    "counts": (counts, True),
    "attribute": (attribute, True),
    "rarely": (rarely, True),
    "own": (own, False),
}


def containers(frame: Any) -> Iterator[Any]:
    """Those of a stack's own functions: locals, and globals that the code names."""
    while frame is not None and frame.f_code.co_filename == __file__:
        named = [frame.f_globals[name] for name in frame.f_code.co_names if name in frame.f_globals]
        yield from (each for each in [*frame.f_locals.values(), *named] if type(each) in KINDS)
        frame = frame.f_back


def look(name: str) -> tuple[int, int]:
    """How many containers were seen as shared by two threads at work, and how many of them changed length."""
    stop = threading.Event()
    workers = [threading.Thread(target=PROGRAMS[name][0], args=(stop,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    lengths: dict[int, set[int]] = {}
    for _ in range(LOOKS):
        frames = sys._current_frames()
        one, other = ({id(each): len(each) for each in containers(frames[w.ident or 0])} for w in workers)
        for shared in one.keys() & other.keys():
            lengths.setdefault(shared, set()).add(one[shared])
        time.sleep(PAUSE_S)
    stop.set()
    for worker in workers:
        worker.join()
    return len(lengths), sum(len(each) > 1 for each in lengths.values())


def main() -> None:
    """A row for each program."""
    print("| program | both change one | seen | grew |")
    print("| --- | --- | --- | --- |")
    for name, (_, changed) in PROGRAMS.items():
        seen, grew = look(name)
        print(f"| {name} | {'yes' if changed else 'no'} | {seen} | {grew} |", flush=True)


if __name__ == "__main__":
    main()
