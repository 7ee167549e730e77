"""When a process's heaps are read."""

from __future__ import annotations

from .slow import Cost

_LOOKED_AT_US = 1_000_000  # from one reading to the next while somebody looks at the map,
_PART_OF_PERIOD = 4  # or so many times what a reading takes,
_PART_OF_LOOKED_AT_CPU = 10  # or the CPU that one of each process takes
_FIRST_US = 100_000  # and while nobody does: at the start, growing to
_UNLOOKED_AT_US = 1_000_000
_PART_OF_CPU = 100  # or so many times the CPU that a reading of each process takes
_MAP_US = 5_000_000  # from one map to the next while nobody looks: for who plays the run again


class Schedule:
    """When to read: often at the start, and later as often as it may cost."""

    def __init__(self) -> None:
        self._first_us: int | None = None
        self._hurried = False
        self.began_us = 0  # the last reading
        self._map_us: int | None = None  # the last reading with a map
        self.cost = Cost(0, 0)

    def due(self, now_us: int, looked_at: bool, processes: int) -> bool:
        """Whether to read now; so many processes share what all readings may cost."""
        if self._first_us is None or self._hurried:
            return True
        if looked_at:
            cost_us = _PART_OF_LOOKED_AT_CPU * processes * self.cost.cpu_us
            wait = max(_LOOKED_AT_US, _PART_OF_PERIOD * self.cost.took_us, cost_us)
        else:
            grown = min(max(self.began_us - self._first_us, _FIRST_US), _UNLOOKED_AT_US)
            wait = max(grown, _PART_OF_CPU * processes * self.cost.cpu_us)
        return now_us - self.began_us >= wait

    def wants_map(self, now_us: int, looked_at: bool) -> bool:
        """Whether the reading that begins now tells the map."""
        if looked_at or self._map_us is None or now_us - self._map_us >= _MAP_US:
            self._map_us = now_us
            return True
        return False

    def hurry(self) -> None:
        """The next reading is due at once."""
        self._hurried = True

    def begin(self, now_us: int) -> None:
        """A reading begins; who comes to look from now on needs another."""
        if self._first_us is None:
            self._first_us = now_us
        self._hurried = False
        self.began_us = now_us
