"""Some local variables of one frame, read at once, for as long as the frame stays where it is."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory

from .layouts import Layout
from .objects import members
from .stacks import StackReader

TAG = ~7  # from 3.14 on a reference in a frame carries tags
_DOUBLE = struct.Struct("=d")
PREVIOUS = "<previous>"  # the caller's frame, read as a variable is: none of Python's is called so


class Lost(Exception):
    """What was read there is not there, or not there any more."""


class FrameWords:
    """What the variables of a frame refer to. Inconsistent, Unmapped, or Lost where its code lacks one."""

    def __init__(
        self,
        memory: ProcessMemory,
        layout: Layout,
        stacks: StackReader,
        code: int,
        frame: int,
        names: Sequence[str],
    ) -> None:
        of = layout.interpreter_frame
        variables = stacks.variables(code)
        if not set(names) <= {*variables, PREVIOUS}:
            raise Lost
        self._memory, self._code = memory, code
        places = {
            name: of.previous if name == PREVIOUS else of.localsplus + 8 * variables.index(name)
            for name in names
        }
        order = sorted({*places.values(), of.executable})
        self._words = members(*((place, "Q") for place in order))
        self._at = frame + order[0]
        self._executable = order.index(of.executable)
        self.place = {name: order.index(place) for name, place in places.items()}

    def read(self) -> tuple[int, ...]:
        """The words, that of a name at `place[name]`; Lost where the frame is another function's."""
        try:
            raw = os.pread(self._memory.fd, self._words.size, self._at)
        except (OSError, OverflowError):
            raise Lost from None
        if not raw:
            raise AddressSpaceGone(self._memory.pid)
        if len(raw) < self._words.size:
            raise Lost
        words: tuple[int, ...] = self._words.unpack(raw)
        if words[self._executable] & TAG != self._code:
            raise Lost
        return words


def double(memory: ProcessMemory, address: int) -> float:
    """The C double there; Lost where there is none."""
    try:
        (number,) = _DOUBLE.unpack(os.pread(memory.fd, _DOUBLE.size, address))
    except (OSError, OverflowError, struct.error):
        raise Lost from None
    return float(number)
