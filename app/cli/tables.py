"""Tables as text: columns that line up, without borders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.model import units

GAP = "  "

# How a figure is shown, by its unit.
SHOW: dict[str, Callable[[float | None], str]] = {
    "share": units.share,
    "count": units.mean,
    "rate": units.rate,
    "duration": units.seconds,
    "size": units.size,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and on which side its cells line up."""

    heading: str
    align: Literal["left", "right"] = "left"


def render(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """The table, a line a row, headings first; the last line has no end."""
    lines = [[column.heading for column in columns], *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(
            cell.ljust(width) if column.align == "left" else cell.rjust(width)
            for column, width, cell in zip(columns, widths, line, strict=True)
        ).rstrip()
        for line in lines
    )
