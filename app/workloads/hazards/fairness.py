"""How evenly something is shared out."""

from __future__ import annotations

from collections.abc import Sequence


def jain(shares: Sequence[float]) -> float | None:
    """Jain's fairness index: 1 where all have the same, 1/n where one of n has everything; None for nothing.

    Jain, Chiu, Hawe: A Quantitative Measure of Fairness (1984): (Σx)² / (n Σx²).
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else None
