"""The observer of a process that runs tests, and what it has seen of each."""

from __future__ import annotations

import subprocess
from collections import deque
from dataclasses import replace
from threading import Condition, Thread
from typing import Any

from app.analysis.excerpt import Excerpt
from app.model.errors import from_json
from app.model.frames import End, Frame, Hello, Loops, Message, Names, Process, decode, glance
from app.model.spec import ObserverSpec, Sampling
from app.model.summary import Summary
from app.model.tracks import loop_steps
from app.runs.observer import COMMAND, HOME, own_environment

_START_S = 10.0  # an observer that has seen nothing by then will not
_TELL_S = 2.0  # by then it has told of what is over, or it does not get a CPU
_LEAD_US = 1_000_000  # messages from before a test that are kept: totals count from the last of them
_LOOPS = '{"type":"loops"'
# Loops are told of with the counters, and a test may be shorter than a quarter of a second.
_SAMPLING = Sampling(counters_hz=20.0)
_LOOPS_EVERY_US = int(1e6 / _SAMPLING.counters_hz)
_RUN: dict[str, Any] = {"id": "tests", "kind": "attach", "params": {}, "name": "tests"}


class CannotObserve(Exception):
    """The process that runs the tests cannot be observed; its text says why, and what to do."""


class ObservedTests:
    """Observes a process until it is closed."""

    def __init__(self, pid: int) -> None:
        """Returns once the observer has seen it; CannotObserve."""
        self._news = Condition()
        self._named: list[Message] = []  # hello, names and processes, in order
        self._lines: deque[tuple[int, str]] = deque()  # all else, each with when it began, or was told
        self._seen_us = -1  # the end of the newest slice
        self._origin_ns = 0
        self._end: End | None = None
        self._over = False
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HOME,
            env=own_environment(),
        )
        assert self._process.stdin is not None
        print(ObserverSpec(_RUN, _SAMPLING, attach_pid=pid).to_line(), file=self._process.stdin, flush=True)
        self._reader = Thread(target=self._follow)
        self._reader.start()
        if not self._wait_until(0, _START_S):
            self.close()
            raise CannotObserve(self._why())

    def close(self) -> None:
        """Ends the observer."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_TELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def forget(self) -> None:
        """Lets go of what was told long before now."""
        with self._news:
            while self._lines and self._lines[0][0] < self._seen_us - _LEAD_US:
                self._lines.popleft()

    def summary(self, name: str, from_ns: int, to_ns: int) -> Summary:
        """What was seen between two instants on CLOCK_MONOTONIC, as far as it is told within two seconds."""
        from_us, to_us = ((at_ns - self._origin_ns) // 1000 for at_ns in (from_ns, to_ns))
        self._wait_until(to_us + _LOOPS_EVERY_US, _TELL_S)
        excerpt = Excerpt(from_us, to_us)
        with self._news:
            for message in self._named:
                excerpt.feed(message)
            lines = [line for _, line in self._lines]
        for line in lines:
            if not line.startswith(_LOOPS):
                excerpt.feed_line(line)
                continue
            looped = _within(decode(line), from_us, to_us)
            if looped is not None:
                excerpt.feed(looped)
        return excerpt.summary({**_RUN, "name": name, "state": "finished", "error": None, "exit_code": None})

    def _wait_until(self, us: int, within_s: float) -> bool:
        """Waits until the observer has told of all up to then; False where it does not."""
        with self._news:
            self._news.wait_for(lambda: self._seen_us >= us or self._over, within_s)
            return self._seen_us >= us

    def _follow(self) -> None:
        """Reads what the observer says until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._take_in(line)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _take_in(self, line: str) -> None:
        seen = glance(line)
        if seen is not None:
            kind, start_us, end_us = seen
            self._lines.append((start_us, line))
            if kind is Frame:
                self._seen_us = max(self._seen_us, end_us)
            return
        message = decode(line)
        if isinstance(message, Hello):
            self._origin_ns = message.origin_ns
        if isinstance(message, End):
            self._end = message
        elif isinstance(message, Hello | Names | Process):
            self._named.append(message)
        else:
            self._lines.append((getattr(message, "at_us", self._seen_us), line))

    def _why(self) -> str:
        if self._end is not None and self._end.error is not None:
            problem = from_json(self._end.error)
            return f"{problem.detail} {problem.remedy}".strip()
        assert self._process.stderr is not None
        said = self._process.stderr.read().strip()[-500:]
        return said or f"The observer has seen nothing within {_START_S:g} s"


def _within(message: Message, from_us: int, to_us: int) -> Loops | None:
    """What a loops message tells of a span; None where that is nothing.

    It tells of the time since the one before. Steps say when they were; all else of it is of the span only if
    all of that time is.
    """
    assert isinstance(message, Loops)
    inside = from_us <= message.at_us - _LOOPS_EVERY_US and message.at_us <= to_us
    steps = []
    for step in loop_steps(message):
        begin_us, end_us = max(from_us, step.start_us), min(to_us, step.start_us + step.length_us)
        if end_us > begin_us:
            steps.append([*step._replace(start_us=begin_us, length_us=end_us - begin_us)])
    if not inside and not steps:
        return None
    at_us = min(max(message.at_us, from_us), to_us - 1)
    return replace(message, at_us=at_us, lags=message.lags if inside else [], steps=steps)
