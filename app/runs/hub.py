"""Fan-out of one run to any number of viewers: one shared ring of messages, and a cursor for each viewer.

A message is encoded once. What came since a viewer was last sent something goes out in one piece, which is
made once for all viewers who stand at the same place. Who has all there is, and can be written to at once, is
written to by the hub itself, one after the other: with hundreds of them, waking a task of each would take
longer than the writing. So a viewer that reads slowly, or not at all, costs the
others nothing and holds no memory but its cursor; one that is seconds behind skips to the present. The ring
keeps the last ten seconds, so that a viewer who comes late has something to draw; it is bounded in bytes too.
Everything here runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple
from weakref import WeakSet

from app.runs.packet import Packet, deflated, framed

KEEP_S = 10.0
KEEP_BYTES = 8 * 1024 * 1024
BEHIND_S = 3.0  # further behind than that, a viewer skips to the present
AT_ONCE = 64 * 1024  # bytes of a packet, deflated, unless one message has more: a stuck viewer keeps it

# Writes all of it at once; False where it did not, for what was before has not gone or nobody is there.
Write = Callable[[Packet], bool]


class _Entry(NamedTuple):
    at_s: float
    frame: bytes
    deflated: bytes  # for those who can inflate
    lasting: bool
    number: int | None  # of the observer's messages, from 0

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        return len(self.frame) + (0 if self.deflated is self.frame else len(self.deflated))


class Delivery(NamedTuple):
    """Messages for one viewer; with `missed` above 0 none, for the viewer lost as many."""

    missed: int
    packet: Packet


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
        self._size = 0  # bytes in the ring
        self.told = 0  # the message up to which a header would tell: no viewer skips what is after it
        # The last packet: from where and how far the ring was, up to where it goes.
        self._packed: tuple[tuple[int, int], int, Packet] = ((-1, -1), -1, Packet(b""))
        self._followers: WeakSet[Follower] = WeakSet()
        self._waiting: dict[Follower, asyncio.Future[None]] = {}  # who has all there is
        self._due: asyncio.Handle | None = None  # when they are written to
        self._due_s = math.inf
        self.closed = False

    def publish(
        self,
        text: str,
        *,
        lasting: bool = True,
        number: int | None = None,
        within_s: float = 0.0,
    ) -> None:
        """Send a message to every viewer.

        One that is not `lasting` says how things stand now; a viewer who comes later does not get it.
        `number` is that of a message of the observer. It may wait `within_s` for others to go out with.
        """
        now_s = self._clock()
        frame = framed(text)
        small = deflated(frame, len(self._followers))
        self._ring.append(_Entry(now_s, frame, small, lasting, number))
        self._size += self._ring[-1].size
        while len(self._ring) > 1 and (
            self._size > self._keep_bytes or self._ring[0].at_s < now_s - self._keep_s
        ):
            self._size -= self._ring.popleft().size
            self._first += 1
        self._write_within(within_s)

    def close(self) -> None:
        """No message comes any more: followers end once they have read the ring."""
        self.closed = True
        self._write_within(0.0)

    @property
    def had_by_all(self) -> int:
        """Up to which message each viewer has all."""
        return min((follower.at for follower in self._followers), default=self.next)

    def let_go(self, at: int) -> None:
        """Keep a message no longer that each viewer has, and that nobody who comes later wants."""
        if at >= self._first:
            entry = self._ring[at - self._first]
            self._size -= entry.size
            self._ring[at - self._first] = entry._replace(frame=b"", deflated=b"")

    def follow(self, joined_at: int | None = None, write: Write | None = None) -> Follower:
        """A new viewer's cursor: the tail from here back, then what comes.

        `joined_at`: where its header was made. Of what was before, only what is lasting is sent; if not
        given, that is now. With `write`, the hub itself writes what comes once the viewer has all there is.
        """
        follower = Follower(self, self.next if joined_at is None else joined_at, write)
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

    @property
    def first(self) -> int:
        """Which message is the oldest in the ring."""
        return self._first

    @property
    def next(self) -> int:
        """Which message comes next."""
        return self._first + len(self._ring)

    def _write_within(self, within_s: float) -> None:
        """Write to those who wait, not later than so."""
        if not self._waiting:
            return
        loop = asyncio.get_running_loop()
        due_s = loop.time() + within_s
        if self._due is not None:
            if self._due_s <= due_s:
                return
            self._due.cancel()
        # The messages that an observer has said together go out together.
        self._due = loop.call_later(within_s, self._write) if within_s else loop.call_soon(self._write)
        self._due_s = due_s

    def _write(self) -> None:
        """Write what is new to those who wait; who cannot be written to now is woken."""
        self._due, self._due_s = None, math.inf
        waiting = list(self._waiting.items())
        while waiting:  # a packet to each, then the next one: what is packed for one is for all of them
            left = []
            for follower, woken in waiting:
                if follower.write_now():
                    if follower.at != self.next:
                        left.append((follower, woken))
                elif not woken.done():
                    woken.set_result(None)
            waiting = left

    async def wait(self, follower: Follower) -> None:
        """For a follower who has all there is: until there is more that is not written to it at once."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[follower] = woken
        try:
            await woken
        finally:
            del self._waiting[follower]

    def _is_behind(self, at: int) -> bool:
        """Whether whoever reads that message next is too late to want it."""
        return not self.closed and self._ring[at - self._first].at_s < self._clock() - BEHIND_S

    def _present(self) -> int:
        """A message of the last second: the same for all who ask in one second, who so share a header."""
        second_s = math.floor(self._clock())
        before = next(
            (back for back, entry in enumerate(reversed(self._ring)) if entry.at_s < second_s), None
        )
        present = self._first if before is None else self.next - before
        return min(present, self.told)

    def _since(self, at: int, joined_at: int) -> tuple[int, Packet]:
        """What is there from a message on, AT_ONCE bytes of it: up to where, and the packet."""
        place = (at, self.next)
        shared = at >= joined_at
        if shared and self._packed[0] == place:
            return self._packed[1:]
        size, entries = 0, []
        for entry in islice(self._ring, at - self._first, None):
            if size and size + len(entry.deflated) > AT_ONCE:
                break
            if entry.lasting or at >= joined_at:
                entries.append(entry)
                size += len(entry.deflated)
            at += 1
        smaller = any(entry.deflated is not entry.frame for entry in entries)
        packet = Packet(
            b"".join(entry.frame for entry in entries),
            b"".join(entry.deflated for entry in entries) if smaller else None,
        )
        if shared:
            self._packed = (place, at, packet)
        return at, packet


class Follower:
    """A viewer's place in the ring: an asynchronous iterator of `Delivery`."""

    def __init__(self, hub: Hub, joined_at: int, write: Write | None) -> None:
        self._hub = hub
        self.at = hub.first  # the message that comes next
        self._joined_at = joined_at
        self._write = write

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> Delivery:
        hub = self._hub
        while True:
            while self.at == hub.next:
                if hub.closed:
                    raise StopAsyncIteration
                await hub.wait(self)
            if self.at < hub.first:
                # Half the ring ahead: at its oldest message this viewer would be overtaken again at once.
                return self._skip(hub.first + (0 if hub.closed else (hub.next - hub.first) // 2))
            if self.at >= self._joined_at and hub._is_behind(self.at) and hub._present() > self.at:
                return self._skip(hub._present())
            self.at, packet = hub._since(self.at, self._joined_at)
            if packet.framed:
                return Delivery(0, packet)

    def write_now(self) -> bool:
        """Write a packet of what is new, at once; False where that is to be read instead."""
        hub = self._hub
        if self._write is None or hub.closed or self.at < hub.first:
            return False
        if self.at == hub.next:
            return True
        at, packet = hub._since(self.at, self._joined_at)
        if packet.framed and not self._write(packet):
            return False
        self.at = at
        return True

    def rejoin(self, joined_at: int) -> None:
        """As one who has come at that message: what stood before is of no use to this viewer."""
        self._joined_at = joined_at

    def _skip(self, to: int) -> Delivery:
        skipped, self.at = to - self.at, to
        self._joined_at = self._hub.next
        return Delivery(skipped, Packet(b""))
