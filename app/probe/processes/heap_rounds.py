"""When the heaps of each process are read, by slow reads."""

from __future__ import annotations

from .watched import Watchlist

_AT_ONCE = 3  # the first of many processes are read one after the other, and not all at the end


class HeapRounds:
    """Begins the reads that are due."""

    def __init__(self, watchlist: Watchlist) -> None:
        self._watchlist = watchlist
        self.looked_at = False

    def look_at(self, looked_at: bool) -> None:
        """Somebody looks at the map of the heaps from now on, or nobody."""
        self.looked_at = looked_at
        for _, reader in self._watchlist.read():
            reader.heaps.look_at(looked_at)

    def read(self, now_us: int, at_once: int = _AT_ONCE) -> None:
        """Begins to read the heaps of those whose turn it is, first of whom it was done longest ago."""
        heaps = [reader.heaps for _, reader in self._watchlist.read()]
        in_hand = sum(each.is_reading for each in heaps)
        for each in sorted(heaps, key=lambda each: each.began_us):
            if in_hand >= at_once:
                return
            if not each.is_reading:
                each.read_if_due(now_us, len(heaps))
                in_hand += each.is_reading

    def read_for_the_end(self, now_us: int) -> None:
        """Begins to read those heaps once more of which the summary would tell what is old."""
        for _, reader in self._watchlist.read():
            reader.heaps.read_for_the_end(now_us)
