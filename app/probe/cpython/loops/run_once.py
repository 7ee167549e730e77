"""asyncio's own loop: the local variables of the frame of `BaseEventLoop._run_once`.

end_time    the loop's time when it last looked for what is ready: a float, made anew in each iteration,
            and not set while the loop waits for events
i, handle   the callback that runs; `handle` is None after the last
"""

from __future__ import annotations

from app.probe.cpython.frame_words import TAG, FrameWords, double
from app.probe.cpython.layouts import Layout
from app.probe.cpython.stacks import StackFrame, StackReader
from app.probe.kernel.memory import ProcessMemory

from .instant import IDLE, Instant

_LOCALS = ("self", "end_time", "i", "handle")


class RunOnce:
    """The frame of one thread's loop, for as long as it stays where it is."""

    kind = "asyncio"
    exact = True
    task_name = None

    def __init__(self, memory: ProcessMemory, layout: Layout, stacks: StackReader, frame: StackFrame) -> None:
        """Inconsistent, Unmapped, or Lost where that function has other variables."""
        self._code, _, _, self.frame = frame
        self._memory = memory
        self._variables = FrameWords(memory, layout, stacks, self._code, self.frame, _LOCALS)
        self._self, self._end, self._i, self._handle = (self._variables.place[name] for name in _LOCALS)
        self._float = layout.objects.ob_size  # sizeof(PyObject): where the C double lies
        self.loop = self._variables.read()[self._self] & TAG

    def read(self, syscall: bytes) -> Instant:
        """What the loop does at this instant; Lost where the frame is another function's."""
        words = self._variables.read()
        end_time = words[self._end] & TAG
        if not end_time:
            return IDLE
        began = double(self._memory, end_time + self._float)
        i, handle = words[self._i], words[self._handle]
        return began, began, (i, handle) if i and handle & TAG else None

    def holds(self, frames: list[StackFrame]) -> bool:
        """Whether the frame is one of a stack."""
        return any(frame[3] == self.frame and frame[0] == self._code for frame in frames)
