"""The messages that the near side is not known to have, in a bounded amount of memory.

What names things, or tells what happened once, is never dropped, since all that comes later needs it. Of
what tells of a time, or how things stand, the oldest goes first: see MEASURED.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any, NamedTuple

from app.model import frames
from app.model.readings import READINGS

# Without one of these a time is unknown, or a reading of how something stood is missing; the next one stands.
_KINDS: tuple[type[Any], ...] = (
    frames.Frame,
    frames.Stacks,
    frames.Blocked,
    frames.Loops,
    frames.Pools,
    frames.Counters,
    frames.Heap,
    frames.Memory,
    frames.Rollup,
    frames.CLibrary,
    frames.Types,
    frames.ContainerHolders,
    *READINGS,
)
MEASURED = frozenset(kind.type.encode() for kind in _KINDS)
_TO = 0.9  # of the bound: so far is dropped, so that it is not done anew for each message
_HEAD = re.compile(rb'\{"type":"(\w+)"')


class _Entry(NamedTuple):
    seq: int
    line: bytes
    measured: bool


class Held:
    """In order; `sent` of them, from the oldest, have gone out on the line that there is."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._entries: deque[_Entry] = deque()
        self._sent = 0
        self.size = 0  # bytes
        self.next = 0  # the number of the message that comes next

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_full(self) -> bool:
        """Whether no more is to be taken in."""
        return self.size >= self._most

    def add(self, line: bytes) -> None:
        """A message as its observer wrote it, with its end."""
        head = _HEAD.match(line)
        self._entries.append(_Entry(self.next, line, head is not None and head[1] in MEASURED))
        self.size += len(line)
        self.next += 1

    def make_room(self) -> None:
        """Drop what may be dropped, the oldest first; nobody reads."""
        if not self.is_full:
            return
        kept: deque[_Entry] = deque()
        for entry in self._entries:
            if entry.measured and self.size > self._most * _TO:
                self.size -= len(entry.line)
            else:
                kept.append(entry)
        self._entries, self._sent = kept, 0

    def has(self, seq: int) -> None:
        """The near side has all up to that number."""
        while self._entries and self._entries[0].seq <= seq:
            self.size -= len(self._entries.popleft().line)
            self._sent = max(0, self._sent - 1)

    def again(self) -> None:
        """There is another line: all of it is to be sent."""
        self._sent = 0

    def take(self, most_bytes: int) -> bytes:
        """What is to be sent next, whole messages; one at least if there is any."""
        some: list[bytes] = []
        size = 0
        while self._sent < len(self._entries) and (not some or size < most_bytes):
            some.append(self._entries[self._sent].line)
            size += len(some[-1])
            self._sent += 1
        return b"".join(some)
