"""The observer of a process that runs tests, and what it has seen of each."""

from __future__ import annotations

import subprocess
from collections import deque
from dataclasses import replace
from tempfile import TemporaryFile
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
        self._open: list[int] = []  # when the tests began of which something is to be told still
        self._seen_us = -1  # the end of the newest slice
        self._origin_ns = 0
        self._end: End | None = None
        self._over = False
        self._said = TemporaryFile("w+")  # noqa: SIM115  # it lasts as long as the observer
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
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
            raise CannotObserve(self.why)

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

    @property
    def over(self) -> bool:
        """Whether the observer has ended: no more is seen."""
        return self._over

    @property
    def why(self) -> str:
        """Why nothing is seen, or no more."""
        if self._end is not None and self._end.error is not None:
            problem = from_json(self._end.error)
            return f"{problem.detail} {problem.remedy}".strip()
        self._said.seek(0)
        said = self._said.read().strip()[-500:]
        return said or ("The observer ended" if self._over else f"Nothing was seen within {_START_S:g} s")

    def begin(self, from_ns: int) -> None:
        """A test begins: what is told from now on is kept until `summary` or `forget`."""
        with self._news:
            self._open.append(self._us(from_ns))

    def forget(self, from_ns: int) -> None:
        """Of the test that began then nothing is to be told."""
        with self._news:
            self._open.remove(self._us(from_ns))
            self._trim()

    def summary(self, name: str, from_ns: int, to_ns: int) -> Summary:
        """What was seen of a test, as far as it is told within two seconds of its end."""
        from_us, to_us = self._us(from_ns), self._us(to_ns)
        self._wait_until(to_us + _LOOPS_EVERY_US, _TELL_S)
        excerpt = Excerpt(from_us, to_us)
        with self._news:
            for message in self._named:
                excerpt.feed(message)
            lines = [line for _, line in self._lines]
        self.forget(from_ns)
        looped_us = None  # up to when loops were told of
        for line in lines:
            if not line.startswith(_LOOPS):
                excerpt.feed_line(line)
                continue
            loops = decode(line)
            assert isinstance(loops, Loops)
            within = _within(loops, from_us, to_us, looped_us is not None and looped_us >= from_us)
            looped_us = loops.at_us
            if within is not None:
                excerpt.feed(within)
        return excerpt.summary({**_RUN, "name": name, "state": "finished", "error": None, "exit_code": None})

    def _us(self, at_ns: int) -> int:
        return (at_ns - self._origin_ns) // 1000

    def _wait_until(self, us: int, within_s: float) -> bool:
        """Waits until the observer has told of all up to then; False where it does not."""
        with self._news:
            self._news.wait_for(lambda: self._seen_us >= us or self._over, within_s)
            return self._seen_us >= us

    def _follow(self) -> None:
        """Reads what the observer says until it ends; its last line may be cut short."""
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                with self._news:
                    self._take_in(line)
                    self._news.notify_all()
        except ValueError as error:
            self._said.write(f"The observer said what cannot be read: {error}")
        finally:
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
            self._trim()
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

    def _trim(self) -> None:
        """Lets go of what was told before the tests of which something is to be told."""
        kept_us = min(self._open, default=self._seen_us) - _LEAD_US
        while self._lines and self._lines[0][0] < kept_us:
            self._lines.popleft()


def _within(loops: Loops, from_us: int, to_us: int, after: bool) -> Loops | None:
    """What a loops message tells of a span; None where that is nothing.

    It tells of the time since the one before, which was told of `after` the span began or not. Steps say when
    they were; all else of it is of the span only if all of that time is.
    """
    inside = after and loops.at_us <= to_us
    steps = []
    for step in loop_steps(loops):
        begin_us, end_us = max(from_us, step.start_us), min(to_us, step.start_us + step.length_us)
        if end_us > begin_us:
            steps.append([*step._replace(start_us=begin_us, length_us=end_us - begin_us)])
    if not inside and not steps:
        return None
    at_us = min(max(loops.at_us, from_us), to_us - 1)
    return replace(loops, at_us=at_us, lags=loops.lags if inside else [], steps=steps)
