"""A network of nodes that is walked while it changes: plain, under a lock, and by read-copy-update."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from threading import Lock

_LINKS = 4  # that a new node begins with


class Network:
    """Nodes and their neighbours, changed in place with nothing that keeps a walk and an update apart."""

    def __init__(self, size: int) -> None:
        self._chance = Random(0)
        self._oldest, self._next = 0, size
        self.nodes: dict[int, frozenset[int]] = dict.fromkeys(range(size), frozenset())
        for _ in range(size):  # until every node has had its links
            self._replace_oldest(self.nodes)

    def walk(self) -> int:
        """Visit all nodes, and count the neighbours of their neighbours."""
        nodes, count = self.nodes, 0
        for neighbours in nodes.values():
            for neighbour in neighbours:
                count += len(nodes[neighbour])
        return count

    def update(self) -> None:
        """Take the oldest node away, and link a new one to some of the others. One writer calls this."""
        self._replace_oldest(self.nodes)

    def _replace_oldest(self, nodes: dict[int, frozenset[int]]) -> None:
        oldest, new = self._oldest, self._next
        self._oldest, self._next = oldest + 1, new + 1
        for neighbour in nodes.pop(oldest):
            nodes[neighbour] -= {oldest}
        links = frozenset(self._chance.sample(range(oldest + 1, new), _LINKS))
        for neighbour in links:
            nodes[neighbour] |= {new}
        nodes[new] = links


class LockedNetwork(Network):
    """One lock around every walk and every update."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._lock = Lock()

    def walk(self) -> int:
        """Nothing changes meanwhile, and nobody else walks."""
        with self._lock:
            return super().walk()

    def update(self) -> None:
        """Nobody walks meanwhile."""
        with self._lock:
            super().update()


class CopiedNetwork(Network):
    """Read, copy, update: the writer changes a copy, and publishes it by one assignment."""

    def update(self) -> None:
        """Those who walk go on in the nodes as they were when they began."""
        copy = dict(self.nodes)
        self._replace_oldest(copy)
        self.nodes = copy


NETWORKS: dict[str, Callable[[int], Network]] = {
    "plain": Network,
    "locked": LockedNetwork,
    "read-copy-update": CopiedNetwork,
}
