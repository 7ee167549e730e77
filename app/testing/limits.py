"""What a mark holds a test to, and whether what was measured keeps to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from app.model import units
from app.testing.measured import MeasuredTest

_SHARES = {"%": 0.01}
_TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_SIZES = {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(\S+)\s*")


@dataclass(frozen=True, slots=True)
class LimitMark:
    """A mark of pytest: what it bounds, and how that is read and told."""

    name: str
    bounds: str  # what it bounds, in words
    sentence: str  # that says how much it was
    example: str
    amounts: dict[str, float]  # by unit
    tell: Callable[[float | None], str]
    of: Callable[[MeasuredTest], float | None]  # what was measured; None where it was not
    why: Callable[[MeasuredTest], str]  # who was at fault, as a sentence; "" where that is not known


MARKS = {
    mark.name: mark
    for mark in (
        LimitMark(
            "limit_gil_wait",
            "the time that threads waited for the GIL, of the time in which they held it or waited for it",
            "Threads waited for the GIL for {} of the time in which they held it or waited for it",
            "20%",
            _SHARES,
            units.share,
            lambda measured: measured.gil_wait,
            lambda measured: measured.waited_for,
        ),
        LimitMark(
            "limit_gil_hold",
            "how long one thread at a stretch held the GIL while another waited for it",
            "One thread held the GIL for {} at a stretch while another waited for it",
            "50 ms",
            _TIMES,
            units.seconds,
            lambda measured: measured.gil_hold_s,
            lambda measured: measured.held_by,
        ),
        LimitMark(
            "limit_rss_growth",
            "how much more memory the process has after the test than before it (RSS)",
            "The process has {} more memory (RSS) after the test than before it",
            "10 MiB",
            _SIZES,
            units.size,
            lambda measured: measured.rss_growth,
            lambda measured: "",
        ),
        LimitMark(
            "limit_blocked_loop",
            "how long an event loop did not come round to look for what is ready",
            "An event loop did not come round to look for what is ready for {}",
            "100 ms",
            _TIMES,
            units.seconds,
            lambda measured: measured.blocked_loop_s,
            lambda measured: measured.blocked_by,
        ),
    )
}


class BadLimit(ValueError):
    """A mark without one amount that can be read; its text says what was expected."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one test is held to."""

    mark: LimitMark
    most: float  # in the unit of what is measured: a share, seconds or bytes

    def broken(self, measured: MeasuredTest) -> str | None:
        """What is to be said of a test that went beyond; None of one that kept to it, or was not seen."""
        found = self.mark.of(measured)
        if found is None or found <= self.most:
            return None
        mark = self.mark
        said = mark.sentence.format(mark.tell(found))
        return f"{said}; {mark.name} allows {mark.tell(self.most)}. {mark.why(measured)}".strip()

    def unknown(self, measured: MeasuredTest) -> bool:
        """Whether what it bounds could not be measured."""
        return self.mark.of(measured) is None


def limit(name: str, amounts: list[object]) -> Limit:
    """The limit that a mark with these amounts sets; BadLimit."""
    mark = MARKS[name]
    told = f'Write one amount, such as @pytest.mark.{name}("{mark.example}")'
    if len(amounts) != 1 or not isinstance(amounts[0], str):
        raise BadLimit(f"{name} takes one amount in quotes. {told}")
    found = _AMOUNT.fullmatch(amounts[0])
    if found is None or found[2] not in mark.amounts:
        raise BadLimit(f"{name} cannot read {amounts[0]!r}. {told}; units are {', '.join(mark.amounts)}")
    return Limit(mark, float(found[1]) * mark.amounts[found[2]])
