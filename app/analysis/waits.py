"""The waits of all threads: how long each is, who held the lock meanwhile, and which are the longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.analysis.longest import Longest, Wait
from app.analysis.thread import Thread
from app.analysis.waited import Waited


class Waits:
    """A wait is a maximal stretch of the state waiting: it goes on from slice to slice until it is ended."""

    def __init__(self, threads: Mapping[int, Thread]) -> None:
        """`threads` are those that are spoken of, by lane."""
        self.who = Waited()
        self.longest = Longest()
        self._threads = threads

    def end(self, thread: Thread, at_us: int, unread: bool) -> None:
        """The thread waits no more; `unread`: nobody knows whether it does."""
        if thread.waits.fresh:
            thread.head_for, thread.head_waited_us = thread.waits_for, thread.waited_us.copy()
            thread.head_earlier = thread.earlier.copy()
            self._close(thread, unread)
            return
        length_us = thread.waits.open_us
        if length_us and (-length_us, at_us - length_us, thread.lane) < self.longest.bar:
            self.longest.offer(self._wait(thread, at_us, thread.waits.torn or unread))
        if thread.waits_for is not None and thread.waited_us:
            self.who.add(thread.waits_for, thread.lane, thread.waited_us)
        self._close(thread, unread)

    def still(self) -> Iterator[Wait]:
        """Those that were not ended."""
        for thread in self._threads.values():
            open_us = thread.waits.open_us
            if open_us and (-open_us, thread.seen_us - open_us, thread.lane) < self.longest.bar:
                yield self._wait(thread, thread.seen_us, thread.waits.torn)

    def forget(self, gils: set[int]) -> None:
        """Nothing is asked any more of the waits for these."""
        self.who.forget(gils)
        for thread in self._threads.values():
            if thread.waits_for in gils:
                thread.waits_for = None
                thread.waited_us.clear()
                thread.earlier.clear()

    @staticmethod
    def _close(thread: Thread, unread: bool) -> None:
        thread.waits.close(unread)
        thread.waited_us.clear()
        thread.earlier.clear()

    def _wait(self, thread: Thread, end_us: int, at_least: bool) -> Wait:
        length_us = thread.waits.open_us
        wait = Wait(end_us - length_us, length_us, thread, thread.waits_for, at_least)
        held_us = {lane: us for lane, us in thread.waited().items() if self._threads.get(lane)}
        longest = max(held_us, key=lambda lane: (held_us[lane], -lane), default=None)
        wait.blamed = None if longest is None else self._threads[longest]
        return wait
