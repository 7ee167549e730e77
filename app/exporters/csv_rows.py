"""CSV: a row for each stretch of a thread's state, and for each hold of a GIL.

`what` is state or hold, `value` the state, or the holder's name; `tid` is the thread's, or the holder's.
Times are in microseconds from the start of the observation.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from app.exporters.course import GilSlice, LaneSlice, course
from app.exporters.exporter import Source
from app.model.frames import Names
from app.model.states import HOLDER_UNKNOWN, STATES
from app.model.tracks import Cast

COLUMNS = ("what", "pid", "interpreter", "tid", "thread", "value", "start_us", "end_us")
_AT_A_TIME = 4096  # rows

_Key = tuple[type, int, int]


class CsvRows:
    """An Exporter."""

    name = "csv"
    suffix = ".csv"
    media_type = "text/csv; charset=utf-8"
    title = "States and holds (CSV)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        cast = Cast()
        heads: dict[_Key, str] = {}  # all but the times; they are the same for millions of rows
        rows = [_line(COLUMNS)]
        for part in course(source.messages(), cast):
            if isinstance(part, LaneSlice | GilSlice):
                kind, index, value = type(part), part[0], part[1]
                head = heads.get((kind, index, value))
                if head is None:
                    head = heads[kind, index, value] = _head(part, cast)
                rows.append(f"{head}{part.start_us},{part.end_us}\r\n")
                if len(rows) >= _AT_A_TIME:
                    yield "".join(rows).encode()
                    rows.clear()
            elif isinstance(part, Names):
                heads.clear()
        yield "".join(rows).encode()


def _head(part: LaneSlice | GilSlice, cast: Cast) -> str:
    """A row up to its times."""
    if isinstance(part, LaneSlice):
        who = cast.lanes[part.lane].who
        return _line(("state", who.pid, who.interpreter, who.tid, who.name, STATES[part.state], ""), "")
    whose = cast.gils[part.gil].whose
    if part.holder == HOLDER_UNKNOWN:
        return _line(("hold", whose.pid, whose.interpreter, None, None, "unknown", ""), "")
    who = cast.lanes[part.holder].who
    return _line(("hold", whose.pid, whose.interpreter, who.tid, who.name, who.name, ""), "")


def _line(values: Iterable[object], end: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerow(values)
    return text.getvalue()
