"""How the line to an observer that is elsewhere stood: its clock beside the one here, and when it was cut."""

from __future__ import annotations

from typing import Any

from app.model.frames import FarLine
from app.model.summary import LineInfo
from app.model.tracks import line_clock

OPEN = ("cut", "gone")


class LineUse:
    """Of a run that is observed from here nothing is told, and `info` is None."""

    def __init__(self) -> None:
        self._told = False
        self._clock: tuple[int, int] | None = None  # ahead, and off by at most; microseconds
        self._state, self._detail = "there", ""
        self._open_us = 0  # of the cut that is not over
        self._cuts = self._cut_us = self._dropped = self._gap_us = 0

    def feed(self, message: FarLine) -> None:
        """Take what was told."""
        self._told = True
        clock = line_clock(message)
        if clock is not None:
            self._set_clock(*clock)
        if message.state in OPEN:
            self._state, self._detail, self._open_us = message.state, message.detail, message.length_us
        elif message.state == "back":
            self._state, self._detail, self._open_us = "there", "", 0
            self._cuts += 1
            self._cut_us += message.length_us
            self._dropped += message.messages
        elif message.state == "gap":
            self._gap_us += message.length_us

    def _set_clock(self, ahead_us: int, off_us: int) -> None:
        before_us = 0 if self._clock is None else self._clock[1]
        self._clock = ahead_us, max(off_us, before_us)

    def know(self, before: LineUse) -> None:
        """What holds from before a piece on."""
        self._told, self._clock = before._told, before._clock
        self._state, self._detail, self._open_us = before._state, before._detail, before._open_us

    def state(self) -> list[Any]:
        """To be stored."""
        stands = [self._told, self._clock, self._state, self._detail, self._open_us]
        return [*stands, self._cuts, self._cut_us, self._dropped, self._gap_us]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        told, clock, *stands, cuts, cut_us, dropped, gap_us = state
        self._told = self._told or told
        if clock is not None:
            self._set_clock(*clock)
        self._state, self._detail, self._open_us = stands
        self._cuts += cuts
        self._cut_us += cut_us
        self._dropped += dropped
        self._gap_us += gap_us

    def info(self) -> LineInfo | None:
        """As a summary has it; a cut that is not over counts."""
        if not self._told:
            return None
        ahead_us, off_us = self._clock or (None, None)
        is_open = self._state in OPEN
        return {
            "state": self._state,
            "detail": self._detail,
            "clock_ahead_s": None if ahead_us is None else ahead_us / 1e6,
            "clock_off_s": None if off_us is None else off_us / 1e6,
            "cuts": self._cuts + is_open,
            "cut_s": (self._cut_us + self._open_us) / 1e6,
            "dropped": self._dropped,
            "gap_s": self._gap_us / 1e6,
        }
