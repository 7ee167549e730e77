"""What the holders of a GIL, and those who waited, were executing: hot functions, flame graph, last looks.

Every share is of looks at a holder, those whose stack could not be read among them.
"""

from __future__ import annotations

from array import array

from app.analysis.flame import Flame
from app.analysis.functions import Functions
from app.analysis.hot import HotFunctions
from app.analysis.looks import LookLog
from app.model.frames import Names, Stacks
from app.model.summary import FlameNode, HotRow
from app.model.tracks import looks, stacks_of


class StackLooks:
    """Sums over the looks of the measured time."""

    def __init__(self) -> None:
        self.functions = Functions()
        self.log = LookLog()
        self.locks: set[int] = set()  # the stacks whose innermost line takes a lock
        self._hot = HotFunctions()
        self._flame = Flame()
        self._nodes = array("i")  # of the flame graph, by stack

    def names(self, message: Names) -> None:
        """Take note of functions and stacks that came."""
        self.functions.names(message)
        self.locks.update(message.locks)
        if self._flame.full:
            moved = self._flame.thin()
            self._nodes = array("i", (moved[node] for node in self._nodes))
        self._nodes.extend(self._flame.node(frames) for _, frames in stacks_of(message))

    def feed(self, message: Stacks, until_us: int | None) -> None:
        """Count the looks up to the end of the measured time, where that is known."""
        for at_us, gil, holder, holder_stack, waiter, waiter_stack, waiters in looks(message):
            if until_us is not None and at_us > until_us:
                continue
            holding, waiting = self.functions.leaf(holder_stack), self.functions.leaf(waiter_stack)
            self.log.add(at_us, gil, (holder, holding), (waiter, waiting))
            if holder >= 0:
                self._hot.add(holding, waiters)
                self._flame.add(self._flame.unread() if holder_stack is None else self._nodes[holder_stack])

    def hot(self, limit: int) -> list[HotRow]:
        """Rows of the functions that were seen most with the lock held, most first."""
        return self._hot.rows(limit, self.functions)

    def flame(self) -> FlameNode | None:
        """The flame graph of held time; None before the first look."""
        return self._flame.to_json(self.functions)
