"""Whether something grows without an end in sight: the slope of the lower envelope of its readings.

What a program needs for a while (a request, a batch) comes and goes, and what it keeps is what is left when
that has gone: the lows. So readings are kept as the lowest of each window of time, few enough for a run of
any length, and the slope is of the greatest curve below them that never falls. Saw teeth on top of it change
nothing, however high they are, as long as some readings fall between them.

The first third of the time is warm-up: imports, caches that fill, a pool that starts. What is left is a
growth only if the envelope rises in each third of it, and in the last no more slowly than half of before: a
cache that is full, and a warm-up that ends, do not. Judged is by instants and lengths of time: how many
readings there are says how well it is known, and not whether it is so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Any, NamedTuple

from app.model.summary import CountGrowth

_WINDOW_US = 250_000
_MAX_WINDOWS = 96

_WARM_UP_SHARE = 1 / 3
_SEGMENTS = 12  # of the time that is judged, in each of which the lowest reading counts
_THIRD = _SEGMENTS // 3
LEAST_US = 4_000_000  # that is judged: shorter, a burst of work looks like a growth
_LEAST_POINTS = 4

# Of the pace of the whole, what each third needs; and of that and of the first third's, what the last one
# does.
_EACH_PACE = 0.25
_LAST_PACE = 0.5

# A fall of half of what it has risen by is a tooth's. Where there were fewer than three, what rises since the
# last of them is one only if that takes half as long again as it took to the fall.
_LARGE_FALL = 0.5
_BEFORE_A_FALL = 3  # lows that are all so much higher: a request that was met by chance is no tooth
_MANY_FALLS = 3
_LONGER = 1.5


Stored = list[Any]
Point = tuple[int, int]  # at_us, value


class Low(NamedTuple):
    """The lowest reading of a window of time, and how many there were."""

    at_us: int
    value: int
    readings: int


class Trend(NamedTuple):
    """A growth: between the two instants it went from one value to the other, as far as it is kept."""

    from_us: int
    to_us: int
    first: int
    last: int
    per_s: float
    readings: int

    def to_json(self) -> CountGrowth:
        """In seconds."""
        return {
            "from_s": self.from_us / 1e6,
            "to_s": self.to_us / 1e6,
            "readings": self.readings,
            "first": self.first,
            "last": self.last,
            "per_s": self.per_s,
        }


class Lows:
    """The lows of a value. When there are too many windows, two and two become one."""

    __slots__ = ("_lows", "_window_us")

    def __init__(self) -> None:
        self._lows: list[Low] = []
        self._window_us = _WINDOW_US

    def __bool__(self) -> bool:
        return bool(self._lows)

    def add(self, at_us: int, value: int) -> None:
        """Take a reading, later than those before."""
        self._add(Low(at_us, value, 1))
        if len(self._lows) > _MAX_WINDOWS:
            self._widen(2 * self._window_us)

    def state(self) -> Stored:
        """All of it, to be stored."""
        return [self._window_us, *([*column] for column in zip(*self._lows, strict=True))]

    def absorb(self, state: Stored) -> None:
        """Add the piece that follows (pieces.py)."""
        window_us, *columns = state
        if window_us > self._window_us:
            self._widen(window_us)
        for low in map(Low._make, zip(*columns, strict=True)):
            self._add(low)
            if len(self._lows) > _MAX_WINDOWS:
                self._widen(2 * self._window_us)

    def _widen(self, window_us: int) -> None:
        self._window_us = window_us
        lows, self._lows = self._lows, []
        for low in lows:
            self._add(low)

    def _add(self, low: Low) -> None:
        last = self._lows[-1] if self._lows else None
        if last is None or last.at_us // self._window_us != low.at_us // self._window_us:
            self._lows.append(low)
            return
        lower = low if low.value < last.value else last
        self._lows[-1] = lower._replace(readings=last.readings + low.readings)

    def trend(self, least: float, least_share: float) -> Trend | None:
        """The growth, if it comes to `least` and to that share of what there was; else None."""
        return trend(self._lows, least, least_share)

    def between(self, from_us: int, to_us: int) -> list[Point]:
        """(at_us, value) of the lows of that time."""
        return [(low.at_us, low.value) for low in self._lows if from_us <= low.at_us <= to_us]


def trend(lows: Sequence[Low], least: float, least_share: float) -> Trend | None:
    """See Lows.trend."""
    if len(lows) < _LEAST_POINTS:
        return None
    begin_us, end_us = lows[0].at_us, lows[-1].at_us
    warm_us = begin_us + _WARM_UP_SHARE * (end_us - begin_us)
    length_us = end_us - warm_us
    if length_us < LEAST_US:
        return None
    judged = [low for low in lows if low.at_us >= warm_us]
    segments = _segments([(low.at_us, low.value) for low in judged], warm_us, length_us)
    thirds = {at // _THIRD for at in segments}
    if len(segments) < _LEAST_POINTS or len(thirds) < _SEGMENTS // _THIRD:
        return None
    points = envelope([*segments.values()])
    per_s = slope(points) * 1e6
    first, last = points[0], points[-1]
    if per_s * (last[0] - first[0]) / 1e6 < max(least, least_share * first[1]) or not _lasts(
        dict(zip(segments, points, strict=True)), per_s / 1e6
    ):
        return None
    if _may_fall_again(lows, per_s * (last[0] - first[0]) / 1e6):
        return None
    readings = sum(low.readings for low in judged)
    return Trend(first[0], last[0], first[1], last[1], per_s, readings)


def _may_fall_again(lows: Sequence[Low], rise: float) -> bool:
    """Whether this may be but one tooth of a saw: since a large fall it has not risen for longer than before.

    Of many teeth the lows between them are known, and these tell.
    """
    large = _LARGE_FALL * rise
    if len(_falls(lows, 1, large)) >= _MANY_FALLS:
        return False
    falls = _falls(lows, max(1, min(_BEFORE_A_FALL, len(lows) // 4)), large)
    if not falls:
        return False
    before_us = falls[-2] if len(falls) > 1 else lows[0].at_us
    return lows[-1].at_us - falls[-1] < _LONGER * (falls[-1] - before_us)


def _falls(lows: Sequence[Low], before: int, large: float) -> list[int]:
    """When a low came that lay so far below each of so many before."""
    return [
        low.at_us
        for at, low in enumerate(lows[before:])
        if min(each.value for each in lows[at : at + before]) - low.value > large
    ]


def lowest(points: Sequence[Point], from_us: int, to_us: int) -> list[Point]:
    """The lowest point of each twelfth of that time: few, for the slope takes the square of their number."""
    return [*_segments(points, from_us, to_us - from_us).values()]


def _segments(points: Sequence[Point], from_us: float, length_us: float) -> dict[int, Point]:
    segments: dict[int, Point] = {}
    for point in points:
        at = min(int((point[0] - from_us) * _SEGMENTS / length_us), _SEGMENTS - 1)
        if at not in segments or point[1] < segments[at][1]:
            segments[at] = point
    return segments


def envelope(points: Sequence[Point]) -> list[Point]:
    """The greatest curve below the points that never falls."""
    lows: list[Point] = []
    for at_us, value in reversed(points):
        lows.append((at_us, min(value, lows[-1][1]) if lows else value))
    return lows[::-1]


def slope(points: Sequence[Point]) -> float:
    """Per microsecond: the median of the slopes of all pairs (Theil and Sen)."""
    slopes = [
        (value - before) / (at_us - before_us)
        for (before_us, before), (at_us, value) in combinations(points, 2)
        if at_us > before_us
    ]
    return median(slopes) if slopes else 0.0


def _lasts(points: dict[int, Point], whole: float) -> bool:
    """Whether it rises in each third of the time, and in the last as it did before."""
    paces: list[float] = []
    known, thirds = list(points.values()), [at // _THIRD for at in points]
    for third in range(_SEGMENTS // _THIRD):
        first, count = thirds.index(third), thirds.count(third)
        paces.append(
            slope(known[max(first - 1, 0) : first + count + 1])
        )  # from its neighbours on and to them
    return min(paces) >= _EACH_PACE * whole and paces[-1] >= _LAST_PACE * max(whole, paces[0])
