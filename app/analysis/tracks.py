"""What the pieces of tracks add up to."""

from __future__ import annotations

from dataclasses import dataclass

from app.model.states import HOLDER_UNKNOWN, RUNNING, UNKNOWN
from app.model.summary import GilSeconds, GilShares
from app.model.tracks import gil_pieces, lane_pieces

THIN = 0.95  # of the time was seen: below it the reader of a figure is warned, see coverage.py


def known_share(known_us: int, unknown_us: int) -> float | None:
    """The share of a time that is known; None of no time at all."""
    whole_us = known_us + unknown_us
    return known_us / whole_us if whole_us else None


@dataclass(slots=True)
class LaneTime:
    """What became of the time of threads, all of them together, in microseconds."""

    there_us: int = 0
    known_us: int = 0  # in a known state
    running_us: int = 0  # running Python

    def add(self, track: list[int]) -> None:
        """Put a lane's track to this."""
        for state, length_us in lane_pieces(track):
            self.there_us += length_us
            if state != UNKNOWN:
                self.known_us += length_us
                if state == RUNNING:
                    self.running_us += length_us

    def since(self, before: LaneTime) -> LaneTime:
        """What came after an earlier reading of these sums."""
        return LaneTime(
            self.there_us - before.there_us,
            self.known_us - before.known_us,
            self.running_us - before.running_us,
        )

    @property
    def coverage(self) -> float | None:
        """The share of the time in which the state was known; None of no time at all."""
        return known_share(self.known_us, self.there_us - self.known_us)

    def running_in(self, length_us: int) -> float | None:
        """How many threads ran at a time, in a time of that length.

        That is how many were there, times the share of their known time in which they ran: a thread of which
        nothing is known neither ran nor did not. None where nothing is known of any.
        """
        if not length_us or (self.there_us and not self.known_us):
            return None
        return self.there_us / length_us * self.running_us / self.known_us if self.known_us else 0.0


@dataclass(slots=True)
class GilTime:
    """What became of a GIL's time, in microseconds.

    Time in which its holder is not known is in `unknown_us` alone: no share counts it, and `coverage` says
    how much there is of it.
    """

    read_us: int = 0
    unknown_us: int = 0
    held_us: int = 0
    contended_us: int = 0
    waiters_us: int = 0  # the number of waiters, integrated over time

    def add(self, other: GilTime) -> None:
        """Put another stretch to this one."""
        self.read_us += other.read_us
        self.unknown_us += other.unknown_us
        self.held_us += other.held_us
        self.contended_us += other.contended_us
        self.waiters_us += other.waiters_us

    def state(self) -> list[int]:
        """The sums, to be stored: in the order in which they are declared."""
        return [self.read_us, self.unknown_us, self.held_us, self.contended_us, self.waiters_us]

    def since(self, before: GilTime) -> GilTime:
        """What came after an earlier reading of these sums."""
        return GilTime(
            self.read_us - before.read_us,
            self.unknown_us - before.unknown_us,
            self.held_us - before.held_us,
            self.contended_us - before.contended_us,
            self.waiters_us - before.waiters_us,
        )

    @property
    def coverage(self) -> float | None:
        """The share of the time in which the holder was known; None of no time at all."""
        return known_share(self.read_us, self.unknown_us)

    def seconds(self) -> GilSeconds:
        """The sums, as a row tells them."""
        return {
            "seen_s": self.read_us / 1e6,
            "unseen_s": self.unknown_us / 1e6,
            "held_s": self.held_us / 1e6,
            "contended_s": self.contended_us / 1e6,
            "waited_s": self.waiters_us / 1e6,
        }

    def shares(self) -> GilShares:
        """Coverage, and of what was seen held share, contended share and mean number of waiters.

        Null where the lock was never read.
        """
        if not self.read_us:
            return {"coverage": self.coverage, "held_share": None, "contended_share": None, "waiters": None}
        return {
            "coverage": self.coverage,
            "held_share": self.held_us / self.read_us,
            "contended_share": self.contended_us / self.read_us,
            "waiters": self.waiters_us / self.read_us,
        }


def gil_time(track: list[int]) -> GilTime:
    """The sums over a GIL's track."""
    read_us = unknown_us = held_us = contended_us = waiters_us = 0
    for holder, waiters, length_us in gil_pieces(track):
        if holder == HOLDER_UNKNOWN:
            unknown_us += length_us
            continue
        read_us += length_us
        waiters_us += waiters * length_us
        if holder >= 0:
            held_us += length_us
            if waiters:
                contended_us += length_us
    return GilTime(read_us, unknown_us, held_us, contended_us, waiters_us)
