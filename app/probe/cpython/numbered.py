"""Stacks by their numbers: copied out of a thread, made out later, and told once."""

from __future__ import annotations

from app.probe.kernel.memory import Unmapped

from .runtime import Runtime
from .source import SourceFiles
from .stacks import CALLERS_UNREAD, LeftGenerator, StackFrame, StackReader
from .survey import Inconsistent
from .vocabulary import Vocabulary

_TRUST_US = 50_000  # code that a program makes, runs and drops may show another's name for so long


class NumberedStacks:
    """The stacks of one process's threads. Nothing here raises but AddressSpaceGone."""

    def __init__(self, runtime: Runtime, vocabulary: Vocabulary) -> None:
        self.reader = StackReader(runtime)
        self._vocabulary = vocabulary
        self._source = SourceFiles(runtime.memory.pid)
        self._checked_us = 0

    def refresh(self, now_us: int) -> None:
        """To be called before each round of looks: what was made out long ago is made out again."""
        if now_us - self._checked_us >= _TRUST_US:
            self._checked_us = now_us
            self.reader.distrust()

    def copy(self, state: int) -> list[StackFrame]:
        """The frames of a thread state, leaf first; none where they could not be read.

        CALLERS_UNREAD is the last where a generator was left meanwhile: to leave such a look out would hide
        just those functions that run for a moment at a time.
        """
        try:
            return self.reader.copy(state)
        except LeftGenerator as left:
            return [*left.frames, CALLERS_UNREAD]
        except (Inconsistent, Unmapped):
            return []

    def number(self, frames: list[StackFrame], at_lock: bool = False) -> int | None:
        """The number of the stack; None where it could not be read whole.

        `at_lock`: its thread waits for what may be a lock, and that is told with it.
        """
        if not frames:
            return None
        try:
            located = self.reader.locate(frames)
        except (Inconsistent, Unmapped):
            return None
        number = self._vocabulary.number(located)
        if at_lock and number is not None:
            code, line = located[0]
            if self._source.takes_lock(code.function[1], line):
                self._vocabulary.note_lock(number)
        return number
