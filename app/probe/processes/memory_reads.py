"""When the heaps and the mappings of each process are read, by slow reads."""

from __future__ import annotations

from app.probe.sampling.walks import Walks

from .watched import Watchlist


class MemoryReads:
    """Begins the reads that are due."""

    def __init__(self, watchlist: Watchlist, walks: Walks) -> None:
        self._watchlist, self._walks = watchlist, walks
        self.heap_looked_at = False

    def look_at_heaps(self, looked_at: bool) -> None:
        """Somebody looks at the map of the heaps from now on, or nobody."""
        self.heap_looked_at = looked_at
        for _, reader in self._watchlist.read():
            reader.heaps.look_at(looked_at)

    def read_heaps(self, now_us: int) -> None:
        """Begins to read the heaps of each process whose turn it is."""
        for _, reader in self._watchlist.read():
            reader.heaps.read_if_due(now_us)

    def read_heaps_for_the_end(self, now_us: int) -> None:
        """Begins to read those heaps once more of which the summary would tell what is old."""
        for _, reader in self._watchlist.read():
            reader.heaps.read_for_the_end(now_us)

    def walk_mappings(self, now_us: int) -> None:
        """Begins to walk the mappings of each process whose turn it is."""
        for watched in self._watchlist:
            reader = watched.reader
            arenas = reader.heaps.arenas if reader is not None else None
            self._walks.begin(watched.pid, reader.sampler if reader is not None else None, arenas, now_us)
