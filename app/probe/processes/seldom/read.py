"""What a seldom reading is made of: slow reads, one after the other, and a message of what each found."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Callable, ClassVar

from app.model.frames import Message
from app.probe.processes.watched import Watched
from app.probe.sampling.slow import Cost, Steps

# The message is made of what the steps found, the instant at which they ended, and what they cost.
Part = tuple[Steps, Callable[[Any, int, Cost], Message]]
Parts = Generator[Part, None, None]


class SeldomRead:
    """One process, for as long as it is followed; it may call exec."""

    # It costs so much that the first readings of many processes are spread too, see schedule.py.
    is_spread: ClassVar[bool] = False

    def __init__(self, process: Watched) -> None:
        self.process = process

    def period_us(self) -> int:
        """From one reading to the next; it is longer where they cost too much."""
        return 1_000_000

    def is_ready(self, now_us: int) -> bool:
        """Whether there is nothing to wait for before it is read."""
        return True

    def is_pressing(self) -> bool:
        """Whether much has changed since the last reading, so that the next may come early."""
        return False

    def is_up(self) -> bool:
        """Whether it is no interpreter that is being taken down: what is left then says nothing of the run.

        Raises AddressSpaceGone.
        """
        reader = self.process.reader
        return reader is None or reader.heaps.is_up()

    def parts(self) -> Parts:
        """One reading. A part begins when the one before has been told; if that found None, there is none."""
        raise NotImplementedError
