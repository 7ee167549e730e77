"""When the heaps and the mappings of each process are read, by slow reads."""

from __future__ import annotations

from app.probe.sampling.walks import Walks

from .watched import Watchlist

_HEAP_LIMIT_US = 2_000_000  # for the first reading of a heap


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
        """Begins to walk the mappings of each process whose turn it is.

        The first walk waits for the heap's first reading, which tells where Python's arenas are.
        """
        for watched in self._watchlist:
            reader = watched.reader
            if reader is None:
                self._walks.begin(watched.pid, None, lambda: None, now_us)
            elif reader.heaps.is_known or now_us - watched.since_us > _HEAP_LIMIT_US:
                self._walks.begin(watched.pid, reader.sampler, reader.heaps.known_arenas, now_us)
