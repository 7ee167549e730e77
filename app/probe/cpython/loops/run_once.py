"""asyncio's own loop: the local variables of the frame of `BaseEventLoop._run_once`.

end_time    the loop's time when it last looked for what is ready: a float, made anew in each iteration,
            and not set while the loop waits for events
i, handle   the callback that runs; `handle` is None after the last
"""

from __future__ import annotations

import os
import struct

from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import members
from app.probe.cpython.stacks import StackFrame, StackReader
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory

from .instant import IDLE, Instant, Lost

_TAG = ~7  # from 3.14 on a reference in a frame carries tags
_FLOAT = struct.Struct("=d")
_LOCALS = ("self", "end_time", "i", "handle")


class RunOnce:
    """The frame of one thread's loop, for as long as it stays where it is."""

    kind = "asyncio"
    exact = True

    def __init__(self, memory: ProcessMemory, layout: Layout, stacks: StackReader, frame: StackFrame) -> None:
        """Inconsistent, Unmapped, or Lost where that function has other variables."""
        code, _, _, self.frame = frame
        names = stacks.variables(code)
        if not set(_LOCALS) <= set(names):
            raise Lost
        self._memory, self._code = memory, code
        of = layout.interpreter_frame
        places = sorted((of.localsplus + 8 * names.index(name), name) for name in _LOCALS)
        order = [name for _, name in places]
        self._words = members((of.executable, "Q"), *((place, "Q") for place, _ in places))
        self._at = self.frame + of.executable
        self._self, self._end, self._i, self._handle = (1 + order.index(name) for name in _LOCALS)
        self._float = layout.objects.ob_size  # sizeof(PyObject): where the C double lies
        self.loop = self._read()[self._self] & _TAG

    def read(self, syscall: bytes) -> Instant:
        """What the loop does at this instant; Lost where the frame is another function's."""
        words = self._read()
        end_time = words[self._end] & _TAG
        if not end_time:
            return IDLE
        try:
            (began,) = _FLOAT.unpack(os.pread(self._memory.fd, 8, end_time + self._float))
        except (OSError, OverflowError, struct.error):
            raise Lost from None
        i, handle = words[self._i], words[self._handle]
        return began, began, (i, handle) if i and handle & _TAG else None

    def holds(self, frames: list[StackFrame]) -> bool:
        """Whether the frame is one of a stack."""
        return any(frame[3] == self.frame and frame[0] == self._code for frame in frames)

    def _read(self) -> tuple[int, ...]:
        try:
            raw = os.pread(self._memory.fd, self._words.size, self._at)
        except (OSError, OverflowError):
            raise Lost from None
        if not raw:
            raise AddressSpaceGone(self._memory.pid)
        if len(raw) < self._words.size:
            raise Lost
        words: tuple[int, ...] = self._words.unpack(raw)
        if words[0] & _TAG != self._code:
            raise Lost
        return words
