"""What the collections of one collector freed, and what dead cycles hold until the next.

A row is CollectorMemory of app/model/summary.py. What RSS fell by is read on either side of a collection.
What was freed is more where an allocator keeps it: it is inferred from the bytes in use, of Python's own
allocator and of the C library, by the readings before and after, as if the program had gone on taking memory
at the pace of before; and it is no less than what the C library has more free than before.

What cycles hold at a moment is inferred too: the same share of what has grown since the last collection that
freed memory as the newest ones freed of theirs. Bytes in use are taken for it where they are known, else RSS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from app.model.summary import CollectorMemory, MovedRow
from app.model.tracks import Moved, SizesThen

KEPT = 8  # collections, those that freed most
MOST_TOLD = 64
LEARNED_FROM = 3  # the newest that freed memory
WORTH_BYTES = 1 << 20
_ITS_DOING = 0.9  # of the objects collected between two readings: else several collections share what went


class _InUse(NamedTuple):
    """A reading of the bytes in use."""

    at_us: int
    bytes: int
    free: int | None = None  # bytes that the C library keeps; None in pieces that were stored before


@dataclass
class _Collection:
    """What moved with one, and by how much the bytes in use fell; None where that cannot be told."""

    moved: Moved
    freed: int | None = None

    @property
    def went(self) -> int:
        """The bytes that it freed, for all that is known."""
        return max(self.moved.given_back, self.freed or 0)


class _Learned:
    """What some measure of memory grew by, and how much of that collections freed."""

    def __init__(self) -> None:
        self._grown: list[tuple[int, int]] = []  # (grew by, freed) of each of the newest
        self._floor: int | None = None  # after the last of them

    def collected(self, before: int, after: int) -> None:
        """Take a collection that freed memory."""
        freed = before - after
        # Of the first it is not known from where it grew: no less than it freed.
        grown = freed if self._floor is None else before - self._floor
        self._grown = [*self._grown[1 - LEARNED_FROM :], (max(grown, freed), freed)]
        self._floor = after

    def held(self, now: int | None) -> int | None:
        """What dead cycles hold; None before a collection has freed memory."""
        if now is None or self._floor is None:
            return None
        grown = sum(each for each, _ in self._grown)
        freed = sum(each for _, each in self._grown)
        return max(0, round((now - self._floor) * freed / grown))


class CollectedMemory:
    """Feed it what moved, and the bytes in use; ask it at any moment."""

    def __init__(self) -> None:
        self._largest: list[_Collection] = []
        self._pending: list[_Collection] = []  # since the newest reading of the bytes in use
        self._in_use: _InUse | None = None
        self._pace = 0.0  # bytes a microsecond, as of the newest readings between collections
        self._by_rss, self._by_use = _Learned(), _Learned()
        self.freed_us: int | None = None  # when the last collection that freed much had ended,
        self.freed_bytes = 0  # and how much that was
        self._told: list[Moved | _InUse] = []  # as it came, what is still asked for; see state

    def feed(self, moved: Moved) -> None:
        """Take a collection, or several between two readings."""
        self._note(moved)
        self._keep(self._pending, _Collection(moved))
        if moved.collected and moved.given_back >= WORTH_BYTES:
            self._by_rss.collected(moved.before.rss, moved.after.rss)
            self.freed_us, self.freed_bytes = moved.after_us, moved.given_back

    def in_use(self, at_us: int, bytes_: int, free: int | None = None) -> None:
        """Take a reading of the bytes in use, and of those that the C library keeps free."""
        before, self._in_use = self._in_use, _InUse(at_us, bytes_, free)
        self._note(self._in_use)
        over = [each for each in self._pending if each.moved.after_us <= at_us]
        if before is not None and at_us > before.at_us:
            if not over:
                self._pace = max(0.0, (bytes_ - before.bytes) / (at_us - before.at_us))
            self._judge(over, before, self._in_use)
        self._pending = [each for each in self._pending if each not in over]
        for each in over:
            self._keep(self._largest, each)

    def state(self) -> list[Any]:
        """What it was told, to be stored."""
        return [[*told] for told in self._told]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows (pieces.py): it is told the same again."""
        for told in state:
            if len(told) <= len(_InUse._fields):
                self.in_use(*told)
            else:
                moved = Moved._make(told)
                before, after = SizesThen._make(moved.before), SizesThen._make(moved.after)
                self.feed(moved._replace(before=before, after=after))

    def _note(self, told: Moved | _InUse) -> None:
        """Of readings with no collection between the first counts, and the last two; of all, the newest."""
        if len(self._told) > 2 and all(isinstance(each, _InUse) for each in (*self._told[-3:], told)):
            del self._told[-2]
        self._told.append(told)
        if len(self._told) > 2 * MOST_TOLD:
            kept = {id(each.moved) for each in self._largest}
            old = [each for each in self._told[:-MOST_TOLD] if id(each) in kept]
            self._told[:-MOST_TOLD] = old

    def row(self, rss: int | None, given_back: int | None) -> CollectorMemory:
        """The row; `rss` is what the process has now."""
        both = [each for each in (*self._largest, *self._pending) if each.went > 0]
        both.sort(key=lambda each: each.went, reverse=True)
        held = self._by_use.held(self._in_use.bytes if self._in_use else None)
        return {
            "given_back": given_back,
            "held": self._by_rss.held(rss) if held is None else held,
            "largest": [_row(each) for each in both[:KEPT]],
        }

    def _judge(self, over: list[_Collection], before: _InUse, after: _InUse) -> None:
        """What the collections between two readings freed; only where it was one of them."""
        objects = sum(each.moved.collected for each in over)
        most = max(over, key=lambda each: each.moved.collected, default=None)
        if most is None or not objects or most.moved.collected < _ITS_DOING * objects:
            return
        at_begin = before.bytes + round(self._pace * max(0, most.moved.before_us - before.at_us))
        at_end = after.bytes - round(self._pace * max(0, after.at_us - most.moved.after_us))
        more_free = 0 if before.free is None or after.free is None else after.free - before.free
        most.freed = max(0, at_begin - at_end, more_free)
        if most.freed >= WORTH_BYTES:
            self._by_use.collected(at_end + most.freed, at_end)
            self.freed_us, self.freed_bytes = most.moved.after_us, most.freed

    @staticmethod
    def _keep(kept: list[_Collection], collection: _Collection) -> None:
        kept.append(collection)
        if len(kept) > KEPT:
            kept.remove(min(kept, key=lambda each: each.went))


def _row(collection: _Collection) -> MovedRow:
    moved = collection.moved
    return {
        "at_s": moved.start_us / 1e6,
        "length_s": None if moved.length_us is None else moved.length_us / 1e6,
        "generation": moved.generation,
        "collections": moved.collections,
        "collected": moved.collected,
        "given_back": moved.given_back,
        "freed": collection.freed,
        "rss_before": moved.before.rss,
        "rss_after": moved.after.rss,
        "anonymous_before": moved.before.anonymous,
        "anonymous_after": moved.after.anonymous,
        "arenas_before": moved.before.arenas,
        "arenas_after": moved.after.arenas,
        "large_blocks_before": moved.before.large_blocks,
        "large_blocks_after": moved.after.large_blocks,
    }
