"""Hot functions: which one a holder of the GIL was in, and how much of the waiting each caused."""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from app.analysis.functions import Functions, Place
from app.model.summary import HotRow

UNREAD = "stack unknown"  # the row of looks that found no stack: its file and line are null


class _Count:
    __slots__ = ("callers", "lines", "looks", "waiters")

    def __init__(self) -> None:
        self.callers: Counter[tuple[Place, ...]] = Counter()
        self.looks = 0
        self.waiters = 0
        self.lines: Counter[int] = Counter()


class HotFunctions:
    """Counts of looks at a holder, by the function of its innermost frame."""

    def __init__(self) -> None:
        self._looks = 0
        self._waiters = 0
        self._counts: dict[int | None, _Count] = {}

    def add(self, place: Place | None, waiters: int, looks: int = 1, callers: tuple[Place, ...] = ()) -> None:
        """Count looks at a holder that was at `place`, while so many waited, all of them together."""
        count = self._counts.setdefault(place.function if place else None, _Count())
        count.looks += looks
        count.waiters += waiters
        self._looks += looks
        self._waiters += waiters
        if place:
            count.lines[place.line] += looks
            count.callers[callers] += looks

    def rows(self, limit: int, functions: Functions) -> list[HotRow]:
        """The functions seen most, most first. A share of nothing is null.

        `line` is the one seen most, and `callers` those that called it most: in a function of the standard
        library, such as one that raises queue.Empty, the line tells nothing of who polls.
        """
        ordered = sorted(
            self._counts.items(),
            key=lambda item: (-item[1].looks, -item[1].waiters, -1 if item[0] is None else item[0]),
        )
        return [
            {
                "function": UNREAD if function is None else functions[function].name,
                "file": None if function is None else functions[function].file,
                "line": most_seen(count.lines),
                "callers": [
                    [functions[at.function].name, functions[at.function].file, at.line]
                    for at in most_seen(count.callers) or ()
                ],
                "held_share": count.looks / self._looks,
                "waited_share": count.waiters / self._waiters if self._waiters else None,
            }
            for function, count in ordered[:limit]
        ]


T = TypeVar("T", int, tuple[Place, ...])


def most_seen(counts: Counter[T]) -> T | None:
    """What was counted most; of equals, the lowest. None where nothing was."""
    return min(counts, key=lambda value: (-counts[value], value), default=None)
