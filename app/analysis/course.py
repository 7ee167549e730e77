"""How some values of a process went over the whole run, in few enough rows to be sent and kept whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.model.summary import CourseRows

MAX_ROWS = 60

Row = tuple[int | None, ...]  # at_us first


class Course:
    """Readings, each as it was taken. When they become too many, every other one goes, but for the newest."""

    __slots__ = ("_every", "_kept", "_newest", "_offered")

    def __init__(self) -> None:
        self._kept: list[Row] = []
        self._every = 1
        self._offered = 0
        self._newest: Row | None = None

    def add(self, row: Row) -> None:
        """Take a reading; its turn to be kept comes once in so many."""
        self._newest = row
        if self._offered % self._every == 0:
            self._kept.append(row)
            if len(self._kept) > MAX_ROWS:
                del self._kept[1::2]
                self._every *= 2
        self._offered += 1

    def state(self) -> list[Row]:
        """The readings kept, in order, and the last one in any case; to be stored."""
        last = [] if self._newest is None or self._kept[-1] is self._newest else [self._newest]
        return [*self._kept, *last]

    def absorb(self, state: Iterable[Sequence[int | None]]) -> None:
        """Take the readings of the piece that follows."""
        for row in state:
            self.add(tuple(row))

    def between(self, from_us: int, to_us: int) -> list[Row]:
        """The readings of that time which are kept."""
        return [row for row in self.state() if from_us <= (row[0] or 0) <= to_us]

    def to_json(self, names: Sequence[str]) -> CourseRows:
        """{"names": [...], "rows": [...]}: the readings kept, in order, and the last one in any case."""
        return {"names": list(names), "rows": [list(row) for row in self.state()]}
