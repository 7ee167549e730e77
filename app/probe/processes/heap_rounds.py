"""When the heaps of each process are read, by slow reads."""

from __future__ import annotations

from .watched import Watchlist


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

    def read(self, now_us: int) -> None:
        """Begins to read the heaps of each process whose turn it is."""
        readers = [reader for _, reader in self._watchlist.read()]
        for reader in readers:
            reader.heaps.read_if_due(now_us, len(readers))

    def read_for_the_end(self, now_us: int) -> None:
        """Begins to read those heaps once more of which the summary would tell what is old."""
        for _, reader in self._watchlist.read():
            reader.heaps.read_for_the_end(now_us)
