"""What a loop does at one instant, as the readers of each kind of loop tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional, Protocol

from app.probe.cpython.stacks import StackFrame

# (what tells the iteration from the one before, when it began in s on CLOCK_MONOTONIC, what tells the step);
# the first is None while the loop is idle, the last between two callbacks.
Instant = tuple[Any, Optional[float], Any]
IDLE: Instant = (None, None, None)


class LoopReader(Protocol):
    """Reads a thread's loop."""

    kind: str
    exact: bool  # whether single callbacks are told apart
    loop: int  # the address of the loop's object; 0 where none is known

    @property
    def task_name(self) -> Callable[[], str | None] | None:
        """Tells the name of the task that runs, where the loop itself has it; None: ask asyncio."""

    def read(self, syscall: bytes) -> Instant:
        """What the loop does now, in a thread that the kernel says this of; Lost or AddressSpaceGone."""

    def holds(self, frames: list[StackFrame]) -> bool:
        """Whether a stack, read whole, shows that the loop runs still."""
