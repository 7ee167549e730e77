"""A flame graph: a tree of functions from the root of the stacks to their leaves.

A node is a FlameNode of app/model/summary.py. Its `line` is where the function begins, `samples` counts the
looks in it or below it, `self` those in it alone. The root stands for all of them and is no function, nor are
the parts that it may have; UNREAD is the name of looks whose stack could not be read. A node seen in less
than PRUNED of all looks is left out: its looks are in the `samples` of its parents, and in nobody's `self`.
In the flame graph of held time, whose root is HELD, these are the looks at holders of a GIL.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.analysis.functions import Functions
from app.analysis.hot import UNREAD
from app.model.summary import FlameNode

HELD = "held"
DEEPER = "deeper"  # what lies below MAX_DEPTH, or was seen too seldom to keep when the tree had MAX_NODES
PRUNED = 0.001
MAX_DEPTH = 100  # pydantic refuses to write what is nested deeper than some 250 lists and objects
MAX_NODES = 4_000

_ROOT = 0
_UNREAD, _DEEPER, _FIRST_PART = -1, -2, -3  # stand for functions, as do the parts from there down


class Flame:
    """Nodes are numbered as they come, so a parent has a lower number than its children."""

    def __init__(self, parts: Sequence[str] = ()) -> None:
        """`parts` are the names of what a stack can be a part of."""
        self._parts = parts
        self._parents = [_ROOT]
        self._functions = [_ROOT]
        self._selves = [0]
        self._numbers: dict[int, int] = {}  # by parent and function, in one int
        self._least = 1  # nodes, after the tree was last thinned

    def node(self, frames: Sequence[int], part: int | None = None) -> int:
        """The node of a stack's leaf; `frames` are function and line in turn, leaf first."""
        node = _ROOT if part is None else self._child(_ROOT, _FIRST_PART - part)
        for depth, function in enumerate(frames[-2::-2]):
            known = self._numbers.get(_key(node, function))
            if depth == MAX_DEPTH or (known is None and len(self._parents) >= MAX_NODES):
                return self._child(node, _DEEPER)
            node = self._child(node, function) if known is None else known
        return node

    @property
    def full(self) -> bool:
        """Whether to thin it, which gains something unless it hardly gained anything the last time."""
        return len(self._parents) >= MAX_NODES and self._least <= MAX_NODES // 2

    def thin(self) -> list[int]:
        """Count nodes that are too small to be shown as what is deeper in their parents.

        Gives the new number of each node: a long run goes on to meet stacks that it sees once, and the tree
        has to stay small.
        """
        samples = self._samples()
        least = max(1, samples[_ROOT] * PRUNED)
        parents, functions, selves = self._parents, self._functions, self._selves
        self._parents, self._functions, self._selves, self._numbers = [_ROOT], [_ROOT], selves[:1], {}
        moved = [_ROOT]
        for node in range(1, len(parents)):
            parent = parents[node]
            if samples[node] >= least or functions[node] == _UNREAD:
                moved.append(self._child(moved[parent], functions[node]))
            elif samples[parent] >= least or parent == _ROOT:
                moved.append(self._child(moved[parent], _DEEPER))
            else:
                moved.append(moved[parent])
            self._selves[moved[node]] += selves[node]
        self._least = len(self._parents)
        return moved

    def unread(self, part: int | None = None) -> int:
        """The node of stacks that could not be read."""
        return self._child(self.node((), part), _UNREAD)

    def add(self, node: int, looks: int = 1) -> None:
        """Count looks there."""
        self._selves[node] += looks

    def to_json(self, functions: Functions, name: str = HELD) -> FlameNode | None:
        """The tree, children with most samples first; None without a look."""
        samples = self._samples()
        if not samples[_ROOT]:
            return None
        least = max(1, samples[_ROOT] * PRUNED)
        shown: dict[int, FlameNode] = {_ROOT: self._row(_ROOT, name, None, None, samples)}
        for node in range(1, len(samples)):
            if samples[node] >= least:
                shown[node] = self._row(node, *self._what(node, functions), samples)
                shown[self._parents[node]]["children"].append(shown[node])
        for row in shown.values():
            row["children"].sort(key=lambda child: -child["samples"])
        return shown[_ROOT]

    def _samples(self) -> list[int]:
        """Of each node, those of what is below it included."""
        samples = self._selves.copy()
        for node in range(len(samples) - 1, _ROOT, -1):
            samples[self._parents[node]] += samples[node]
        return samples

    def _child(self, parent: int, function: int) -> int:
        node = self._numbers.setdefault(_key(parent, function), len(self._parents))
        if node == len(self._parents):
            self._parents.append(parent)
            self._functions.append(function)
            self._selves.append(0)
        return node

    def _what(self, node: int, functions: Functions) -> tuple[str, str | None, int | None]:
        function = self._functions[node]
        if function <= _FIRST_PART:
            return self._parts[_FIRST_PART - function], None, None
        if function in (_UNREAD, _DEEPER):
            return (UNREAD if function == _UNREAD else DEEPER), None, None
        return functions[function].name, functions[function].file, functions[function].first_line

    def _row(self, node: int, name: str, file: str | None, line: int | None, samples: list[int]) -> FlameNode:
        return {
            "name": name,
            "file": file,
            "line": line,
            "samples": samples[node],
            "self": self._selves[node],
            "children": [],
        }


def _key(parent: int, function: int) -> int:
    return (parent << 32) + function  # no tuple: it would take three times the memory
