"""Generators as tasks: a small scheduler that sends to each in turn, and asks the kernel for those that wait.

It is what an event loop was before there was one in the standard library, and what asyncio's is at heart.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Generator
from typing import NamedTuple, Optional


class Until(NamedTuple):
    """What a task yields to wait: it goes on when the socket is ready, for selectors.EVENT_READ or so."""

    socket: socket.socket
    events: int


# A task that yields None hands on its turn, and comes again after the others.
Task = Generator[Optional[Until], None, None]


class GeneratorTasks:
    """Tasks that take turns in the thread that calls `run`."""

    def __init__(self) -> None:
        self._ready: deque[Task] = deque()
        self._waiting = selectors.DefaultSelector()
        self.turns = 0

    def start(self, task: Task) -> None:
        """Have it run; a task may start others."""
        self._ready.append(task)

    def run(self, over: Callable[[], bool], poll_s: float) -> None:
        """Until it is over, which is asked once a round, and every `poll_s` seconds if nobody can go on."""
        while not over():
            if self._waiting.get_map():
                self._wake(0.0 if self._ready else poll_s)
            for _ in range(len(self._ready)):
                self._resume(self._ready.popleft())

    def close(self) -> None:
        """End all tasks where they are: what they have in `finally` is done."""
        tasks = [*self._ready, *(key.data for key in self._waiting.get_map().values())]
        self._waiting.close()
        for task in tasks:
            task.close()

    def _wake(self, timeout_s: float) -> None:
        for key, _ in self._waiting.select(timeout_s):
            self._waiting.unregister(key.fileobj)
            self._ready.append(key.data)

    def _resume(self, task: Task) -> None:
        self.turns += 1
        try:
            wanted = task.send(None)
        except StopIteration:
            return
        if wanted is None:
            self._ready.append(task)
        else:
            self._waiting.register(wanted.socket, wanted.events, task)
