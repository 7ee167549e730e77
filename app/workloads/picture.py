"""Charts as SVG: lines with a legend, in greys and colours that read on light and on dark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import floor, log10
from typing import NamedTuple

WIDTH, HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 44, 44  # margins
_INK = "#808080"
_TICKS = 5
COLOURS = ("#0080c0", "#8a63d2", "#d55e00", "#cc79a7", "#009e73")

Point = tuple[float, float]


class Line(NamedTuple):
    """A curve; `dots` marks its points, `dashed` says that nobody measured it."""

    label: str
    colour: str
    points: Sequence[Point]
    dots: bool = False
    dashed: bool = False


class Mark(NamedTuple):
    """An event: a stroke at the foot of the chart."""

    colour: str
    at: float


class Axis(NamedTuple):
    """What it counts, how a value is written, and its values where they are not to be chosen."""

    title: str
    write: Callable[[float], str]
    values: Sequence[float] | None = None


def chart(x: Axis, y: Axis, lines: Sequence[Line], marks: Sequence[Mark] = ()) -> str:
    """A chart of lines; both axes begin at 0."""
    points = [point for line in lines for point in line.points]
    across = _Scale(_LEFT, WIDTH - _RIGHT, max((at for at, _ in points), default=1) or 1)
    up = _Scale(HEIGHT - _BOTTOM, _TOP, (max((value for _, value in points), default=1) or 1) * 1.05)
    parts = [*_grid(x, y, across, up), *_legend(lines)]
    parts += [_curve(line, across, up) for line in lines if line.points]
    foot = HEIGHT - _BOTTOM
    parts += [
        f'<path d="M{across(mark.at):.1f} {foot}v-10" stroke="{mark.colour}" stroke-opacity="0.6"/>'
        for mark in marks
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
        f"{''.join(parts)}</svg>"
    )


class _Scale:
    """Values from 0 to the highest, as places from one end to the other."""

    def __init__(self, start: float, end: float, highest: float) -> None:
        self.highest = highest
        self._start = start
        self._per_unit = (end - start) / highest

    def __call__(self, value: float) -> float:
        return self._start + value * self._per_unit


def _grid(x: Axis, y: Axis, across: _Scale, up: _Scale) -> list[str]:
    foot = HEIGHT - _BOTTOM
    parts = []
    for value in y.values or steps(up.highest):
        place = up(value)
        parts.append(
            f'<path d="M{_LEFT} {place:.1f}H{WIDTH - _RIGHT}" stroke="{_INK}" stroke-opacity="0.3"/>'
        )
        parts.append(f'<text x="{_LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{y.write(value)}</text>')
    for value in x.values or steps(across.highest):
        parts.append(
            f'<text x="{across(value):.1f}" y="{foot + 18}" text-anchor="middle">{x.write(value)}</text>'
        )
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.title)}</text>')
    parts.append(f'<text x="{_LEFT - 8}" y="{_TOP - 8}" text-anchor="end">{escape(y.title)}</text>')
    return parts


def _legend(lines: Sequence[Line]) -> list[str]:
    parts, left = [], float(_LEFT)
    for line in lines:
        dash = ' stroke-dasharray="4 3"' if line.dashed else ""
        parts.append(
            f'<path d="M{left:.0f} 12h18" stroke="{line.colour}" stroke-width="3"{dash}/>'
            f'<text x="{left + 24:.0f}" y="16">{escape(line.label)}</text>'
        )
        left += 40 + 6.5 * len(line.label)
    return parts


def _curve(line: Line, across: _Scale, up: _Scale) -> str:
    places = [(across(at), up(value)) for at, value in line.points]
    path = "M" + "L".join(f"{at:.1f} {value:.1f}" for at, value in places)
    dash = ' stroke-dasharray="4 3"' if line.dashed else ""
    curve = f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>'
    if line.dots:
        curve += "".join(
            f'<circle cx="{at:.1f}" cy="{value:.1f}" r="3.5" fill="{line.colour}"/>' for at, value in places
        )
    return curve


def steps(highest: float) -> list[float]:
    """Round values from 0 up to the highest, about five of them."""
    rough = highest / _TICKS
    power = 10 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [step * place for place in range(floor(highest / step) + 1)]
