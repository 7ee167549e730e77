"""The states of a run, and which may follow which.

starting → running → finished | stopped | timed_out | failed

A target may end before it was ever seen: then `running` is left out.
"""

from __future__ import annotations

from typing import Literal, get_args

Ended = Literal["finished", "stopped", "timed_out", "failed"]
State = Literal["starting", "running"] | Ended

ENDED: tuple[Ended, ...] = get_args(Ended)

_NEXT: dict[State, tuple[State, ...]] = {
    "starting": ("running", *ENDED),
    "running": ENDED,
    **dict.fromkeys(ENDED, ()),
}


class Lifecycle:
    """A run's state. A transition that cannot be is a fault of this program: RuntimeError."""

    def __init__(self) -> None:
        self.state: State = "starting"

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def move(self, state: State) -> None:
        """Take the next state."""
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"a run cannot go from {self.state} to {state}")
        self.state = state
