"""The Mann-Whitney test: whether two samples are of the same height, whatever the form of their noise.

Exact for samples of up to EXACT values each, ties included, by the number of ways in which a rank sum as far
from its mean comes about; of larger ones the normal approximation, corrected for ties. H. B. Mann and
D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
Annals of Mathematical Statistics 18 (1947).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import comb, erfc, sqrt

EXACT = 20


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p value, from 0 to 1: how often equal samples would differ at least as much by chance.

    ValueError where one has no values.
    """
    if not a or not b:
        raise ValueError("each sample needs a value")
    doubled = _doubled_ranks([*a, *b])  # whole numbers, ties too
    rank_sum = sum(doubled[: len(a)])
    if max(len(a), len(b)) <= EXACT:
        return _exact(doubled, len(a), rank_sum)
    return _approximate(doubled, len(a), rank_sum)


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice each value's rank from 1 up; equal values share the mean of theirs."""
    counts = Counter(values)
    ranks: dict[float, int] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = 2 * below + counts[value] + 1
        below += counts[value]
    return [ranks[value] for value in values]


def _exact(doubled: Sequence[int], size: int, rank_sum: int) -> float:
    ways: list[Counter[int]] = [Counter({0: 1}), *(Counter() for _ in range(size))]
    for rank in doubled:
        for chosen in range(size, 0, -1):
            for total, number in ways[chosen - 1].items():
                ways[chosen][total + rank] += number
    mean = size * (len(doubled) + 1)
    far = abs(rank_sum - mean)
    return sum(number for total, number in ways[size].items() if abs(total - mean) >= far) / comb(
        len(doubled), size
    )


def _approximate(doubled: Sequence[int], size: int, rank_sum: int) -> float:
    number = len(doubled)
    mean = size * (number + 1)
    ties = sum(count**3 - count for count in Counter(doubled).values())
    spread = size * (number - size) / 12 * ((number + 1) - ties / (number * (number - 1)))
    if spread <= 0:
        return 1.0  # all values are equal
    distance = max(0.0, abs(rank_sum - mean) / 2 - 0.5)
    return erfc(distance / sqrt(2 * spread))
