"""From a random sample of pages to the whole heap, with an interval.

A heap is told apart by its size classes. Of each the blocks in use are known, of all its pages; a sample of
its pages tells which part of them are objects of which type, and how much those take (a ratio estimate).
Blocks of one page are alike, for they were made at about the same time: so a page is the unit. So are pages
that lie side by side: the sample is systematic, every so many of them, and how pages differ from their
neighbours in it gives the interval. A class whose pages were all read whole has none; one of which some were
missed has that of a sample, by the part of its blocks that were not read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

_NORMAL = 1.96  # 95 %


class Page(NamedTuple):
    """A page of the sample: its blocks in use, and by type how many are objects of it and their bytes."""

    blocks: int
    of: Mapping[str, tuple[float, float]]


@dataclass
class Estimate:
    """How many objects a type has, and what they take; `_off` is how far off that may be, 95 times of 100."""

    count: float = 0
    count_off: float = 0
    bytes: float = 0
    bytes_off: float = 0

    def add(self, count: float, count_off: float, bytes_: float, bytes_off: float) -> None:
        """Adds what was judged apart."""
        self.count += count
        self.count_off = math.hypot(self.count_off, count_off)
        self.bytes += bytes_
        self.bytes_off = math.hypot(self.bytes_off, bytes_off)


def add_all(found: dict[str, Estimate], more: Mapping[str, Estimate]) -> None:
    """Adds what was judged apart, by type."""
    for name, of in more.items():
        found.setdefault(name, Estimate()).add(of.count, of.count_off, of.bytes, of.bytes_off)


class Stratum:
    """The pages of one size class, of which those of the sample are added in the order in which they lie."""

    def __init__(self, blocks: int, whole: bool) -> None:
        """`blocks` are in use in all of its pages; `whole`: the sample is all of them."""
        self._whole, self._is_whole = blocks, whole
        self._missed = 0
        self._number = self._blocks = 0  # of the sample
        self._squares = 0.0  # of how the blocks of neighbours differ
        self._before = Page(0, {})
        self._ratios: dict[str, tuple[_Ratio, _Ratio]] = {}  # of counts and of bytes, by type

    def add(self, page: Page) -> None:
        """Takes in a page of the sample."""
        before, step = self._before, page.blocks - self._before.blocks
        is_first = not self._number
        for name in page.of.keys() | before.of.keys():
            each = self._ratios.get(name)
            if each is None:
                each = self._ratios[name] = _Ratio(), _Ratio()
            now, then = page.of.get(name, _NONE), before.of.get(name, _NONE)
            for place, ratio in enumerate(each):
                ratio.sum += now[place]
                if not is_first:
                    ratio.step(now[place] - then[place], step)
        self._squares += 0 if is_first else step * step
        self._number += 1
        self._blocks += page.blocks
        self._before = page

    def miss(self) -> None:
        """A page of the sample could not be read."""
        self._missed += 1

    def add_to(self, found: dict[str, Estimate]) -> None:
        """Adds what the class holds to what a heap does, by type."""
        if self._blocks:
            for name, (counts, sizes) in self._ratios.items():
                size = sizes.sum / counts.sum if counts.sum else 0.0
                found.setdefault(name, Estimate()).add(
                    *self._estimate(counts, 1.0), *self._estimate(sizes, size)
                )

    def _estimate(self, of: _Ratio, each: float) -> tuple[float, float]:
        """The sum over all pages, and how far off it may be; `each` is what one object of the type adds."""
        scale, number = self._whole / self._blocks, self._number
        whole = of.sum * scale
        if self._is_whole and not self._missed:
            return whole, 0.0
        if number < 2:
            return whole, whole
        # Half the mean square of what y - ratio * x changes by from a page to the next.
        ratio = of.sum / self._blocks
        spread = max(0.0, of.squares - 2 * ratio * of.products + ratio * ratio * self._squares)
        variance = scale * scale * number * spread / (2 * (number - 1))
        if self._is_whole:
            variance *= max(0.0, 1 - self._blocks / self._whole)
        # Where all pages of the sample are alike, others may yet differ: with a chance of 95 % what was not
        # once seen in n blocks is less than 3 of n.
        unseen = _RULE_OF_THREE * scale * each * max(0.0, 1 - self._blocks / self._whole)
        return whole, max(_student(number - 1) * math.sqrt(variance), unseen)


_NONE = (0.0, 0.0)
_RULE_OF_THREE = 3


class _Ratio:
    """What pages have of a type, over their blocks in use."""

    __slots__ = ("products", "squares", "sum")

    def __init__(self) -> None:
        self.sum = self.squares = self.products = 0.0

    def step(self, difference: float, blocks: int) -> None:
        """Takes in how a page differs from the one before. Where both have none it need not be told."""
        self.squares += difference * difference
        self.products += difference * blocks


def _student(freedom: int) -> float:
    """The quantile of Student's t for 95 %, to some hundredths."""
    return _NORMAL + 2.5 / freedom + 8.3 / freedom**3
