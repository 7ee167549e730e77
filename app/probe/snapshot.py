"""Where the memory of a process and of those below it goes, read once: messages of an observation.

It takes what an observer takes, so that what is said of a process is what a run would show: process, heap,
memory and c_library messages, and counters; then, since that takes longer than all of these, what its live
objects are and what holds them. A process that is no CPython has no heap message.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from app.model.frames import Message, encode

from .cpython.runtime import NotYet
from .kernel import access, procfs
from .kernel.memory import AddressSpaceGone, ProcessMemory
from .kernel.run_clock import RunClock
from .processes.seldom import OBJECTS, SIZES
from .processes.tree import ProcessTree
from .sampling.slow import SlowReads

_FIND_NS = 300_000_000  # for an interpreter that is just starting
_HEAPS_NS = 2_000_000_000  # most take some milliseconds
_SIZES_NS = 5_000_000_000
_OBJECTS_NS = 10_000_000_000  # app/runs/inspection.py says so
_POLL_S = 0.002


def snapshot(pid: int) -> Iterator[list[str]]:
    """The messages, encoded, of `pid` and its descendants: first of sizes, then of live objects.

    Raises NoSuchProcess or NotPermitted.
    """
    if not procfs.alive(pid):
        raise access.gone(pid)
    ProcessMemory(pid).close()  # refused here, if it is
    messages: list[Message] = []
    slow, clock = SlowReads(), RunClock()
    tree = ProcessTree(messages.append, slow, clock, False, lambda pid: False)
    try:
        tree.discovery.watch(pid, None, 0)
        for below in procfs.descendants(pid):
            tree.discovery.watch(below, procfs.parent(below), 0)
        _find(tree, clock)
        for watched in tree.watchlist:
            tree.announcements.announce(watched)
        tree.heaps.read(clock.now_us(), at_once=len(tree.watchlist.pids))
        slow.finish(time.monotonic_ns() + _HEAPS_NS)
        tree.seldom.read(clock.now_us(), ready=True, kinds=SIZES)
        slow.finish(time.monotonic_ns() + _SIZES_NS)
        tree.reports.counters(clock.now_us(), [], {}, None)
        told = len(messages)
        yield _encoded(messages, 0)
        tree.seldom.read(clock.now_us(), ready=True, kinds=OBJECTS)
        slow.finish(time.monotonic_ns() + _OBJECTS_NS)
        for watched in tree.watchlist:
            if watched.reader is None:
                continue
            try:
                tree.announcements.review(watched, watched.reader, clock.now_us())
            except AddressSpaceGone:
                continue  # it has ended, and what was said of it stays
        yield _encoded(messages, told)
    finally:
        tree.close()


def _encoded(messages: list[Message], first: int) -> list[str]:
    return [encode(message, number) for number, message in enumerate(messages[first:], first)]


def _find(tree: ProcessTree, clock: RunClock) -> None:
    """Looks for the interpreter of each, and waits for those that are starting."""
    until_ns = time.monotonic_ns() + _FIND_NS
    tree.discovery.look(clock.now_us())
    while time.monotonic_ns() < until_ns and any(isinstance(each.why, NotYet) for each in tree.watchlist):
        time.sleep(_POLL_S)
        tree.discovery.look(clock.now_us())
