"""What the observer takes, at several rates, beside py-spy on the same target.

A target lives for two spans. In the first the observer is alone with it, and its figures are read; in the
second py-spy samples the same process beside it, and py-spy's share is read. Shares are of one CPU, from the
kernel's totals of each process. Starting up, each of the two reads symbols, which is not what sampling costs:
a span begins a second after its tool.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.model.frames import Frame, Message, Process
from bench.observation import Observation, of_workload

PY_SPY_HZ = 1000
SETTLE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class RunCost:
    """One run's figures; shares are of one CPU."""

    achieved: float  # share of the rate that was asked for
    late: float  # share of the samples
    observer: float
    observer_us_per_sample: float
    py_spy: float
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
    """One target of `threads` threads, watched at `gil_hz`, alone for `span_s`, then beside py-spy."""
    life_s = 2 * (span_s + SETTLE_US / 1e6) + 2
    with ExitStack() as stack:
        observation = stack.enter_context(Observation(of_workload(python, threads, life_s, gil_hz)))
        messages = observation.messages()
        target = _target_pid(messages)
        alone = _watch(messages, observation.pid, span_s)
        beside = _watch(messages, stack.enter_context(_py_spy(target)), span_s)
    return RunCost(
        achieved=alone.samples / alone.length_s / gil_hz,
        late=alone.late / alone.samples,
        observer=alone.cpu_share,
        observer_us_per_sample=alone.cpu_share * alone.length_s * 1e6 / alone.samples,
        py_spy=beside.cpu_share,
        bytes_per_s_per_thread=alone.bytes / alone.length_s / threads,
    )


def _target_pid(messages: Iterator[tuple[Message, int]]) -> int:
    for message, _ in messages:
        if isinstance(message, Process):
            return message.pid
    raise RuntimeError("The observation ended before its target was seen")


def _watch(messages: Iterator[tuple[Message, int]], pid: int, span_s: float) -> _Span:
    """The stream's next span, and what `pid` took in it."""
    span = None
    for message, size in messages:
        if isinstance(message, Frame):
            span = span or _Span(message.end_us + SETTLE_US, round(span_s * 1e6), pid)
            if span.feed(message, size):
                return span
    raise RuntimeError("The observation ended before it could be measured")


@contextmanager
def _py_spy(pid: int) -> Iterator[int]:
    """py-spy, recording `pid` until the end of the block; its own pid."""
    command = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if command is None:
        raise RuntimeError("py-spy is not installed beside this Python: `make bench` installs it")
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(command, "record", "--gil", "--nonblocking", "--rate", str(PY_SPY_HZ), "--pid", str(pid)),
                *("--duration", "unlimited", "--format", "raw", "--output", str(Path(folder, "stacks"))),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process.pid
        finally:
            ended_early = process.poll() is not None
            process.terminate()
            said = process.communicate()[1]
        if ended_early:
            raise RuntimeError(f"py-spy ended early: {said.strip()}")
