"""Trio's loop: the local variables of the generator `unrolled_run`.

`trio.run` resumes it with what is ready, and waits for more outside of it: while it is suspended, and so
has no caller, the loop is idle.

now     the loop's time when it last looked for what is ready: a float, made anew in each iteration
task    the task whose step runs
runner  has the loop's clock, whose time is that of CLOCK_MONOTONIC and a random offset
"""

from __future__ import annotations

from app.probe.cpython.frame_words import PREVIOUS, TAG, FrameWords, Lost, double
from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.stacks import StackFrame, StackReader
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import ProcessMemory, Unmapped

from .instant import IDLE, Instant

FILE = "/trio/_core/_run.py"
NAME = "unrolled_run"
_RUN = "run"  # trio.run, which keeps the generator in its variable
_GENERATOR = "gen"
_LOCALS = ("runner", "now", "task", PREVIOUS)
_GENERATOR_WORDS = 40  # a generator's own members, and of its frame what comes before the variables


class UnrolledRun:
    """The generator of one thread's loop, for as long as it is there."""

    kind = "trio"
    exact = True
    loop = 0

    def __init__(
        self, memory: ProcessMemory, layout: Layout, stacks: StackReader, code: int, frame: int
    ) -> None:
        """Inconsistent, Unmapped, or Lost where that function has other variables."""
        self._memory, self._code, self._frame = memory, code, frame
        self._variables = FrameWords(memory, layout, stacks, code, frame, _LOCALS)
        self._runner, self._now, self._task, self._previous = (
            self._variables.place[name] for name in _LOCALS
        )
        self._float = layout.objects.ob_size  # sizeof(PyObject): where the C double lies
        self._objects = ObjectReader(memory, layout)
        self._offset_s = self._clock_offset_s()

    def read(self, syscall: bytes) -> Instant:
        """What the loop does at this instant; Lost where the frame is another function's."""
        words = self._variables.read()
        now = words[self._now] & TAG
        if not words[self._previous] or not now:
            return IDLE
        looked = double(self._memory, now + self._float)
        began = None if self._offset_s is None else looked - self._offset_s
        return looked, began, words[self._task] & TAG or None

    def holds(self, frames: list[StackFrame]) -> bool:
        """Whether the frame is one of a stack."""
        return any(frame[3] == self._frame and frame[0] == self._code for frame in frames)

    def task_name(self) -> str | None:
        """The name of the task that runs, or ran last; None where that could not be told."""
        try:
            task = self._variables.read()[self._task] & TAG
            name = self._objects.slot(task, b"name") if task else None
            return self._objects.text(name) if name else None
        except (Inconsistent, Lost, Unmapped):
            return None

    def _clock_offset_s(self) -> float | None:
        """What the loop's clock adds to CLOCK_MONOTONIC; None where it is a clock of another kind."""
        try:
            clock = self._objects.slot(self._variables.read()[self._runner] & TAG, b"clock")
            offset = self._objects.slot(clock, b"offset") if clock else None
            return double(self._memory, offset + self._float) if offset else None
        except (Inconsistent, Lost, Unmapped):
            return None


def of_stack(
    memory: ProcessMemory, layout: Layout, stacks: StackReader, frame: StackFrame, name: str
) -> UnrolledRun | None:
    """The loop of which a stack shows the frame, or that of `trio.run`; Inconsistent, Lost, Unmapped."""
    code, _, _, address = frame
    if name == NAME:
        return UnrolledRun(memory, layout, stacks, code, address)
    if name != _RUN:
        return None
    variables = FrameWords(memory, layout, stacks, code, address, [_GENERATOR])
    generator = variables.read()[variables.place[_GENERATOR]] & TAG
    if not generator:
        return None
    # Its frame lies within it: where, is told by the code that each frame names.
    for place in range(_GENERATOR_WORDS):
        inner = generator + 8 * place - layout.interpreter_frame.executable
        if inner <= generator:
            continue
        executable = memory.u64(generator + 8 * place) & TAG
        try:
            told, file, _ = stacks.code(executable).function
        except (Inconsistent, Unmapped):
            continue
        if told == NAME and file.endswith(FILE):
            return UnrolledRun(memory, layout, stacks, executable, inner)
    return None
