"""The looks of the last while: what a thread was executing during a wait or a hold that has just ended.

Looks and the frame that they fall into come in either order, so they are kept for KEPT_US; of a stretch that
lasted longer the last KEPT_US speak.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from typing import Any, NamedTuple

from app.analysis.functions import Place

KEPT_US = 20_000_000

Seen = tuple[int, Place | None]  # a lane, and where it was


class Look(NamedTuple):
    """One instant of one GIL."""

    at_us: int
    holder: Seen
    waiter: Seen


class LookLog:
    """Looks by GIL; under None those of processes that run without."""

    def __init__(self, piece: bool = False) -> None:
        """Of a piece of an observation (pieces.py) it is asked for those at both ends, however far apart."""
        self._piece = piece
        self._looks: dict[int | None, list[Look]] = {}

    def add(self, at_us: int, gil: int | None, holder: Seen, waiter: Seen) -> None:
        """Keep a look, and let go of those that are too old, half of all that are kept at a time."""
        looks = self._looks.setdefault(gil, [])
        looks.append(Look(at_us, holder, waiter))
        _let_go(looks)

    def state(self, until_us: int, from_us: int) -> list[Any]:
        """The looks up to an instant and those from another on, to be stored."""
        places: dict[Place | None, int] = {}
        kept = [
            (at_us, holder, _numbered(holding, places), waiter, _numbered(waiting, places), gil)
            for gil, looks in self._looks.items()
            for at_us, (holder, holding), (waiter, waiting) in looks
            if at_us <= until_us or at_us >= from_us
        ]
        return [[*places], [list(column) for column in zip(*kept, strict=True)]]  # which compress better

    def absorb(self, state: list[Any]) -> None:
        """Take the looks of the piece that follows: those at its ends, which may lie far apart, both stay."""
        for looks in () if self._piece else self._looks.values():
            _let_go(looks)
        told, columns = state
        places = [None if place is None else Place(*place) for place in told]
        for at_us, holder, holding, waiter, waiting, gil in zip(*columns, strict=True):
            look = Look(at_us, (holder, places[holding]), (waiter, places[waiting]))
            self._looks.setdefault(gil, []).append(look)

    def forget(self, gils: set[int]) -> None:
        """Nothing is asked of these GILs any more."""
        for gil in gils:
            self._looks.pop(gil, None)

    def newest_us(self, gil: int | None) -> int:
        """When the lock was last looked at; -1 for never."""
        looks = self._looks.get(gil)
        return looks[-1].at_us if looks else -1

    def waited_at(self, gil: int | None, lane: int, from_us: int, until_us: int) -> Place | None:
        """Where a thread stood that waited all the time between: it stays where it is, so one look tells."""
        seen = (look.waiter for look in self._between(gil, from_us, until_us))
        return next((place for waiter, place in seen if waiter == lane and place), None)

    def held_at(self, gil: int | None, lane: int, from_us: int, until_us: int) -> Place | None:
        """The function in which a thread was seen most while it held the lock, and its line seen most."""
        places = Counter(
            place
            for holder, place in (look.holder for look in self._between(gil, from_us, until_us))
            if holder == lane and place
        )
        functions: Counter[int] = Counter()
        for place, count in places.items():
            functions[place.function] += count
        return min(
            places,
            key=lambda place: (-functions[place.function], place.function, -places[place], place.line),
            default=None,
        )

    def _between(self, gil: int | None, from_us: int, until_us: int) -> list[Look]:
        looks = self._looks.get(gil, [])
        begin = bisect_left(looks, from_us, key=lambda look: look.at_us)
        return looks[begin : bisect_right(looks, until_us, key=lambda look: look.at_us)]


def _let_go(looks: list[Look]) -> None:
    """Forget those that are too old."""
    if looks and looks[0].at_us < looks[-1].at_us - 2 * KEPT_US:
        del looks[: bisect_left(looks, looks[-1].at_us - KEPT_US, key=lambda look: look.at_us)]


def _numbered(place: Place | None, places: dict[Place | None, int]) -> int:
    return places.setdefault(place, len(places))
