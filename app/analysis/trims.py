"""What a real malloc_trim(0) gave back, beside what was foretold of it from outside.

A workload that calls it reports when, and its own RSS before and after: {"trimmed": {"at_ns", "rss_before",
"rss_after"}}. Foretold is what the last reading of its C library's heap before that instant called trimmable.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from app.model.frames import CLibrary
from app.model.summary import TrimRow
from app.model.units import seconds, size

KEPT = 20
_READINGS = 3  # a report is heard some time after what it tells of, and another reading may end meanwhile


class Trims:
    """Feed it the readings and the reports of a run."""

    def __init__(self) -> None:
        self._rows: deque[TrimRow] = deque(maxlen=KEPT)
        self._readings: dict[int, deque[CLibrary]] = {}

    def library_read(self, message: CLibrary) -> None:
        """Take a reading of a process's C library."""
        self._readings.setdefault(message.pid, deque(maxlen=_READINGS)).append(message)

    def forget(self, pids: set[int]) -> None:
        """Of these processes nothing is spoken any more."""
        for pid in pids:
            self._readings.pop(pid, None)

    def reported(self, trimmed: dict[str, Any], origin_ns: int, pid: int) -> None:
        """Take a workload's report; `origin_ns` is the run's, `pid` the workload's."""
        at_us = (trimmed["at_ns"] - origin_ns) // 1000
        before, after = trimmed["rss_before"], trimmed["rss_after"]
        earlier = [each for each in self._readings.get(pid, ()) if each.at_us <= at_us]
        last = earlier[-1] if earlier else None
        foretold = last.trimmable if last else None
        self._rows.append(
            {
                "pid": pid,
                "at_s": at_us / 1e6,
                "foretold": foretold,
                "foretold_at_s": last.at_us / 1e6 if last else None,
                "given_back": before - after,
                "rss_before": before,
                "rss_after": after,
                "said": _said(foretold, (at_us - last.at_us) / 1e6 if last else 0.0, before, after),
            }
        )

    def rows(self) -> list[TrimRow]:
        """Each, in order."""
        return list(self._rows)


def _said(foretold: int | None, age_s: float, before: int, after: int) -> str:
    moved = f"fell by {size(before - after)}" if after <= before else f"rose by {size(after - before)}"
    fell = f"RSS {moved}, from {size(before)} to {size(after)}"
    if foretold is None:
        return f"malloc_trim(0) was called, and {fell}. Nothing was foretold of it."
    return f"Foretold was {size(foretold)}, {seconds(age_s)} before malloc_trim(0) was called: {fell}."
