"""A target that counts what it does, and what the samples were worth while something of it was read."""

from __future__ import annotations

import mmap
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.model.frames import CLibrary, Frame, Types

_COUNT = struct.Struct("=Q")


@contextmanager
def counting(python: str, program: str, *args: object) -> Iterator[tuple[int, mmap.mmap]]:
    """A target that stands ready: its pid, and its count of operations.

    The program gets the arguments and then the name of the file that its count is in, and says "ready".
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(_COUNT.size))
        file.flush()
        count = mmap.mmap(file.fileno(), _COUNT.size)
        command = [python, "-c", program, *map(str, args), file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                if process.stdout is None or process.stdout.readline() != b"ready\n":
                    raise RuntimeError("The target of the benchmark did not start")
                yield process.pid, count
            finally:
                process.kill()
                count.close()


def operations(count: mmap.mmap) -> int:
    """How many a target has done so far."""
    value: int = _COUNT.unpack_from(count)[0]
    return value


@dataclass(slots=True)
class SampleCost:
    """An observer's samples, by whether something was read meanwhile."""

    samples: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    late: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    failed: int = 0

    def take(self, frames: Sequence[Frame], readings: Sequence[CLibrary | Types]) -> None:
        """Count the samples of these slices, in some of which there was a reading."""
        for frame in frames:
            read = any(
                frame.start_us < reading.at_us and frame.end_us > reading.at_us - reading.took_us
                for reading in readings
            )
            self.samples[read] += frame.samples
            self.late[read] += frame.late
            self.failed += frame.failed

    def late_share(self, read: bool) -> float:
        """Of the samples in slices with a reading, or of the others."""
        return self.late[read] / max(1, self.samples[read])
