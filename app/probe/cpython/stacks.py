"""The Python stack of a thread, read while the thread runs on.

A thread's frames lie in chunks of 16 KiB that it pushes them on and pops them off. The part of the newest
chunk that is in use is copied in one read, and the copy is walked: of a thread that calls and returns
without a pause a stack read frame by frame mixes two moments in 28 looks of 100, a copy in hardly one of
10,000 that make sense; those that do not are refused.
What is not in the chunk is read by itself: the frames of generators and coroutines, and older chunks. A
generator may be left in between, and has no caller any more; what it was called by is then not known.
"""

from __future__ import annotations

import struct

from .code_objects import Code, CodeReader
from .layouts import Layout
from .objects import members
from .runtime import Runtime
from .survey import Inconsistent

MAX_DEPTH = 128  # frames, from the leaf; what called the last of them is left out
_CHUNK = 16 * 1024  # the least size of a chunk; in a larger one the rest is read frame by frame
_TAG = ~7  # from 3.14 on a pointer in a frame carries tags; an untagged null is that of a frame just popped
_WORD = struct.Struct("=Q")
_GENERATOR = 1  # the owner of a frame that lies in its generator or coroutine
_SHIM = 3  # owners from here on are no Python function: entries into the interpreter

StackFrame = tuple[
    int, int, int, int
]  # code object, instruction, which copy of the byte code, its own address
Located = tuple[Code, int]  # a code object and the line in it

CALLERS_UNREAD: StackFrame = (0, 0, 0, 0)  # stands for what called the outermost frame that was read
_UNREAD_NAME = "(callers not read)"


class LeftGenerator(Inconsistent):
    """A generator was left before its frame was read. `frames`: it, and what it called."""

    def __init__(self, frames: list[StackFrame]) -> None:
        super().__init__("a generator was left before its frame was read")
        self.frames = frames


class StackReader:
    """The stacks of one process's threads."""

    def __init__(self, runtime: Runtime) -> None:
        layout = runtime.layout
        thread = layout.thread_state
        self._memory = runtime.memory
        self._code = CodeReader(runtime.memory, layout)
        self._checked: dict[int, Code] = {}
        self._unread = Code(b"", (_UNREAD_NAME, "", 0), b"")
        self._frame = _frame_struct(layout)
        # Before 3.13 the thread state points to the C frame, and that to the Python frame.
        self._through = None if thread.cframe is None else thread.cframe_current_frame
        first = thread.cframe if thread.current_frame is None else thread.current_frame
        assert first is not None
        self._top_at, self._top = first, members((first, "Q"), (thread.datastack_chunk, "Q"))

    def distrust(self) -> None:
        """Each code object is checked again when it is next met, and then trusted until the next call."""
        self._checked.clear()

    def copy(self, state: int) -> list[StackFrame]:
        """The frames of a thread state, leaf first; raises LeftGenerator, Inconsistent or Unmapped.

        It reads as little as it can: what the frames mean is found out later, by `locate`.
        """
        frame, chunk, data = self._newest(state)
        read, unpack, size = self._memory.read, self._frame.unpack_from, self._frame.size
        limit = len(data)  # a caller lies below its callee: what does not is of another moment
        frames: list[StackFrame] = []
        for _ in range(MAX_DEPTH):
            if not frame:
                break
            if not 0 <= frame - chunk < _CHUNK and 0 < (older := _older(data)) <= frame < older + _CHUNK:
                chunk, data = older, read(older, frame + size - older)
                limit = len(data)
            address = frame
            offset = frame - chunk
            if not 0 <= offset < _CHUNK:  # a generator's, within the generator
                executable, frame, instruction, copy, owner = unpack(read(frame, size))
            elif offset + size > limit:
                raise Inconsistent(f"the frame at {frame:#x} was pushed after the one that it called")
            else:
                executable, frame, instruction, copy, owner = unpack(data, offset)
                limit = offset
            if owner >= _SHIM:
                continue
            if executable & _TAG:
                frames.append((executable & _TAG, instruction, copy or 0, address))
            elif frames:
                raise Inconsistent("a frame was popped before the one that it called")
            if not frame and owner == _GENERATOR and frames:  # it has a caller for as long as it runs
                raise LeftGenerator(frames)
        return frames

    def locate(self, frames: list[StackFrame]) -> list[Located]:
        """Function and line of each frame; raises Inconsistent or Unmapped where one cannot be told."""
        located = []
        for address, instruction, copy, _ in frames:
            code = self.code(address)
            line = 0 if code is self._unread else code.lines.get(instruction)
            if line is None:
                line = self._code.line(code, address, instruction, copy)
            located.append((code, line))
        return located

    def code(self, address: int) -> Code:
        """The code object at `address`; raises Inconsistent or Unmapped."""
        if address == CALLERS_UNREAD[0]:
            return self._unread
        code = self._checked.get(address)
        if code is None:
            code = self._checked[address] = self._code.at(address)
        return code

    def variables(self, address: int) -> list[str]:
        """The names of the local variables of the code object at `address`; Inconsistent or Unmapped."""
        return self._code.variables(address)

    def _newest(self, state: int) -> tuple[int, int, bytes]:
        """(the leaf frame, the chunk that frames are pushed on, that chunk as far as it is in use)."""
        memory = self._memory
        frame, chunk = self._top.unpack(memory.read(state + self._top_at, self._top.size))
        if self._through is not None:
            frame = memory.u64(frame + self._through)
        used = frame + self._frame.size - chunk
        return frame, chunk, memory.read(chunk, used if 0 < used <= _CHUNK else _CHUNK) if chunk else b""


def _frame_struct(layout: Layout) -> struct.Struct:
    """executable, previous, instr_ptr, tlbc_index (b"" where there is none), owner."""
    of = layout.interpreter_frame
    copy = (of.owner, "0s") if of.tlbc_index is None else (of.tlbc_index, "i")
    return members(
        (0, ""), (of.executable, "Q"), (of.previous, "Q"), (of.instr_ptr, "Q"), copy, (of.owner, "B")
    )


def _older(chunk: bytes) -> int:
    """The chunk that was full when this one was made: its first word."""
    older: int = _WORD.unpack_from(chunk)[0] if chunk else 0
    return older
