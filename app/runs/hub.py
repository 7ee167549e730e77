"""Fan-out of one run to any number of viewers: one shared ring of messages, and a cursor for each viewer.

A viewer that reads slowly, or not at all, costs the others nothing and holds no memory but its cursor. The
ring keeps the last ten seconds, so that a viewer who comes late has something to draw; it is bounded in
bytes too. Everything here runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakSet

KEEP_S = 10.0
KEEP_BYTES = 8 * 1024 * 1024


class _Entry(NamedTuple):
    at_s: float
    text: str
    lasting: bool
    number: int | None  # of the observer's messages, from 0


class Delivery(NamedTuple):
    """A message for one viewer. With `missed` above 0 the viewer lost as many before it."""

    missed: int
    text: str


class Hub:
    """The ring. `publish` never waits; `close` lets each viewer read what is left."""

    def __init__(
        self,
        keep_s: float = KEEP_S,
        keep_bytes: int = KEEP_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_s = keep_s
        self._keep_bytes = keep_bytes
        self._clock = clock
        self._ring: deque[_Entry] = deque()
        self._first = 0  # the number of the oldest message in the ring
        self._size = 0  # characters in the ring
        self._news = asyncio.Event()
        self._followers: WeakSet[Follower] = WeakSet()
        self.closed = False

    def publish(self, text: str, *, lasting: bool = True, number: int | None = None) -> None:
        """Send a message to every viewer.

        One that is not `lasting` says how things stand now; a viewer who comes later does not get it.
        `number` is that of a message of the observer.
        """
        now_s = self._clock()
        self._ring.append(_Entry(now_s, text, lasting, number))
        self._size += len(text)
        while len(self._ring) > 1 and (
            self._size > self._keep_bytes or self._ring[0].at_s < now_s - self._keep_s
        ):
            self._size -= len(self._ring.popleft().text)
            self._first += 1
        self._wake()

    def close(self) -> None:
        """No message comes any more: followers end once they have read the ring."""
        self.closed = True
        self._wake()

    def follow(self) -> Follower:
        """A new viewer's cursor: the tail from here back, then what comes."""
        follower = Follower(self)
        self._followers.add(follower)
        return follower

    @property
    def watched(self) -> bool:
        """Whether there is a viewer."""
        return bool(self._followers)

    @property
    def viewers(self) -> int:
        """How many there are."""
        return len(self._followers)

    @property
    def first_number(self) -> int | None:
        """The number of the oldest message of the observer that the ring still has."""
        return next((entry.number for entry in self._ring if entry.number is not None), None)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def _next(self) -> int:
        return self._first + len(self._ring)


class Follower:
    """A viewer's place in the ring: an asynchronous iterator of `Delivery`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._at = hub._first
        self._joined = hub._next

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Delivery:
        missed = 0
        while True:
            hub = self._hub
            while self._at == hub._next:
                if hub.closed:
                    raise StopAsyncIteration
                await hub._news.wait()
            if self._at < hub._first:
                # Half the ring ahead: at its oldest message this viewer would be overtaken again at once.
                again = hub._first + (0 if hub.closed else len(hub._ring) // 2)
                missed += again - self._at
                self._at = again
                # As one who has just come: what stood in the meantime is of no use to this viewer.
                self._joined = hub._next
            entry = hub._ring[self._at - hub._first]
            self._at += 1
            if entry.lasting or self._at > self._joined:
                return Delivery(missed, entry.text)
