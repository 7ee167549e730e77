"""What memory moved with the collections of one collector, and what dead cycles hold until the next.

A row is CollectorMemory of app/model/summary.py. What cycles hold at a moment is inferred: the same share of
what RSS has grown by since the last collection that gave memory back as the newest ones gave back of theirs.
"""

from __future__ import annotations

from app.model.summary import CollectorMemory, MovedRow
from app.model.tracks import Moved

KEPT = 8  # collections, those that gave back most
LEARNED_FROM = 3  # the newest that gave memory back
WORTH_BYTES = 1 << 20


class CollectedMemory:
    """Feed it what moved; ask it at any moment."""

    def __init__(self) -> None:
        self._largest: list[Moved] = []
        self._grown: list[tuple[int, int]] = []  # (RSS grew by, gave back) of each of the newest
        self._floor: int | None = None  # RSS after the last of them

    def feed(self, moved: Moved) -> None:
        """Take a collection, or several between two readings."""
        self._largest.append(moved)
        self._largest.sort(key=lambda each: each.given_back, reverse=True)
        del self._largest[KEPT:]
        if not moved.collected or moved.given_back < WORTH_BYTES:
            return
        # Of the first it is not known from where RSS grew: no less than it gave back.
        grown = moved.given_back if self._floor is None else moved.before.rss - self._floor
        self._grown = [*self._grown[1 - LEARNED_FROM :], (max(grown, moved.given_back), moved.given_back)]
        self._floor = moved.after.rss

    def held(self, rss: int | None) -> int | None:
        """The bytes that dead cycles hold, inferred; None before a collection has given memory back."""
        if rss is None or self._floor is None:
            return None
        grown = sum(each for each, _ in self._grown)
        back = sum(each for _, each in self._grown)
        return max(0, round((rss - self._floor) * back / grown))

    def row(self, rss: int | None, given_back: int | None) -> CollectorMemory:
        """The row; `rss` is what the process has now."""
        return {
            "given_back": given_back,
            "held": self.held(rss),
            "largest": [_row(moved) for moved in self._largest],
        }


def _row(moved: Moved) -> MovedRow:
    return {
        "at_s": moved.start_us / 1e6,
        "length_s": None if moved.length_us is None else moved.length_us / 1e6,
        "generation": moved.generation,
        "collections": moved.collections,
        "collected": moved.collected,
        "given_back": moved.given_back,
        "rss_before": moved.before.rss,
        "rss_after": moved.after.rss,
        "anonymous_before": moved.before.anonymous,
        "anonymous_after": moved.after.anonymous,
        "arenas_before": moved.before.arenas,
        "arenas_after": moved.after.arenas,
        "large_blocks_before": moved.before.large_blocks,
        "large_blocks_after": moved.after.large_blocks,
    }
