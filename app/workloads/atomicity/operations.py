"""The operations whose atomicity is tried: each a line of source, what it starts from, what it must leave.

Several threads run the line at once, each for every `x` of its numbers. The line's names are those of one
module: `L` a list, `D` a dict, `i` and `y` variables, `o` an object; only `mine` is a list of the thread's
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from types import SimpleNamespace
from typing import Any, NamedTuple

ATOMIC, NOT_ATOMIC = "atomic", "not atomic"
MOST_THREADS = 16

_SLOTS = 64
_POPS = 5_000


class Left(NamedTuple):
    """What a round left behind."""

    names: dict[str, Any]
    tries: int
    mine: Sequence[list[Any]]

    @property
    def noted(self) -> list[Any]:
        """What all threads noted."""
        return list(chain.from_iterable(self.mine))


class Operation(NamedTuple):
    """A line of source; `lost` counts what its outcome lacks, or has wrong."""

    statement: str
    start: Callable[[], dict[str, Any]]
    lost: Callable[[Left], int]
    book: str = ""  # what the book calls it, after CPython's FAQ on thread-safe mutation
    same_numbers: bool = False  # all threads run it for the same numbers, else each for its own
    most: int = 20_000  # tries of a thread in a round, fewer where each costs more than the one before


def _items(a_try: int = 1) -> Callable[[Left], int]:
    """Items that a list lacks, which got so many with each try."""
    return lambda left: a_try * left.tries - len(left.names["L"])


def _keys(a_try: int = 1) -> Callable[[Left], int]:
    """Keys that a dict lacks, which got so many with each try."""
    return lambda left: a_try * left.tries - len(left.names["D"])


def _torn(left: Left) -> int:
    """Pairs whose halves come from different tries."""
    return sum(first != second for first, second in left.noted)


def _apart(left: Left) -> int:
    """Items that a list lacks, and pairs with something in between."""
    items: list[int] = left.names["L"]
    return 2 * left.tries - len(items) + sum(a != b for a, b in zip(items[::2], items[1::2]))


def _popped_twice(left: Left) -> int:
    """Items that nobody got, for somebody else got another one twice."""
    there: set[int] = {*left.names["L"], *left.noted}
    return _POPS * MOST_THREADS - len(there)


def _misplaced(left: Left) -> int:
    return sum(item % _SLOTS != slot for slot, item in enumerate(left.names["L"]))


def _unsorted(left: Left) -> int:
    items: list[int] = left.names["L"]
    return left.tries - len(items) + (items != sorted(items))


def _claimed_twice(left: Left) -> int:
    return len(left.noted) - len(left.names["D"])


def _in_python(item: int) -> int:
    """A sort key that is byte code, so that other threads may run in the midst of the sort."""
    return -item


OPERATIONS = (
    Operation("L.append(x)", lambda: {"L": []}, _items(), ATOMIC),
    Operation("L.extend((x, x))", lambda: {"L": []}, _apart, ATOMIC),
    Operation(
        "mine.append(L.pop())",
        lambda: {"L": list(range(_POPS * MOST_THREADS))},
        _popped_twice,
        ATOMIC,
        most=_POPS,
    ),
    Operation("L[x % 64] = x", lambda: {"L": list(range(_SLOTS))}, _misplaced, ATOMIC),
    Operation("L[:2] = (x, x); mine.append(L[:2])", lambda: {"L": [0, 0]}, _torn, ATOMIC),
    Operation("L.append(-x); L.sort()", lambda: {"L": []}, _unsorted, ATOMIC, most=200),
    Operation("y = (x, x); mine.append(y)", lambda: {"y": (0, 0)}, _torn, ATOMIC),
    Operation(
        "o.field = (x, x); mine.append(o.field)",
        lambda: {"o": SimpleNamespace(field=(0, 0))},
        _torn,
        ATOMIC,
    ),
    Operation("D[x] = x", lambda: {"D": {}}, _keys(), ATOMIC),
    Operation("D.update({x: x, -x: x})", lambda: {"D": {}}, _keys(2), ATOMIC),
    Operation(
        "D[x] = x; mine.append(list(D.keys())); del D[x]",
        lambda: {"D": {}},
        lambda left: len(left.names["D"]),
        ATOMIC,
        most=2_000,
    ),
    Operation("i += 1", lambda: {"i": 0}, lambda left: left.tries - left.names["i"], NOT_ATOMIC),
    Operation(
        "L.append(L[-1] + 1)", lambda: {"L": [0]}, lambda left: left.tries - max(left.names["L"]), NOT_ATOMIC
    ),
    Operation(
        "L[x % 63], L[63] = L[63], L[x % 63]",
        lambda: {"L": list(range(_SLOTS))},
        lambda left: _SLOTS - len(set(left.names["L"])),
        NOT_ATOMIC,
    ),
    Operation(
        "D[0] = D[0] + 1", lambda: {"D": {0: 0}}, lambda left: left.tries - left.names["D"][0], NOT_ATOMIC
    ),
    Operation("i = int(i) + 1", lambda: {"i": 0}, lambda left: left.tries - left.names["i"]),
    Operation(
        "D[0] = D.get(0, 0) + 1", lambda: {"D": {}}, lambda left: left.tries - left.names["D"].get(0, 0)
    ),
    Operation(
        "D.setdefault(x % 100, []).append(x)",
        lambda: {"D": {}},
        lambda left: left.tries - sum(map(len, left.names["D"].values())),
    ),
    Operation(
        "if x not in D: D[x] = x; mine.append(x)", lambda: {"D": {}}, _claimed_twice, same_numbers=True
    ),
    Operation(
        "if D.get(x) is None: D[x] = x; mine.append(x)", lambda: {"D": {}}, _claimed_twice, same_numbers=True
    ),
    Operation(
        "L.append(x); L.sort(key=in_python)",
        lambda: {"L": [], "in_python": _in_python},
        lambda left: left.tries - len(left.names["L"]),
        most=100,
    ),
)
