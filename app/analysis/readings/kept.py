"""The newest reading of each process, and how some of its values went over the run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from app.analysis.by_pid import ByPid
from app.analysis.course import Course
from app.model.frames import Message, from_json, to_json
from app.model.readings.reading import ProcessReading
from app.model.summary import CourseRows

R = TypeVar("R", bound=ProcessReading)
Json = dict[str, Any]


class KeptReading(Generic[R]):
    """Of one process."""

    def __init__(self, newest: R) -> None:
        self.newest = newest
        self.gone = False
        self.course = Course()


class Kept(ByPid[KeptReading[R]], Generic[R]):
    """Of all processes of a run, a PerProcess; one kind of reading says what a row has."""

    message: ClassVar[type[ProcessReading]]
    columns: ClassVar[tuple[str, ...]]  # the fields of a row whose course is kept, each a number or null

    def row(self, reading: R) -> Mapping[str, Any]:
        """What a row has beside what each has (`rows`); the fields of the message, unless it says more."""
        fields = to_json(reading)
        return {name: value for name, value in fields.items() if name not in ("type", "at_us", "pid")}

    def rows(self) -> list[Json]:
        """Of a summary: "pid", "at_s", "ended", what `row` says, and "course"."""
        return [
            {**self._row(process), "course": self._course(process)} for process in self._processes.values()
        ]

    def live_rows(self) -> list[Json]:
        """Of figures: of the processes that are there, without a course."""
        return [self._row(process) for process in self._live()]

    def courses(self) -> list[Json]:
        """Of a header: {"pid", "names", "rows"} of each process that is there."""
        return [{"pid": process.newest.pid, **self._course(process)} for process in self._live()]

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take a reading of this kind."""
        if not isinstance(message, self.message):
            return
        reading: Any = message
        process = self._of(reading.pid, partial(KeptReading, reading))
        process.newest = reading
        row = self.row(reading)
        process.course.add((reading.at_us, *(row[name] for name in self.columns)))

    def begin(self, before: Kept[R]) -> None:
        """Of a piece: all is told anew in it."""

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [
            [to_json(process.newest), process.gone, process.course.state()]
            for process in self._processes.values()
        ]

    def absorb(self, state: list[Any], begin_us: int) -> None:
        """Add the piece that follows."""
        for newest, gone, course in state:
            reading: Any = from_json(newest)
            process = self._of(reading.pid, partial(KeptReading, reading))
            process.newest, process.gone = reading, gone
            process.course.absorb(course)

    def _row(self, process: KeptReading[R]) -> Json:
        newest = process.newest
        return {"pid": newest.pid, "at_s": newest.at_us / 1e6, "ended": process.gone, **self.row(newest)}

    def _course(self, process: KeptReading[R]) -> CourseRows:
        return process.course.to_json(("at_us", *self.columns))
