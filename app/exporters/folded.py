"""Folded stacks: where the time of all threads went, a line for each stack, its milliseconds at the end.

The root of each stack is the state of the thread. flamegraph.pl and difffolded.pl read this.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.exporters.exporter import Source
from app.exporters.stacks import own
from app.model.summary import FlameNode

_SEPARATORS = str.maketrans(";\n\r", ":  ")


class Folded:
    """An Exporter."""

    name = "folded"
    suffix = ".folded"
    media_type = "text/plain; charset=utf-8"
    title = "Folded stacks (flamegraph.pl)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        where = source.summary["where"]
        tree = where["flame"] if where else None
        for state in tree["children"] if tree else ():
            yield "".join(_lines(state, "")).encode()


def _lines(node: FlameNode, path: str) -> Iterator[str]:
    path += _frame(node)
    if (weight := own(node)) > 0:
        yield f"{path} {weight}\n"
    for child in node["children"]:
        yield from _lines(child, path + ";")


def _frame(node: FlameNode) -> str:
    place = f" ({node['file']}:{node['line']})" if node["file"] else ""
    return f"{node['name']}{place}".translate(_SEPARATORS)
