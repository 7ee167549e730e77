"""Folded stacks: where the time of all threads went, a line for each stack, its milliseconds at the end.

The root of each stack is the state of the thread. flamegraph.pl, inferno and difffolded.pl read this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.exporters.exporter import Source

_SEPARATORS = str.maketrans(";\n\r", ":  ")

Json = dict[str, Any]


class Folded:
    """An Exporter."""

    name = "folded"
    suffix = ".folded"
    media_type = "text/plain; charset=utf-8"
    title = "Folded stacks (flamegraph.pl)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        tree = source.summary["where"]["flame"]
        for state in tree["children"] if tree else ():
            yield "".join(_lines(state, "")).encode()


def _lines(node: Json, path: str) -> Iterator[str]:
    path += _frame(node)
    # Not `self`: children that are too small to be told are counted in `samples` alone.
    own = node["samples"] - sum(child["samples"] for child in node["children"])
    if own > 0:
        yield f"{path} {own}\n"
    for child in node["children"]:
        yield from _lines(child, path + ";")


def _frame(node: Json) -> str:
    place = f" ({node['file']}:{node['line']})" if node["file"] else ""
    return f"{node['name']}{place}".translate(_SEPARATORS)
