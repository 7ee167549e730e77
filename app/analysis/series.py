"""The main figures over the whole run, in few enough rows to be sent whole to a viewer that comes late."""

from __future__ import annotations

from typing import Any

SERIES = (
    "at_us",
    "held_share",
    "contended_share",
    "switches_per_s",
    "waiters",
    "cpu_share",
    "rss",
    "ops_per_s",
)
MAX_ROWS = 1200

Row = list[float | None]


class Series:
    """Rows of SERIES. When they become too many every other one goes, and so do as many of those to come."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._every = 1
        self._offered = 0

    def offer(self, row: Row) -> None:
        """Keep a row, if its turn has come."""
        if self._offered % self._every == 0:
            self._rows.append(row)
            if len(self._rows) > MAX_ROWS:
                self._rows = self._rows[::2]
                self._every *= 2
        self._offered += 1

    def to_json(self) -> dict[str, Any]:
        """Names and rows; `every` says that one of so many rows was kept."""
        return {"names": list(SERIES), "every": self._every, "rows": self._rows}
