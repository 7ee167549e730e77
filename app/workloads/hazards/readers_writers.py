"""A lock that many readers may hold at once, or one writer, under three policies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition
from time import monotonic_ns

from app.workloads.context import Context
from app.workloads.latencies import Latencies

READER, WRITER = "reader", "writer"
ROLES = (WRITER, READER)

_SLICE_S = 0.1  # how long a waiter is blocked before it looks whether to end


class Ticket:
    """Somebody who waits to enter."""

    def __init__(self, role: str) -> None:
        self.role = role


class ReadersWriters:
    """The lock. How long each role waited is counted under its own mutex."""

    def __init__(self, policy: str) -> None:
        self.waits = {role: Latencies() for role in ROLES}
        self._first = _POLICIES[policy]
        self._changed = Condition()
        self._queue: deque[Ticket] = deque()
        self._inside = dict.fromkeys(ROLES, 0)

    def enter(self, ctx: Context) -> bool:
        """Wait to come in; false if it is time to end. A wait that the end cut off is counted as it was."""
        ticket = Ticket(ctx.role)
        asked_ns = monotonic_ns()
        with self._changed:
            self._queue.append(ticket)
            while not (entered := self._may_enter(ticket)) and not ctx.stopping:
                self._changed.wait(_SLICE_S)
            self._queue.remove(ticket)
            self.waits[ticket.role].add(monotonic_ns() - asked_ns)
            if entered:
                self._inside[ticket.role] += 1
            self._changed.notify_all()  # the next in the queue may be able to come in as well
        return entered

    def leave(self, role: str) -> None:
        """Go out again."""
        with self._changed:
            self._inside[role] -= 1
            self._changed.notify_all()

    def _may_enter(self, ticket: Ticket) -> bool:
        if self._inside[WRITER] or (ticket.role == WRITER and self._inside[READER]):
            return False
        return self._first(self._queue, ticket)


def _readers_first(queue: deque[Ticket], ticket: Ticket) -> bool:
    return ticket.role == READER or all(other.role == WRITER for other in queue)


def _writers_first(queue: deque[Ticket], ticket: Ticket) -> bool:
    return ticket.role == WRITER or all(other.role == READER for other in queue)


def _fair(queue: deque[Ticket], ticket: Ticket) -> bool:
    return queue[0] is ticket


_POLICIES: dict[str, Callable[[deque[Ticket], Ticket], bool]] = {
    "readers-first": _readers_first,
    "writers-first": _writers_first,
    "fair": _fair,
}
POLICIES = tuple(_POLICIES)
