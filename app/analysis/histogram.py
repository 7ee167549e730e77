"""How long things took, in a space that does not grow with their number.

Lengths are whole microseconds. Below 128 each has a bucket of its own; above, an octave is cut into 64
buckets of equal width, so a quantile is off by less than 0.8 %. The count and the maximum are exact, and so
are the counts of the few coarse STEPS_US that a picture is drawn of. The buckets are an array up to the
longest length so far: some 5 KiB for waits of 20 ms, be they ten or ten million.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from typing import Any

from app.analysis.totals import seconds
from app.model.summary import Lengths

STEPS_US = (*(step * 10**power for power in range(2, 7) for step in (1, 2, 5)), 10_000_000)

_UPPERS_S: list[float | None] = [*(us / 1e6 for us in STEPS_US), None]
# {the upper end of a step, as `steps` tells it: its lower end}, in seconds.
LOWER_S: dict[float | None, float] = dict(zip(_UPPERS_S, [0.0, *(us / 1e6 for us in STEPS_US)], strict=True))

_BITS = 6
_A_OCTAVE = 1 << _BITS
_A_GROUP = 16  # buckets that are passed over at once, for a live view asks for hundreds of quantiles a second
_QUANTILES = (0.50, 0.95, 0.99)


def _bucket(length_us: int) -> int:
    if length_us < 2 * _A_OCTAVE:
        return length_us
    shift = length_us.bit_length() - _BITS - 1
    return (shift << _BITS) + (length_us >> shift)


def _middle(bucket: int) -> int:
    shift = max(0, (bucket >> _BITS) - 1)
    return ((bucket - (shift << _BITS)) << shift) + ((1 << shift) >> 1)


class Histogram:
    """Counts of lengths in logarithmic buckets."""

    __slots__ = ("_counts", "_groups", "_steps", "count", "max_us", "total_us")

    def __init__(self) -> None:
        self._counts = array("Q")  # by bucket
        self._groups: list[int] = []  # what each _A_GROUP of them adds up to
        self._steps = [0] * (len(STEPS_US) + 1)
        self.count = self.total_us = 0
        self.max_us = 0

    def add(self, length_us: int) -> None:
        """Count one length; a negative one is a ValueError."""
        if length_us < 0:
            raise ValueError(f"a length cannot be negative: {length_us} us")
        bucket = _bucket(length_us)
        if bucket >= len(self._counts):
            self._reach(bucket)
        self._counts[bucket] += 1
        self._groups[bucket // _A_GROUP] += 1
        self._steps[bisect_left(STEPS_US, length_us)] += 1
        self.count += 1
        self.total_us += length_us
        if length_us > self.max_us:
            self.max_us = length_us

    def state(self) -> list[Any]:
        """All of it, to be stored; see pieces.py."""
        return [self.max_us, self.total_us, _filled(self._counts), _filled(self._steps)]

    def absorb(self, state: list[Any]) -> None:
        """Add what another counted."""
        max_us, total_us, counts, steps = state
        buckets = counts[::2]
        if buckets and buckets[-1] >= len(self._counts):
            self._reach(buckets[-1])
        numbers = counts[1::2]
        into, groups = self._counts, self._groups  # a piece has thousands of numbers: no look-up for each
        for bucket, number in zip(buckets, numbers, strict=True):
            into[bucket] += number
            groups[bucket // _A_GROUP] += number
        self.count += sum(numbers)
        self.total_us += total_us
        for at in range(0, len(steps), 2):
            self._steps[steps[at]] += steps[at + 1]
        if max_us > self.max_us:
            self.max_us = max_us

    def copy(self) -> Histogram:
        """Another of the same content."""
        other = Histogram()
        other._counts, other._groups, other._steps = self._counts[:], self._groups[:], self._steps[:]
        other.count, other.total_us, other.max_us = self.count, self.total_us, self.max_us
        return other

    def steps(self) -> list[list[float | None]]:
        """[upper_s, count] of each step from the first to the last that has any; above all, upper_s is null.

        A length counts in the step of which it is no longer than the upper end.
        """
        filled = [step for step, count in enumerate(self._steps) if count]
        return (
            [[_UPPERS_S[step], self._steps[step]] for step in range(filled[0], filled[-1] + 1)]
            if filled
            else []
        )

    def up_to(self) -> list[tuple[float, int]]:
        """(upper_s, how many were no longer) for every step but the last, which has no upper end."""
        return [
            (upper_us / 1e6, number)
            for upper_us, number in zip(STEPS_US, accumulate(self._steps), strict=False)
        ]

    def quantiles(self, fractions: Sequence[float]) -> list[int]:
        """The length, in microseconds, at each of the `fractions`, by nearest rank.

        ValueError when nothing was counted.
        """
        if not self.count:
            raise ValueError("a histogram without content has no quantiles")
        up_to = list(accumulate(self._groups, initial=0))
        ranks = (max(1, ceil(fraction * self.count)) for fraction in fractions)
        return [min(_middle(self._bucket_of(rank, up_to)), self.max_us) for rank in ranks]

    def _bucket_of(self, rank: int, up_to: list[int]) -> int:
        """Where the length of that rank is; `up_to`: how many are below each group."""
        group = bisect_left(up_to, rank) - 1
        bucket = group * _A_GROUP
        left = rank - up_to[group]
        for count in self._counts[bucket : bucket + _A_GROUP]:
            left -= count
            if left <= 0:
                break
            bucket += 1
        return bucket

    def _reach(self, bucket: int) -> None:
        """Have room for lengths up to those of that bucket."""
        self._counts.extend([0] * (bucket + 1 - len(self._counts)))
        self._groups += [0] * (bucket // _A_GROUP + 1 - len(self._groups))


def _filled(counts: Sequence[int]) -> list[int]:
    """Place and count in turn, of those that have any."""
    return [number for place, count in enumerate(counts) if count for number in (place, count)]


class Runs:
    """The lengths of maximal runs of one condition: those that ended, and one that may still go on.

    Of a run next to time that was not seen nobody knows how long it was: it is cut. Such runs are counted,
    and the longest time that one was seen is kept: it lasted at least so long.

    Of a piece of an observation (pieces.py) the first run may have begun before it: it is the `head`, which
    counts once it is known how long it was.
    """

    __slots__ = ("_cut", "_cut_longest_us", "_ended", "fresh", "head", "open_us", "torn")

    def __init__(self) -> None:
        self._ended: Histogram | None = None  # most threads never wait: no histogram until one ends
        self._cut = self._cut_longest_us = 0
        self.open_us = 0
        self.torn = False  # what is before the run, open or to come, could not be read
        self.fresh = False  # nothing but the first run of a piece was seen
        self.head: tuple[int, bool] | None = None  # its length, and whether nobody knows that it ended

    def close(self, unread: bool = False) -> None:
        """The condition does not hold any more; `unread`: nobody knows whether it still does."""
        if self.fresh:
            self.head, self.fresh, self.open_us = (self.open_us, unread), False, 0
        elif self.open_us:
            if self.torn or unread:
                self._cut += 1
                self._cut_longest_us = max(self._cut_longest_us, self.open_us)
            else:
                if self._ended is None:
                    self._ended = Histogram()
                self._ended.add(self.open_us)
            self.open_us = 0
        self.torn = unread

    @property
    def any(self) -> bool:
        """Whether there was one."""
        return bool(self.open_us or self._ended or self._cut or self.fresh or self.head)

    def add_ended_to(self, lengths: Histogram) -> None:
        """Count those that were seen from beginning to end in another, too."""
        if self._ended:
            lengths.absorb(self._ended.state())

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        ended = self._ended.state() if self._ended else None
        return [self.fresh, self.head, self._cut, self._cut_longest_us, ended, self.open_us, self.torn]

    def absorb(self, state: list[Any]) -> None:
        """Add the runs of the piece that follows, but for its head, which the caller has put to these."""
        fresh, head, cut, cut_longest_us, ended, open_us, torn = state
        if fresh:
            return
        self._cut += cut
        self._cut_longest_us = max(self._cut_longest_us, cut_longest_us)
        if ended is not None:
            if self._ended is None:
                self._ended = Histogram()
            self._ended.absorb(ended)
        if head is not None or open_us:
            self.open_us, self.torn = open_us, torn

    def to_json(self) -> Lengths:
        """As a summary has it; one that goes on has its length so far."""
        lengths, cut, cut_us = self._ended, self._cut, self._cut_longest_us
        if self.open_us and self.torn:
            cut, cut_us = cut + 1, max(cut_us, self.open_us)
        elif self.open_us:
            lengths = lengths.copy() if lengths else Histogram()
            lengths.add(self.open_us)
        p50, p95, p99 = lengths.quantiles(_QUANTILES) if lengths else (None, None, None)
        return {
            "count": lengths.count if lengths else 0,
            "cut": cut,
            "cut_longest_s": cut_us / 1e6 if cut else None,
            "p50_s": seconds(p50),
            "p95_s": seconds(p95),
            "p99_s": seconds(p99),
            "max_s": lengths.max_us / 1e6 if lengths else None,
            "histogram": lengths.steps() if lengths else [],
        }
