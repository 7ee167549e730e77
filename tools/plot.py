"""A small line chart as SVG, readable on light and dark pages."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 320, 60, 110, 20, 45
BELOW = HEIGHT - BOTTOM + 18
COLOURS = ("#009E73", "#0072B2", "#D55E00", "#CC79A7")


@dataclass(frozen=True, slots=True)
class Curve:
    """A name and its points."""

    name: str
    points: list[tuple[float, float]]


def plot(lines: list[Curve], across: str, up: str) -> str:
    """The lines from zero, each named at its end."""
    right = max(x for line in lines for x, _ in line.points)
    top = max(y for line in lines for _, y in line.points) * 1.1

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + x / right * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM),
        )

    parts = []
    for step in range(6):
        x, _ = place(right * step / 5, 0)
        _, y = place(0, top * step / 5)
        parts += [
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="grid"/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{top * step / 5:.0f}</text>',
            f'<text x="{x:.1f}" y="{BELOW}" text-anchor="middle">{right * step / 5:.0f}</text>',
        ]
    for line, colour in zip(lines, COLOURS, strict=False):
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in line.points)
        x, y = place(*line.points[-1])
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
            f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" style="fill:{colour}">{line.name}</text>',
        ]
    parts += [
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>',
        f'<text x="{LEFT}" y="{TOP - 6}" text-anchor="start">{up}</text>',
    ]
    style = "text{font:12px sans-serif;fill:#777}.grid{stroke:#7774;fill:none}"
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<style>{style}</style>\n{body}\n</svg>\n"
    )
