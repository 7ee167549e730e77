"""What a thread was executing in one slice of the timeline, from the messages of that time.

    {"looks", "stacks": [{"looks", "task", "frames": [{"function", "file", "line"}]}]}

Frames are leaf first, stacks those seen most, most first. A look of which the stack could not be read counts
in `looks` alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.analysis.functions import Functions
from app.analysis.where import Spot
from app.model.frames import Blocked, Message, Names, Stacks
from app.model.tracks import blocked_looks, looks

STACKS = 5


class Slice:
    """Feed it the messages that tell of a slice, and all names."""

    def __init__(self, lane: int, from_us: int, to_us: int) -> None:
        self._lane = lane
        self._from_us, self._to_us = from_us, to_us
        self._functions = Functions()
        self._found: Counter[Spot] = Counter()

    def feed(self, message: Message) -> None:
        """Take the next message."""
        match message:
            case Names():
                self._functions.names(message)
            case Stacks():
                for look in looks(message):
                    self._add(look.at_us, look.holder, Spot(look.holder_stack))
                    self._add(look.at_us, look.waiter, Spot(look.waiter_stack))
            case Blocked():
                for blocked in blocked_looks(message):
                    self._add(blocked.at_us, blocked.lane, Spot(blocked.stack, blocked.task))

    def to_json(self) -> dict[str, Any]:
        """What was found, as at the head of this module."""
        read = [(spot, looks) for spot, looks in self._found.most_common() if spot.stack is not None]
        return {
            "looks": sum(self._found.values()),
            "stacks": [
                {"looks": looks, "task": spot.task, "frames": self._frames(spot)}
                for spot, looks in read[:STACKS]
            ],
        }

    def _add(self, at_us: int, lane: int, spot: Spot) -> None:
        if lane == self._lane and self._from_us <= at_us < self._to_us:
            self._found[spot] += 1

    def _frames(self, spot: Spot) -> list[dict[str, Any]]:
        assert spot.stack is not None
        frames = []
        for place in self._functions.stack(spot.stack):
            function = self._functions[place.function]
            frames.append({"function": function.name, "file": function.file, "line": place.line})
        return frames
