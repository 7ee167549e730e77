"""Loops that are not asyncio's own, by the clock of their C library: when it last looked for what is ready.

The library's structure is found in the loop's object: it is known by its content, for no symbol tells of it.
"""

from __future__ import annotations

import os
import struct
import time

from app.probe.cpython.frame_words import TAG, Lost
from app.probe.cpython.layouts import Layout
from app.probe.cpython.stacks import StackFrame
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.machine import HERE
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Unmapped

from .instant import IDLE, Instant

_WORDS = 64  # of a loop's object: the pointer is among the first
_MOST_BYTES = 1 << 24  # a uvloop.Loop has a buffer of 256 KiB inside
_OF_FRAME = 32  # words of a frame's variables and its stack
_LONGEST_S = 86_400.0  # a loop that did not look for a day is none


class Clock:
    """A loop whose structure lies at `at`; `caller` is the frame that runs it, where that is on the stack."""

    exact = False
    task_name = None

    def __init__(self, memory: ProcessMemory, loop: int, at: int, caller: StackFrame | None) -> None:
        self._memory, self.loop, self._at, self._caller = memory, loop, at, caller

    def read(self, syscall: bytes) -> Instant:
        """What the loop does now. Lost where the structure is not what it was."""
        looked = self._looked(_bytes(self._memory, self._at, self.size))
        if looked is None:
            raise Lost
        if self._polls(syscall):
            return IDLE
        return looked, looked, looked

    def holds(self, frames: list[StackFrame]) -> bool:
        """Whether the frame that runs the loop is in a stack, at the same instruction."""
        return self._caller is None or self._caller in frames

    size = 0
    kind = ""

    def told(self) -> bool:
        """Whether a clock lies there."""
        try:
            return self._looked(_bytes(self._memory, self._at, self.size)) is not None
        except Lost:
            return False

    def _looked(self, raw: bytes) -> float | None:
        raise NotImplementedError

    def _polls(self, syscall: bytes) -> bool:
        return syscall.partition(b" ")[0] in HERE.epoll


class LibuvClock(Clock):
    """`uv_loop_t`: data, which uvloop points back to its own object, ..., backend_fd, ..., time in ms."""

    kind = "uvloop"
    size = 552
    _FD, _TIME = 64, 544

    def _looked(self, raw: bytes) -> float | None:
        (data,) = struct.unpack_from("=Q", raw)
        self._fd, (looked,) = (
            struct.unpack_from("=i", raw, self._FD)[0],
            struct.unpack_from("=Q", raw, self._TIME),
        )
        return looked / 1e3 if data == self.loop and _plausible(looked / 1e3, time.monotonic()) else None

    def _polls(self, syscall: bytes) -> bool:
        number, _, rest = syscall.partition(b" ")
        return number in HERE.epoll and int(rest.split(b" ", 1)[0], 16) == self._fd


class LibevClock(Clock):
    """`struct ev_loop`: the wall clock's time, a part of it, the monotonic clock's, their difference."""

    kind = "gevent"
    size = 32

    def _looked(self, raw: bytes) -> float | None:
        wall, _, looked, difference = struct.unpack("=4d", raw)
        if abs(wall - looked - difference) > 1 or not _plausible(wall, time.time()):
            return None
        return looked if _plausible(looked, time.monotonic()) else None


def libuv(memory: ProcessMemory, layout: Layout, caller: StackFrame) -> LibuvClock | None:
    """The clock of the uvloop.Loop that a frame has called `run_until_complete` of; None where it has not.

    The frame holds the loop, as the method's own object: among its variables or on its stack.
    """
    at = caller[3] + layout.interpreter_frame.localsplus
    for loop in struct.unpack(f"={_OF_FRAME}Q", _bytes(memory, at, 8 * _OF_FRAME)):
        loop &= TAG
        try:
            if not loop or not _is_uvloop(memory, layout, loop):
                continue
            for word in _words(memory, layout, loop):
                clock = LibuvClock(memory, loop, word, caller)
                if clock.told():
                    return clock
        except (Inconsistent, Unmapped):
            continue
    return None


def libev(memory: ProcessMemory, layout: Layout, hub: StackFrame) -> LibevClock | None:
    """The clock of the loop of the gevent.hub.Hub whose `run` a frame is; None where it is not libev's."""
    address = memory.u64(hub[3] + layout.interpreter_frame.localsplus) & TAG
    for loop in _words(memory, layout, address):
        try:
            inner = _words(memory, layout, loop)
        except (Inconsistent, Unmapped):
            continue
        for word in inner:
            clock = LibevClock(memory, loop, word, None)  # the hub has a stack of its own
            if clock.told():
                return clock
    return None


def _is_uvloop(memory: ProcessMemory, layout: Layout, address: int) -> bool:
    """Whether an object's class may be uvloop.Loop; what it has inside tells for sure."""
    kind = memory.u64(address + layout.objects.ob_type)
    name = memory.read(memory.u64(kind + layout.objects.tp_basicsize - 8), 7)
    return name[:5] == b"Loop\0" or name[:6] == b"uvloop"


def _words(memory: ProcessMemory, layout: Layout, address: int) -> list[int]:
    """The pointers that an object holds itself."""
    kind = memory.u64(address + layout.objects.ob_type)
    size = memory.u64(kind + layout.objects.tp_basicsize)
    head = layout.objects.ob_size
    if not head <= size < _MOST_BYTES:
        raise Inconsistent(f"no object lies at {address:#x}")
    count = min(size // 8, _WORDS)
    words = struct.unpack(f"={count}Q", memory.read(address, count * 8))[head // 8 :]
    return [word for word in words if word and not word % 8]


def _bytes(memory: ProcessMemory, address: int, size: int) -> bytes:
    try:
        raw = os.pread(memory.fd, size, address)
    except (OSError, OverflowError):
        raise Lost from None
    if not raw:
        raise AddressSpaceGone(memory.pid)
    if len(raw) < size:
        raise Lost
    return raw


def _plausible(looked: float, now: float) -> bool:
    return now - _LONGEST_S < looked < now + 1
