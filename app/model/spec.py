"""What the server tells an observer first: a line on its standard input, an ObserverSpec as JSON.

Lines that follow are commands, see commands.py. The end of standard input means that the server is gone: the
observer ends, and with it a target that it started.

A workload is started with a line to the observer and some memory shared with it:

    GILSCOPE_CHANNEL_FD   one end of a socket pair. The workload writes JSON lines; the observer answers its
                          {"ready": {"pids": [...]}} with {"go": true} once it watches all of those pids;
                          {"result": {...}} closes the measured time; any other line is kept as a report.
                          After go, the observer passes on {"action": name} when a person asks for it.
    GILSCOPE_SHARED_FD    SHARED_WORDS native 64-bit words: [0] is set to 1 to say stop, by either side;
                          worker i counts its operations in [8 * (i + 1)], a cache line each.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from app.model.frames import SLICE_US

CHANNEL_ENV = "GILSCOPE_CHANNEL_FD"
SHARED_ENV = "GILSCOPE_SHARED_FD"
SHARED_WORDS = 8 * 1025  # the stop word's cache line and one for each of 1,024 workers
STOP_WORD = 0
WORDS_A_SLOT = 8
# The last word of an observer's command where it has no other name: by it `gilscope ps` knows its own.
OBSERVER_NAME = "gilscope-observer"


def _rate(default: float, least: float, most: float, help: str) -> Any:
    return field(default=default, metadata={"bounds": (least, most), "help": help})


@dataclass(frozen=True)
class Sampling:
    """Rates in Hz, each with its bounds. The observer goes slower by itself before it hurts, and says so."""

    gil_hz: float = _rate(1000.0, 1.0, 10_000.0, "Samples of the GIL and of active threads.")
    counters_hz: float = _rate(4.0, 0.1, 20.0, "Readings of CPU and memory.")
    stacks_hz: float = _rate(100.0, 0.0, 1000.0, "Looks at Python stacks; 0 for none.")


@dataclass(frozen=True)
class Limits:
    """What a program that the observer starts may use; None: as much as the observer's user may."""

    memory_bytes: int | None = None  # of private memory, in each of its processes
    processes: int | None = None  # and threads, beside those of its user; of root's the kernel limits none
    file_bytes: int | None = None  # in each file that it writes
    output_bytes: int | None = None  # on its standard streams, all its processes together
    # A control group (cgroup v2) in which the program gets one of its own: memory and processes are then of
    # all its processes together, root's too. None: of each process, by rlimit.
    group: str | None = None


@dataclass(frozen=True)
class Start:
    """A program that the observer starts itself.

    It gets a session of its own and an empty standard input. What it writes is told in reports, of a workload
    only its standard error, and that only when it fails. With `stdio` it has those descriptors, which the
    observer inherits, as its standard streams, and stays in the observer's session and process group, so that
    it can be a terminal's foreground job; and it outlives an observer that is killed. It inherits `fds` too.
    Without `env` or `cwd` it has the observer's own. With `whole_output` the first megabytes that it writes
    are told without a gap, for which it may have to wait.
    """

    argv: list[str]
    env: dict[str, str] | None
    cwd: str | None = None
    workload: bool = False  # it speaks the line described above
    stdio: tuple[int, int, int] | None = None
    fds: tuple[int, ...] = ()
    whole_output: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class ObserverSpec:
    """One observation: a program to start, or a pid to attach to."""

    run: dict[str, Any]
    sampling: Sampling = field(default_factory=Sampling)
    start: Start | None = None
    attach_pid: int | None = None
    slice_us: int = SLICE_US  # of time, that a frame tells of

    def to_line(self) -> str:
        """The spec as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_line(cls, line: str) -> ObserverSpec:
        """The spec in a line."""
        body = json.loads(line)
        start = body.get("start")
        return cls(
            run=body["run"],
            sampling=Sampling(**body["sampling"]),
            start=Start(**{**start, "limits": Limits(**start["limits"])}) if start else None,
            attach_pid=body.get("attach_pid"),
            slice_us=body.get("slice_us", SLICE_US),
        )
