"""The line to the observer, seen from the workload: a channel of JSON lines, and words of shared memory.

    workload → observer   {"ready": {"pids": [...]}}    every worker exists and is parked
    observer → workload   {"go": true}                  all of those pids are watched
    observer → workload   {"action": name}              after go, when a person asks for it
    workload → observer   {"result": {...}}             or {"error": {...}}; any other line is a report

The constants repeat those of app.model.spec, which a workload may not import; a test holds the two equal.
Run by hand, without an observer, there is no channel, and the words are memory of the workload's own.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from app.workloads.passing import Passed

CHANNEL_ENV = "GILSCOPE_CHANNEL_FD"
SHARED_ENV = "GILSCOPE_SHARED_FD"
SHARED_WORDS = 8 * 1025
STOP_WORD = 0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
WORDS_A_SLOT = 8
MAX_WORKERS = SHARED_WORDS // WORDS_A_SLOT - 2  # one slot is the stop word's, one a companion's

_WORD_BYTES = 8
_STOP_POLL_S = 0.1  # how often the stop word is looked at while the observer's go is awaited


class ObserverGone(Exception):
    """The observer closed the channel: nobody waits for a result any more."""


class SharedWords:
    """The stop word and the counters of the workers, mapped by every process of the workload."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._map = mmap.mmap(fd, SHARED_WORDS * _WORD_BYTES)
        self.words = memoryview(self._map).cast("q")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (Passed(self._fd),)

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


def stop_on_signals(shared: SharedWords) -> None:
    """From now on SIGTERM and SIGINT set the stop word, here and in children that are forked."""

    def stop(*_: object) -> None:
        shared.set_stop()

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


class LineSocket:
    """The workload's end of the socket pair."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.set_inheritable(False)
        self._sending = threading.Lock()
        self._partial = b""
        self._lines: deque[dict[str, Any]] = deque()  # received, and not yet asked for

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (Passed(self._socket.fileno()),)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> LineSocket | None:
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
        while not shared.stop:
            line = self._next_line(_STOP_POLL_S)
            if line is not None and line.get("go"):
                return

    def next_action(self, wait_s: float) -> str | None:
        """The next action that a person asked for; None if none comes within `wait_s` seconds."""
        try:
            line = self._next_line(wait_s)
        except ObserverGone:  # so the stop word is set: see stop_at_hangup
            return None
        return None if line is None else line.get("action")

    def _next_line(self, wait_s: float) -> dict[str, Any] | None:
        if not self._lines and self._poll(select.POLLIN, wait_s):
            try:
                received = self._socket.recv(4096)
            except ConnectionResetError:
                received = b""
            if not received:
                raise ObserverGone
            *lines, self._partial = (self._partial + received).split(b"\n")
            self._lines.extend(map(json.loads, lines))
        return self._lines.popleft() if self._lines else None

    def stop_at_hangup(self, shared: SharedWords) -> None:
        """From now on, set the stop word as soon as the observer is gone.

        The kernel sends SIGIO when the other end closes: no thread has to wait for it, and so none is
        added to the picture. A handler runs in the main thread, from which this must be called.
        """

        def look(*_: object) -> None:
            if self._poll(select.POLLHUP, 0):
                shared.set_stop()

        signal.signal(signal.SIGIO, look)
        fd = self._socket.fileno()
        fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
        look()  # it may have closed before the kernel was asked to tell

    def _poll(self, events: int, wait_s: float) -> bool:
        """Whether one of these events, or a hang-up, is there or comes in time; lines unread hide neither."""
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(wait_s * 1000))
