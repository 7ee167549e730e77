"""What the ledger asks of those who keep what is read of each process."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from app.model.frames import Message


class PerProcess(Protocol):
    """Of all processes of a run."""

    def feed(self, message: Message, begin_us: int | None) -> None:
        """Take a message that stands (STANDING), not later than the measured time, if it tells of this.

        `begin_us` is when the measured time began, None where it has not yet.
        """

    def begin(self, before: Any) -> None:
        """Of a piece of an observation (pieces.py): know what one of the same kind knew before it."""

    def state(self) -> Any:
        """All of it, to be stored as JSON; of a piece what its own messages told."""

    def absorb(self, state: Any, begin_us: int) -> None:
        """Add the piece that follows, of a measured time that began then."""

    def process_gone(self, pid: int, at_us: int) -> None:
        """A process has ended; what was last known of it stays."""

    def forget(self, pids: Collection[int]) -> None:
        """Forget what is known of these processes."""
