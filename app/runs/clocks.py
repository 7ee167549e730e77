"""The clock of another process, beside one here: by round trips, unless both read the same one.

CLOCK_MONOTONIC counts from the start of a kernel, or from what a time namespace says. So two processes read
the same clock if their kernel's boot and their time namespace are the same; else the difference is somewhere
within a round trip: it is taken to be in its middle, and the shortest of several says how far off that is.
"""

from __future__ import annotations

from dataclasses import dataclass

SAME = "the clock of the run itself"
BY_TRIPS = "by the shortest of several round trips"


@dataclass(frozen=True)
class Trip:
    """A reading of another clock, and when it was asked for and came back by this one; in nanoseconds."""

    sent_ns: int
    read_ns: int
    came_ns: int

    @property
    def ahead_ns(self) -> int:
        """By how much the other clock is ahead of this one."""
        return self.read_ns - (self.sent_ns + self.came_ns) // 2

    @property
    def off_ns(self) -> int:
        """By how much that may be off, whichever way took longer."""
        return (self.came_ns - self.sent_ns + 1) // 2


@dataclass(frozen=True)
class ClockBeside:
    """By how much the other clock is ahead of the one here, how far off that may be, and how it is known."""

    ahead_ns: int
    off_ns: int
    why: str

    @classmethod
    def of(cls, trips: list[Trip], same: bool) -> ClockBeside:
        """Of the shortest of these trips; of none where both clocks are the same."""
        if same:
            return cls(0, 0, SAME)
        best = min(trips, key=lambda trip: trip.off_ns)
        return cls(best.ahead_ns, best.off_ns, BY_TRIPS)


class FollowedClock:
    """Another clock, compared again and again, since clocks drift."""

    def __init__(self, beside: ClockBeside | None = None) -> None:
        self.beside = beside  # None: not known yet
        self.off_ns = 0  # by how much it may have been off, at most

    def set(self, found: ClockBeside) -> None:
        """It was compared again."""
        moved_ns = 0 if self.beside is None else abs(found.ahead_ns - self.beside.ahead_ns)
        self.off_ns = max(self.off_ns, moved_ns + found.off_ns)
        # Within what both may be off there is no reason to move it, and each move cuts or doubles some time.
        if self.beside is None or moved_ns > found.off_ns + self.beside.off_ns:
            self.beside = found
