"""What makes a recorded command this terminal's own: its descriptors, and its signals."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from app.runs.live import LiveRun

# Sent to one process, they are for the command. What a terminal sends goes to its whole foreground group,
# which the command is commonly in, and must not reach it twice.
PASSED_ON = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

_ABOVE_STANDARD = 3


class Lent:
    """The descriptors that a command is to have: three streams, and whatever else this process was given."""

    def __init__(self, streams: tuple[int, int, int]) -> None:
        """`streams` are those of this process that the command has as its own."""
        _fill_standard()
        self.further = tuple(_inherited())
        first, second, third = (
            fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD) for stream in streams
        )
        self.stdio = (first, second, third)

    def let_go(self, *streams: int) -> None:
        """The command has them, so that whoever reads them sees its end, and not that of this process.

        `streams` are this process's own that it does not need.
        """
        for descriptor in (*self.stdio, *self.further):
            os.close(descriptor)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for descriptor in streams:
            os.dup2(null, descriptor)
        os.close(null)


def _inherited() -> Iterator[int]:
    """Those above the standard ones that are to go on to a program: a shell's `<(...)`, make's jobs."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) >= _ABOVE_STANDARD and os.get_inheritable(int(name)):
                yield int(name)
        except OSError:
            continue  # that of the listing itself


def _fill_standard() -> None:
    """Open /dev/null for each standard stream that is closed: nothing else is to take its number."""
    while (null := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) < _ABOVE_STANDARD:
        pass
    os.close(null)


class Signals:
    """Those that come, for the command; before it is there they are kept for it."""

    def __init__(self) -> None:
        self._run: LiveRun | None = None
        self._waiting: list[tuple[int, bool]] = []

    def are_for(self, run: LiveRun) -> None:
        """The command is there."""
        self._run = run
        for number, from_terminal in self._waiting:
            run.signal(number, from_terminal)

    def _came(self, number: int, from_terminal: bool) -> None:
        if self._run is None:
            self._waiting.append((number, from_terminal))
        else:
            self._run.signal(number, from_terminal)

    def _came_from_terminal(self, number: int) -> None:
        self._came(number, _in_foreground())

    @classmethod
    @contextmanager
    def passed_on(cls) -> Iterator[Signals]:
        """Inside it none ends this process."""
        signals = cls()
        loop = asyncio.get_running_loop()
        taken: list[int] = list(PASSED_ON)
        for sent in PASSED_ON:
            loop.add_signal_handler(sent, signals._came, sent, False)
        for typed in FROM_TERMINAL:
            if signal.getsignal(typed) is not signal.SIG_IGN:
                loop.add_signal_handler(typed, signals._came_from_terminal, typed)
                taken.append(typed)
        try:
            yield signals
        finally:
            for each in taken:
                loop.remove_signal_handler(each)


def _in_foreground() -> bool:
    """Whether this process's group is the one to which its terminal sends signals."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False  # there is none, or it was closed
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
