"""Figures as a person reads them. None, which is what could not be measured, is a dash."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

ABSENT = "–"
_BYTES_A_STEP = 1024


def share(value: float | None) -> str:
    """0.974 as "97 %"; below a tenth with one decimal, so that a small share does not read as none."""
    if value is None:
        return ABSENT
    if 0 < value < 0.0005:
        return "<0.1 %"
    return f"{value * 100:.1f} %" if 0 < value < 0.0995 else f"{value * 100:.0f} %"


def coverage(value: float | None) -> str:
    """How much of a time was seen, rounded down to a tenth: "100 %" is all of it.

    To a whole it would stand as less beside a share of the same time, which is rounded up as well.
    """
    return ABSENT if value is None else f"{floor(value * 1000 + 0.05) / 10:g} %"


def at_least(known: float | None, cut: float | None) -> str:
    """The longest of some lengths: one that is known, or if it is longer one of which no more was seen.

    The latter reads "≥ 3.2 s".
    """
    if cut is not None and cut > (known or 0.0):
        return f"≥ {seconds(cut)}"
    return seconds(known)


def seconds(value: float | None) -> str:
    """A length of time in the unit that keeps three digits: µs, ms or s."""
    if value is None:
        return ABSENT
    if value < 0.9995e-3:
        return f"{_three_digits(value * 1e6)} µs"
    if value < 0.9995:
        return f"{_three_digits(value * 1e3)} ms"
    return f"{_three_digits(value)} s"


def size(value: float | None) -> str:
    """Bytes in binary units: 25165824 as "24 MiB", and so many less as "−24 MiB"."""
    if value is None:
        return ABSENT
    if value < 0:
        return f"−{size(-value)}"
    amount = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < _BYTES_A_STEP:
            return f"{_three_digits(amount)} {unit}"
        amount /= _BYTES_A_STEP
    return f"{_three_digits(amount)} TiB"


def count(value: float | None) -> str:
    """A number of things, in groups of three digits."""
    return ABSENT if value is None else f"{value:,.0f}"


def mean(value: float | None) -> str:
    """A mean of a small count, such as waiters, in as many digits as the page: "0.05", "2.94", "12.3"."""
    return ABSENT if value is None else f"{value:.{2 if value < 9.995 else 1}f}"


def per_second(value: float | None, form: Callable[[float | None], str] = count) -> str:
    """A rate."""
    return ABSENT if value is None else f"{form(value)}/s"


def rate(value: float | None) -> str:
    """How often a second, of what may be rare or frequent: "0.52/s", "48.7/s", "1,234/s"."""
    return per_second(value, count if value is None or value >= 99.95 else _digits)


def _digits(value: float | None) -> str:
    return ABSENT if value is None else _three_digits(value)


def _three_digits(value: float) -> str:
    if value < 9.995:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.1f}".rstrip("0").rstrip(".") if value < 99.95 else f"{value:.0f}"
