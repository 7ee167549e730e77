"""From a random sample of pages to the whole heap, with an interval.

A heap is told apart by its size classes. Of each the blocks in use are known, of all its pages; a sample of
its pages tells which part of them are objects of which type, and how much those take (a ratio estimate).
Blocks of one page are alike, for they were made at about the same time: so a page is the unit. So are pages
that lie side by side: the sample is systematic, every so many of them, and how pages differ from their
neighbours in it gives the interval. A class whose pages were all read whole has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_NORMAL = 1.96  # 95 %


class Page(NamedTuple):
    """A page of the sample: its blocks in use, and by type how many are objects of it and their bytes."""

    blocks: int
    of: Mapping[str, tuple[float, float]]


@dataclass
class Stratum:
    """The pages of one size class. `blocks` are in use in all of them; `whole`: the sample is all of them."""

    blocks: int
    whole: bool
    sample: list[Page] = field(default_factory=list)


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


def add_stratum(found: dict[str, Estimate], stratum: Stratum) -> None:
    """Adds what a stratum holds to what a heap does, by type."""
    for name, (counts, sizes) in _ratios(stratum.sample).items():
        found.setdefault(name, Estimate()).add(*counts.whole(stratum), *sizes.whole(stratum))


def _ratios(sample: list[Page]) -> dict[str, tuple[_Ratio, _Ratio]]:
    """Of counts and of bytes, by type."""
    ratios: dict[str, tuple[_Ratio, _Ratio]] = {}
    before: Page | None = None
    for page in sample:
        names = page.of.keys() if before is None else page.of.keys() | before.of.keys()
        for name in names:
            each = ratios.get(name)
            if each is None:
                each = ratios[name] = _Ratio(), _Ratio()
            now = page.of.get(name, _NONE)
            for place, ratio in enumerate(each):
                ratio.sum += now[place]
                if before is not None:
                    then = before.of.get(name, _NONE)
                    ratio.step(now[place] - then[place], page.blocks - before.blocks)
        before = page
    return ratios


_NONE = (0.0, 0.0)


class _Ratio:
    """What pages have of a type, over their blocks in use; pages come in the order in which they lie."""

    def __init__(self) -> None:
        self.sum = 0.0
        self._squares = self._products = 0.0  # of the differences between neighbours

    def step(self, difference: float, blocks: int) -> None:
        """Takes in how a page differs from the one before. Where both have none it need not be told."""
        self._squares += difference * difference
        self._products += difference * blocks

    def whole(self, stratum: Stratum) -> tuple[float, float]:
        """The sum over all pages, and how far off it may be."""
        sample = stratum.sample
        number, blocks = len(sample), sum(page.blocks for page in sample)
        if not blocks:
            return 0.0, 0.0
        ratio = self.sum / blocks
        whole = ratio * stratum.blocks
        if stratum.whole:
            return whole, 0.0
        if number < 2:
            return whole, whole
        # Half the mean square of what y - ratio * x changes by from a page to the next.
        squares = sum((b.blocks - a.blocks) ** 2 for a, b in zip(sample, sample[1:]))
        spread = max(0.0, self._squares - 2 * ratio * self._products + ratio * ratio * squares)
        scale = stratum.blocks / blocks
        variance = scale * scale * number * spread / (2 * (number - 1))
        return whole, _student(number - 1) * math.sqrt(variance)


def _student(freedom: int) -> float:
    """The quantile of Student's t for 95 %, to some hundredths."""
    return _NORMAL + 2.5 / freedom + 8.3 / freedom**3
