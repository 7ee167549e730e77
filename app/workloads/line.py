"""The line to the observer, seen from the workload: a channel of JSON lines, and words of shared memory.

    workload → observer   {"ready": {"pids": [...]}}    every worker exists and is parked
    observer → workload   {"go": true}                  all of those pids are watched
    workload → observer   {"result": {...}}             or {"error": {...}}; any other line is a report

The constants repeat those of app.model.spec, which a workload may not import; a test holds the two equal.
Run by hand, without an observer, there is no channel, and the words are memory of the workload's own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import signal
import socket
import threading
from collections.abc import Mapping
from typing import Any

CHANNEL_ENV = "GILSCOPE_CHANNEL_FD"
SHARED_ENV = "GILSCOPE_SHARED_FD"
SHARED_WORDS = 8 * 1025
STOP_WORD = 0
WORDS_A_SLOT = 8
MAX_WORKERS = SHARED_WORDS // WORDS_A_SLOT - 2  # one slot is the stop word's, one a companion's

_WORD_BYTES = 8
_STOP_POLL_S = 0.1  # how often the stop word is looked at while the observer's go is awaited


class ObserverGone(Exception):
    """The observer closed the channel: nobody waits for a result any more."""


class SharedWords:
    """The stop word and the counters of the workers, mapped by every process of the workload."""

    def __init__(self, fd: int) -> None:
        self._map = mmap.mmap(fd, SHARED_WORDS * _WORD_BYTES)
        self.words = memoryview(self._map).cast("q")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> SharedWords:
        """The observer's memory, or some of the workload's own where there is no observer."""
        if SHARED_ENV in environment:
            return cls(int(environment[SHARED_ENV]))
        fd = os.memfd_create("gilscope-shared")
        os.ftruncate(fd, SHARED_WORDS * _WORD_BYTES)
        return cls(fd)

    @property
    def stop(self) -> bool:
        """Whether either side has asked every worker to end."""
        return self.words[STOP_WORD] != 0

    def set_stop(self) -> None:
        """Ask every worker of every process to end."""
        self.words[STOP_WORD] = 1

    def ops(self, worker: int) -> int:
        """What one worker got done."""
        return self.words[slot(worker)]


def slot(worker: int) -> int:
    """The index of a worker's counter among the words."""
    return WORDS_A_SLOT * (worker + 1)


class Channel:
    """The workload's end of the socket pair."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)
        self._sending = threading.Lock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Channel | None:
        """The channel that the observer passed on, if there is one."""
        return cls(int(environment[CHANNEL_ENV])) if CHANNEL_ENV in environment else None

    def send(self, body: Mapping[str, Any]) -> None:
        """Write one line. ObserverGone where nobody reads.

        Children of the workload write to the same socket: the kernel keeps a line of less than 32 KiB whole.
        """
        line = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        try:
            with self._sending:
                self._socket.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            raise ObserverGone from None

    def wait_for_go(self, shared: SharedWords) -> None:
        """Block until the observer answers, or the stop word is set. ObserverGone if the channel ends."""
        buffer = b""
        self._socket.settimeout(_STOP_POLL_S)
        try:
            while not shared.stop:
                try:
                    received = self._socket.recv(4096)
                except socket.timeout:  # TimeoutError itself only from 3.10 on
                    continue
                except ConnectionResetError:
                    received = b""
                if not received:
                    raise ObserverGone
                buffer += received
                *lines, buffer = buffer.split(b"\n")
                if any(json.loads(line).get("go") for line in lines):
                    return
        finally:
            self._socket.settimeout(None)

    def stop_at_hangup(self, shared: SharedWords) -> None:
        """From now on, set the stop word as soon as the observer is gone.

        The kernel sends SIGIO when the other end closes: no thread has to wait for it, and so none is
        added to the picture. A handler runs in the main thread, from which this must be called.
        """

        def look(*_: object) -> None:
            with contextlib.suppress(BlockingIOError):
                if not self._peek():
                    shared.set_stop()

        signal.signal(signal.SIGIO, look)
        fd = self._socket.fileno()
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
        look()  # it may have closed before the kernel was asked to tell

    def _peek(self) -> bytes:
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except ConnectionResetError:
            return b""
