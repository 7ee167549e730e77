"""Tracks: flat lists in which every `step` numbers are one piece, its length in microseconds last."""

from __future__ import annotations

from dataclasses import dataclass

from app.model.states import HOLDER_UNKNOWN, RUNNING

LANE_STEP = 2  # state, length_us
GIL_STEP = 3  # holder, waiters, length_us


def cut(track: list[int], step: int, keep_us: int) -> list[int]:
    """The first `keep_us` of a track."""
    kept: list[int] = []
    for at in range(0, len(track), step):
        if keep_us <= 0:
            break
        *what, length_us = track[at : at + step]
        kept += [*what, min(length_us, keep_us)]
        keep_us -= length_us
    return kept


def running_us(track: list[int]) -> int:
    """How long the thread of a lane's track ran Python."""
    return sum(track[at + 1] for at in range(0, len(track), LANE_STEP) if track[at] == RUNNING)


@dataclass(slots=True)
class GilTime:
    """What became of a GIL's time, in microseconds. Time in which it could not be read is in none."""

    read_us: int = 0
    held_us: int = 0
    contended_us: int = 0
    waiters_us: int = 0  # the number of waiters, integrated over time

    def add(self, other: GilTime) -> None:
        """Put another stretch to this one."""
        self.read_us += other.read_us
        self.held_us += other.held_us
        self.contended_us += other.contended_us
        self.waiters_us += other.waiters_us

    def since(self, before: GilTime) -> GilTime:
        """What came after an earlier reading of these sums."""
        return GilTime(
            self.read_us - before.read_us,
            self.held_us - before.held_us,
            self.contended_us - before.contended_us,
            self.waiters_us - before.waiters_us,
        )

    def shares(self) -> dict[str, float | None]:
        """Held share, contended share and mean number of waiters; null where it was never read."""
        if not self.read_us:
            return {"held_share": None, "contended_share": None, "waiters": None}
        return {
            "held_share": self.held_us / self.read_us,
            "contended_share": self.contended_us / self.read_us,
            "waiters": self.waiters_us / self.read_us,
        }


def gil_time(track: list[int]) -> GilTime:
    """The sums over a GIL's track."""
    read_us = held_us = contended_us = waiters_us = 0
    for at in range(0, len(track), GIL_STEP):
        holder, waiters, length_us = track[at : at + GIL_STEP]
        if holder == HOLDER_UNKNOWN:
            continue
        read_us += length_us
        waiters_us += waiters * length_us
        if holder >= 0:
            held_us += length_us
            if waiters:
                contended_us += length_us
    return GilTime(read_us, held_us, contended_us, waiters_us)
