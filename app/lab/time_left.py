"""How long an experiment still takes, by how long its runs took until now."""

from __future__ import annotations

from collections.abc import Hashable
from statistics import fmean

START_UP_S = 2.5  # about, of a run beside its seconds: until one is known


class TimeLeft:
    """Of each configuration how long its runs take, with what comes before and after each.

    `seconds` is how long a run itself lasts, None where that is not known before one has ended.
    """

    def __init__(self, seconds: float | None) -> None:
        self._expected_s = None if seconds is None else seconds + START_UP_S
        self._took_s: dict[Hashable, list[float]] = {}

    def took(self, configuration: Hashable, took_s: float) -> None:
        """A run of a configuration took so long, all in all."""
        self._took_s.setdefault(configuration, []).append(took_s)

    def of(self, left: dict[Hashable, int]) -> float | None:
        """How long so many runs of each configuration take; None where nothing is known yet."""
        known = {configuration: fmean(took) for configuration, took in self._took_s.items()}
        other_s = fmean(known.values()) if known else self._expected_s
        if other_s is None:
            return None
        return sum(number * known.get(configuration, other_s) for configuration, number in left.items())
