"""Locks that tell who holds them and who waits, and the wait-for graph that follows from it.

Nobody watches: a worker that has been blocked for a while looks at the graph itself, as the deadlock
detectors of databases do. So a run without trouble pays for two entries in a dict at each lock.

    {"wait_for": {"nodes": [{"id", "kind": "thread" | "lock", "label"}],
                  "edges": [[from, to, "holds" | "waits for"]],
                  "cycle": [id] or null}}

is reported when it has changed, with `found_after_s` in the report that names a deadlock for the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, current_thread
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.context import Context, Json
from app.workloads.pulse import Pulse

SLICE_S = 0.1  # how long a worker is blocked before it looks whether to end, and at the graph

_NS_A_SECOND = 1_000_000_000


class RunOver(Exception):
    """The run came to its end while a lock was waited for."""


class Edge(NamedTuple):
    """That a thread holds a lock, or waits for it. Another hold of the same two is another object."""

    thread: str
    lock: str
    since_ns: int
    patient: bool = True  # of a wait: it has no time-out


class WaitGraph(NamedTuple):
    """Who held and who waited. A thread waits for one lock at the most, and one thread holds a lock."""

    holds: Mapping[str, Edge]  # by lock
    waits: Mapping[str, Edge]  # by thread

    def cycle(self) -> list[Edge] | None:
        """A wait without a time-out, the hold that it waits for, that holder's wait, ...; or None."""
        cleared: set[str] = set()
        for start in self.waits:
            path: list[Edge] = []
            passed: list[str] = []
            thread = start
            while thread not in cleared:
                if thread in passed:
                    return path[2 * passed.index(thread) :]
                passed.append(thread)
                wait = self.waits.get(thread)
                hold = self.holds.get(wait.lock) if wait and wait.patient else None
                if wait is None or hold is None:
                    break
                path += (wait, hold)
                thread = hold.thread
            cleared.update(passed)
        return None

    def has(self, edges: list[Edge]) -> bool:
        """Whether those very edges are in it, not others between the same two."""
        return all(self.waits.get(edge.thread) is edge or self.holds.get(edge.lock) is edge for edge in edges)

    def to_json(self, cycle: list[Edge] | None) -> Json:
        """The graph as it is reported."""
        threads = {edge.thread for edge in (*self.holds.values(), *self.waits.values())}
        locks = {edge.lock for edge in (*self.holds.values(), *self.waits.values())}
        edges = [[edge.thread, edge.lock, "waits for"] for edge in self.waits.values()]
        edges += [[edge.thread, edge.lock, "holds"] for edge in self.holds.values()]
        return {
            "nodes": [
                {"id": name, "kind": kind, "label": name}
                for kind, names in (("thread", threads), ("lock", locks))
                for name in sorted(names)
            ],
            "edges": sorted(edges),
            "cycle": None if cycle is None else [name for edge in cycle[::2] for name in edge[:2]],
        }


class TrackedLock:
    """A lock that enters into the graph who holds it and who waits for it."""

    def __init__(self, label: str, locks: TrackedLocks) -> None:
        self.label = label
        self._lock = Lock()
        self._locks = locks

    def acquire(self, ctx: Context, timeout_s: float | None = None) -> bool:
        """Wait for the lock, without end unless told: False after the time-out. RunOver as the run ends."""
        holds, waits = self._locks.holds, self._locks.waits
        me = current_thread().name
        if not self._lock.acquire(blocking=False):
            begin_ns = monotonic_ns()
            waits[me] = Edge(me, self.label, begin_ns, patient=timeout_s is None)
            try:
                if not self._wait(ctx, begin_ns, timeout_s):
                    return False
            finally:
                # Before the hold is entered: a thread must never seem to wait for what it holds.
                del waits[me]
        holds[self.label] = Edge(me, self.label, monotonic_ns())
        return True

    def release(self) -> None:
        """Let go of it."""
        del self._locks.holds[self.label]  # first, or else it could be the next holder's entry
        self._lock.release()

    @contextmanager
    def held(self, ctx: Context) -> Iterator[None]:
        """Hold it for the length of the block."""
        self.acquire(ctx)
        try:
            yield
        finally:
            self.release()

    def _wait(self, ctx: Context, begin_ns: int, timeout_s: float | None) -> bool:
        """In slices, so that the worker ends with the run; nothing else makes it give up."""
        while True:
            slice_s = SLICE_S
            if timeout_s is not None:
                slice_s = min(SLICE_S, timeout_s - (monotonic_ns() - begin_ns) / _NS_A_SECOND)
                if slice_s <= 0:
                    return False
            if self._lock.acquire(timeout=slice_s):
                return True
            if ctx.stopping:
                raise RunOver
            self._locks.look(ctx)


class TrackedLocks:
    """The tracked locks of a run, and what was last seen of them."""

    def __init__(self) -> None:
        self.holds: dict[str, Edge] = {}
        self.waits: dict[str, Edge] = {}
        self.seen = WaitGraph({}, {}).to_json(None)  # the graph that was reported last
        self.deadlock: Json | None = None  # {"cycle", "at_s", "found_after_s"} of the first one
        self._pulse = Pulse()

    def new(self, label: str) -> TrackedLock:
        """One more lock."""
        return TrackedLock(label, self)

    def look(self, ctx: Context) -> None:
        """Report the graph, if it has changed and the last report is a while ago."""
        if not self._pulse.due():
            return
        graph = self._graph()
        cycle = graph.cycle()
        # The two dicts were not read at one instant. Edges that are still there in a second reading were all
        # there at once in between, and such a cycle is for ever: none of its threads can go on.
        if cycle and not self._graph().has(cycle):
            cycle = None
        seen = graph.to_json(cycle)
        if seen == self.seen:
            return
        self.seen = seen
        report: Json = {"wait_for": seen}
        if cycle and self.deadlock is None:
            happened_ns = max(edge.since_ns for edge in cycle)
            self.deadlock = {
                "cycle": seen["cycle"],
                "at_s": (happened_ns - ctx.span.start_ns) / _NS_A_SECOND,
                "found_after_s": (monotonic_ns() - happened_ns) / _NS_A_SECOND,
            }
            report["found_after_s"] = self.deadlock["found_after_s"]
        ctx.report(report)

    def _graph(self) -> WaitGraph:
        return WaitGraph(dict(self.holds), dict(self.waits))
