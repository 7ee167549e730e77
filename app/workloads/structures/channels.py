"""Queues of one interface: what producers and consumers hand items through."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from queue import Empty, Queue, SimpleQueue
from time import monotonic, sleep
from typing import Any, NamedTuple, Protocol


class Channel(Protocol):
    """What is asked of a queue. `get` raises queue.Empty after the time-out."""

    def put(self, item: int | None) -> None:
        """Add an item at the end."""
        ...

    def get(self, *, timeout: float) -> int | None:
        """Take the first item, waiting for one."""
        ...


class PolledDeque:
    """A deque. It cannot be waited at: who finds it empty lets the others run, and looks again."""

    def __init__(self) -> None:
        self._items: deque[int | None] = deque()

    def put(self, item: int | None) -> None:
        """Add an item at the end."""
        self._items.append(item)

    def get(self, *, timeout: float) -> int | None:
        """Take the first item, asking for one over and over."""
        give_up = monotonic() + timeout
        while True:
            try:
                return self._items.popleft()
            except IndexError:
                if monotonic() >= give_up:
                    raise Empty from None
                sleep(0)


class Route(NamedTuple):
    """Items go one way, and for each of them a credit comes back, so that no queue ever grows long."""

    kind: str
    items: Channel
    credits: Channel


def _process_queue(context: Any, resources: ExitStack) -> Channel:
    queue = context.Queue()
    # Its feeder thread has at most a few small items to write, which fit in the pipe: it ends at once.
    resources.callback(queue.join_thread)
    resources.callback(queue.close)
    made: Channel = queue
    return made


def routes(executor: str, start_method: str, resources: ExitStack) -> list[Route]:
    """A route of each kind that the executor's workers can share."""
    context = multiprocessing.get_context(start_method)
    makers: dict[str, Callable[[], Channel]] = {}
    if executor == "threads":
        makers.update({"queue.Queue": Queue, "queue.SimpleQueue": SimpleQueue, "deque": PolledDeque})
    makers["multiprocessing.Queue"] = lambda: _process_queue(context, resources)
    return [Route(kind, make(), make()) for kind, make in makers.items()]
