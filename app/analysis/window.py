"""What happened in the last second: the figures that a live view shows."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from app.analysis.tracks import GilTime, gil_time
from app.model.frames import Counters, Frame
from app.model.tracks import gils_of, process_totals

WINDOW_US = 1_000_000


@dataclass(frozen=True, slots=True)
class _Slice:
    start_us: int
    end_us: int
    samples: int
    gils: dict[int, tuple[int, GilTime]]  # index: switches, time


@dataclass(frozen=True, slots=True)
class GilRates:
    """One GIL over the window."""

    time: GilTime
    switches_per_s: float


class FrameWindow:
    """The frames of the last second."""

    def __init__(self) -> None:
        self._slices: deque[_Slice] = deque()

    def add(self, frame: Frame) -> None:
        """Take a frame, and let go of those that began more than WINDOW_US before its end."""
        gils = {index: (switches, gil_time(track)) for index, switches, track in gils_of(frame)}
        self._slices.append(_Slice(frame.start_us, frame.end_us, frame.samples, gils))
        while len(self._slices) > 1 and self._slices[0].start_us < frame.end_us - WINDOW_US:
            self._slices.popleft()

    def newest(self) -> tuple[int, int, int]:
        """The start, the end and the samples of the newest frame."""
        last = self._slices[-1]
        return last.start_us, last.end_us, last.samples

    @property
    def length_us(self) -> int:
        """Time covered by the frames in the window; 0 before the first."""
        return sum(piece.end_us - piece.start_us for piece in self._slices)

    @property
    def samples(self) -> int:
        """Samples taken in the window."""
        return sum(piece.samples for piece in self._slices)

    def gils(self) -> dict[int, GilRates]:
        """Each GIL that was in a frame of the window."""
        times: dict[int, GilTime] = {}
        switches: dict[int, int] = {}
        for piece in self._slices:
            for index, (moved, time) in piece.gils.items():
                times.setdefault(index, GilTime()).add(time)
                switches[index] = switches.get(index, 0) + moved
        length_us = self.length_us
        return {index: GilRates(time, switches[index] * 1e6 / length_us) for index, time in times.items()}


@dataclass(frozen=True, slots=True)
class _Reading:
    at_us: int
    processes: dict[int, int]  # pid: cpu_us
    rss: int | None
    ops: int | None
    observer_cpu_us: int | None


class CounterWindow:
    """The counters of the last second. A rate needs two readings; before that it is None."""

    def __init__(self) -> None:
        self._readings: deque[_Reading] = deque()

    def add(self, message: Counters) -> None:
        """Take a reading, and let go of all but one of those older than WINDOW_US."""
        uses = list(process_totals(message))
        sizes = [use.rss for use in uses if use.rss]  # one that has ended has none left
        self._readings.append(
            _Reading(
                message.at_us,
                {use.pid: use.cpu_us for use in uses if use.cpu_us is not None},
                sum(sizes) if sizes else None,
                message.ops,
                message.observer.get("cpu_us"),
            )
        )
        while len(self._readings) > 2 and self._readings[1].at_us <= message.at_us - WINDOW_US:
            self._readings.popleft()

    def state(self) -> list[Any] | None:
        """The newest reading, to be stored."""
        if not self._readings:
            return None
        last = self._readings[-1]
        return [last.at_us, list(last.processes.items()), last.rss, last.ops, last.observer_cpu_us]

    def absorb(self, state: list[Any] | None) -> None:
        """The newest reading of the piece that follows."""
        if state is not None:
            at_us, processes, *values = state
            self._readings.append(_Reading(at_us, dict(processes), *values))

    def cpu_shares(self) -> dict[int, float | None]:
        """CPU time by wall time of each process in the newest reading; 1 is one core."""
        if not self._readings:
            return {}
        return {pid: self._cpu_share(pid) for pid in self._readings[-1].processes}

    @property
    def rss(self) -> int | None:
        """Resident bytes of all processes in the newest reading."""
        return self._readings[-1].rss if self._readings else None

    @property
    def at_us(self) -> int:
        """When the newest reading was taken; 0 before the first."""
        return self._readings[-1].at_us if self._readings else 0

    @property
    def ops(self) -> int | None:
        """Operations that the workload has done."""
        return self._readings[-1].ops if self._readings else None

    @property
    def ops_per_s(self) -> float | None:
        """Operations in a second."""
        return self._rate([(reading.at_us, reading.ops) for reading in self._readings])

    @property
    def observer_cpu_share(self) -> float | None:
        """CPU time that the observer takes, of one core."""
        share = self._rate([(reading.at_us, reading.observer_cpu_us) for reading in self._readings])
        return None if share is None else share / 1e6

    def _cpu_share(self, pid: int) -> float | None:
        share = self._rate([(reading.at_us, reading.processes.get(pid)) for reading in self._readings])
        return None if share is None else share / 1e6

    @staticmethod
    def _rate(points: list[tuple[int, int | None]]) -> float | None:
        """Units in a second between the first and the last point that have a value."""
        known = [(at_us, value) for at_us, value in points if value is not None]
        if len(known) < 2 or known[0][0] == known[-1][0]:
            return None
        return (known[-1][1] - known[0][1]) * 1e6 / (known[-1][0] - known[0][0])
