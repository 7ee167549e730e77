"""Running totals that the kernel keeps, and how far they moved in the measured time."""

from __future__ import annotations

from collections.abc import Sequence


class Totals:
    """The newest reading of some running totals, against those of the moment from which to count.

    What could not be read is None, and leaves the reading before it standing: the totals of a process that
    has ended are the last that were seen of it.
    """

    __slots__ = ("_newest", "_origin")

    def __init__(self, width: int) -> None:
        self._newest: list[int | None] = [None] * width
        self._origin = [0] * width

    def read(self, values: Sequence[int | None]) -> None:
        """Take a reading, a value for each total."""
        for index, value in enumerate(values):
            if value is not None:
                self._newest[index] = value

    def state(self) -> list[int | None]:
        """The newest reading, to be stored."""
        return self._newest

    def origin(self) -> list[int]:
        """What it is counted from, to be stored."""
        return self._origin

    def count_from(self, origin: Sequence[int]) -> None:
        """Count from there; see `origin`."""
        self._origin = [*origin]

    def rebase(self) -> None:
        """Count from the newest reading on."""
        self._origin = [value or 0 for value in self._newest]

    def moved(self, index: int) -> int | None:
        """How far a total moved; None while it was never read."""
        newest = self._newest[index]
        return None if newest is None else newest - self._origin[index]


def seconds(length_us: int | None) -> float | None:
    """Microseconds as seconds; None stays None."""
    return None if length_us is None else length_us / 1e6
