"""How well the target was watched: the rate achieved, and what the watching cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.model.frames import Frame


@dataclass(slots=True)
class Sampled:
    """Sums over the frames of the measured time."""

    samples: int = 0
    failed: int = 0
    late: int = 0
    length_us: int = 0

    def add(self, frame: Frame) -> None:
        """Count a frame."""
        self.samples += frame.samples
        self.failed += frame.failed
        self.late += frame.late
        self.length_us += frame.end_us - frame.start_us

    def state(self) -> list[int]:
        """The sums, to be stored."""
        return [self.samples, self.failed, self.late, self.length_us]

    def absorb(self, state: list[int]) -> None:
        """Add those of the piece that follows."""
        samples, failed, late, length_us = state
        self.samples += samples
        self.failed += failed
        self.late += late
        self.length_us += length_us

    @property
    def hz(self) -> float | None:
        """The rate achieved; None before the first frame."""
        return self.samples * 1e6 / self.length_us if self.length_us else None


class Looked:
    """How many of the active threads a sample looked at, on the average."""

    def __init__(self) -> None:
        self._share_us = 0.0
        self._length_us = self._at_us = 0

    def read(self, at_us: int, share: float | None) -> None:
        """Take a reading, of the time since the one before; None is one that there is not."""
        if share is not None:
            self._share_us += share * (at_us - self._at_us)
            self._length_us += at_us - self._at_us
        self._at_us = at_us

    def begin(self, at_us: int) -> None:
        """Count from then on."""
        self._at_us = at_us

    @property
    def at_us(self) -> int:
        """When the newest reading was taken."""
        return self._at_us

    def state(self) -> list[float]:
        """The sums, to be stored."""
        return [self._share_us, self._length_us, self._at_us]

    def absorb(self, state: list[Any]) -> None:
        """Add those of the piece that follows."""
        share_us, length_us, at_us = state
        self._share_us += share_us
        self._length_us += length_us
        self._at_us = max(self._at_us, at_us)

    @property
    def share(self) -> float:
        """The mean over time: all of them where nothing else was told."""
        return self._share_us / self._length_us if self._length_us else 1.0


class ObserverCpu:
    """The observer's own CPU time, from one reading to another."""

    def __init__(self) -> None:
        self._first: tuple[int, int] | None = None
        self._last: tuple[int, int] | None = None

    def read(self, at_us: int, cpu_us: int | None) -> None:
        """Take a reading; None is one that failed."""
        if cpu_us is not None:
            self._last = (at_us, cpu_us)
            self._first = self._first or self._last

    def state(self) -> list[Any]:
        """The first and the last reading, to be stored."""
        return [self._first, self._last]

    def absorb(self, state: list[Any]) -> None:
        """Go on with the piece that follows."""
        for reading in state:
            if reading is not None:
                self.read(*reading)

    @property
    def used_us(self) -> int:
        """CPU time between the first reading and the last."""
        return self._last[1] - self._first[1] if self._first and self._last else 0

    @property
    def share(self) -> float | None:
        """CPU time by wall time, of one core; None with less than two readings."""
        if self._first is None or self._last is None or self._first[0] == self._last[0]:
            return None
        return (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])
