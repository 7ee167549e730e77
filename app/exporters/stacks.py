"""What the formats of stacks share."""

from __future__ import annotations

from app.model.summary import FlameNode


def own(node: FlameNode) -> int:
    """What a node has that none of its children has.

    Not its `self`: children too small to be told are counted in the `samples` of their parents alone.
    """
    return node["samples"] - sum(child["samples"] for child in node["children"])
