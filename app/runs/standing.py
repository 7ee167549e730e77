"""What is told how it stands, and stands for long: whoever looks at a span of a run needs the last of each.

Most is told anew every second or two, and so is among the messages of LEAD_US before a span. What was not
told anew for longer is kept beside the recording, until a later message took its place or its process ended.
"""

from __future__ import annotations

from collections.abc import Callable

from app.analysis.ledger import instant_of
from app.model.frames import About, Message, Process, standing

LEAD_US = 6_000_000

Rank = tuple[int, int]  # the number of a message, and which it is of those things that it tells of
OnLapsed = Callable[[Rank, int | None, Message], None]


class Standing:
    """Feed it the messages of a run.

    `on_lapsed` gets (rank, until, message) of what stood for more than LEAD_US: where it was told, the number
    of the message that took its place, None for what still stands when it is closed, and what it said.
    """

    def __init__(self, on_lapsed: OnLapsed) -> None:
        self._on_lapsed = on_lapsed
        self._told: dict[About, tuple[int, Rank, Message]] = {}  # at_us first

    def feed(self, message: Message, number: int) -> None:
        """Take the next message."""
        if isinstance(message, Process):
            if message.gone:
                for about in [about for about in self._told if about[1:2] == (message.pid,)]:
                    self._lapse(about, message.at_us, number)
            return
        for place, (about, told) in enumerate(standing(message)):
            at_us = instant_of(message)
            self._lapse(about, at_us, number)
            self._told[about] = at_us, (number, place), told

    def now(self) -> list[tuple[Rank, Message]]:
        """What stands now."""
        return [(rank, told) for _, rank, told in self._told.values()]

    def close(self) -> None:
        """Nothing more comes."""
        for rank, told in self.now():
            self._on_lapsed(rank, None, told)
        self._told = {}

    def _lapse(self, about: About, at_us: int, number: int) -> None:
        since_us, rank, told = self._told.pop(about, (at_us, (0, 0), None))
        if told is not None and at_us - since_us > LEAD_US:
            self._on_lapsed(rank, number, told)
