"""What the holders of a GIL, and those who waited, were executing: hot functions, flame graph, last looks.

Every share is of looks at a holder, those whose stack could not be read among them.
"""

from __future__ import annotations

from array import array
from typing import Any

from app.analysis.flame import Flame
from app.analysis.functions import Functions, Place
from app.analysis.hot import HotFunctions
from app.analysis.looks import LookLog
from app.model.frames import Names, Stacks
from app.model.summary import FlameNode, HotRow
from app.model.tracks import looks, stacks_of


class StackLooks:
    """Sums over the looks of the measured time.

    Of a piece of an observation (pieces.py) they are kept by stack, and `functions` are those of the whole.
    """

    def __init__(self, functions: Functions | None = None) -> None:
        self.functions = functions or Functions()
        self._by_stack: dict[int | None, list[int]] | None = None if functions is None else {}
        self.log = LookLog(piece=functions is not None)
        self._hot = HotFunctions()
        self._callers: dict[int, tuple[Place, ...]] = {}  # by stack
        self._flame = Flame()
        self._nodes = array("i")  # of the flame graph, by stack

    def names(self, message: Names) -> None:
        """Take note of functions and stacks that came."""
        self.functions.names(message)
        if self._by_stack is not None:
            return
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
                self._held(holder_stack, 1, waiters)

    def state(self, until_us: int, from_us: int) -> dict[str, Any]:
        """What a piece has, to be stored; of single looks those up to an instant, and from another on."""
        assert self._by_stack is not None
        held = [[stack, *count] for stack, count in self._by_stack.items()]
        return {"held": held, "log": self.log.state(until_us, from_us)}

    def absorb(self, state: dict[str, Any]) -> None:
        """Add the looks of the piece that follows."""
        for stack, count, waiters in state["held"]:
            self._held(stack, count, waiters)
        self.log.absorb(state["log"])

    def _held(self, stack: int | None, number: int, waiters: int) -> None:
        """So many looks found this stack at a holder, while so many waited."""
        if self._by_stack is not None:
            count = self._by_stack.setdefault(stack, [0, 0])
            count[0] += number
            count[1] += waiters
            return
        leaf = self.functions.leaf(stack)
        self._hot.add(leaf, waiters, number, () if stack is None else self._callers_of(stack))
        self._flame.add(self._flame.unread() if stack is None else self._nodes[stack], number)

    def _callers_of(self, stack: int) -> tuple[Place, ...]:
        known = self._callers.get(stack)
        if known is None:
            known = self._callers[stack] = tuple(self.functions.callers(stack))
        return known

    def hot(self, limit: int) -> list[HotRow]:
        """Rows of the functions that were seen most with the lock held, most first."""
        return self._hot.rows(limit, self.functions)

    def flame(self) -> FlameNode | None:
        """The flame graph of held time; None before the first look."""
        return self._flame.to_json(self.functions)
