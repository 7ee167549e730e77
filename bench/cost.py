"""What the observer takes, at several rates.

Shares are of one CPU, from the kernel's totals of the process. Starting up it reads symbols, which is not
what sampling costs: a span begins a second after its first frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from app.model.frames import Frame, Message
from bench.observation import Observation, of_workload

SETTLE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class RunCost:
    """One run's figures; shares are of one CPU."""

    achieved: float  # share of the rate that was asked for
    late: float  # share of the samples
    observer: float
    observer_us_per_sample: float
    bytes_per_s_per_thread: float


class _Span:
    """What was seen, and what one process took, from an instant of the stream on, for `length_us`."""

    def __init__(self, begin_us: int, length_us: int, pid: int) -> None:
        self._begin_us = begin_us
        self._end_us = begin_us + length_us
        self._process = psutil.Process(pid)
        self._marks: list[tuple[int, float]] = []
        self.samples = self.late = self.bytes = 0

    def feed(self, frame: Frame, size: int) -> bool:
        """Take a frame in; True when the span is over."""
        if frame.end_us < self._begin_us:
            return False
        if self._marks:
            self.samples += frame.samples
            self.late += frame.late
            self.bytes += size
        times = self._process.cpu_times()
        self._marks.append((frame.end_us, times.user + times.system))
        return frame.end_us >= self._end_us

    @property
    def length_s(self) -> float:
        return (self._marks[-1][0] - self._marks[0][0]) / 1e6

    @property
    def cpu_share(self) -> float:
        return (self._marks[-1][1] - self._marks[0][1]) / self.length_s


def measure(python: str, threads: int, gil_hz: float, span_s: float) -> RunCost:
    """One target of `threads` threads, watched at `gil_hz` for `span_s`."""
    life_s = span_s + SETTLE_US / 1e6 + 2
    with Observation(of_workload(python, threads, life_s, gil_hz)) as observation:
        seen = _watch(observation.messages(), observation.pid, span_s)
    return RunCost(
        achieved=seen.samples / seen.length_s / gil_hz,
        late=seen.late / seen.samples,
        observer=seen.cpu_share,
        observer_us_per_sample=seen.cpu_share * seen.length_s * 1e6 / seen.samples,
        bytes_per_s_per_thread=seen.bytes / seen.length_s / threads,
    )


def _watch(messages: Iterator[tuple[Message, int]], pid: int, span_s: float) -> _Span:
    """The stream's next span, and what `pid` took in it."""
    span = None
    for message, size in messages:
        if isinstance(message, Frame):
            span = span or _Span(message.end_us + SETTLE_US, round(span_s * 1e6), pid)
            if span.feed(message, size):
                return span
    raise RuntimeError("The observation ended before it could be measured")
