"""The worst tests, as lines of pytest's summary."""

from __future__ import annotations

from collections.abc import Iterator

from app.testing.limits import MARKS
from app.testing.measured import MeasuredTest


def report(tests: list[MeasuredTest], most: int) -> Iterator[str]:
    """Of each figure the tests that are worst in it, `most` at the most."""
    if not tests:
        yield "No test took long enough to be observed."
        return
    for mark in MARKS.values():
        found = [(figure, test) for test in tests if (figure := mark.of(test)) is not None and figure > 0]
        worst = sorted(found, key=lambda pair: -pair[0])[:most]
        if worst:
            yield f"{mark.name}: {mark.bounds}"
        for figure, test in worst:
            yield f"  {mark.tell(figure):>9}  {test.test}  {mark.why(test)}".rstrip()
    yield f"{len(tests)} tests were observed, of which {_seen(tests):.0%} of the time was seen."


def _seen(tests: list[MeasuredTest]) -> float:
    whole_s = sum(test.length_s for test in tests)
    return sum(test.seen * test.length_s for test in tests) / whole_s if whole_s else 0.0
