"""The kernel as a witness: uprobes on CPython's take_gil and drop_gil, entry and return.

Needs root, tracefs and an interpreter whose symbol table names both functions. Times are the kernel's own on
CLOCK_MONOTONIC, the clock of every message, so that the two accounts line up without translation.
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

TRACEFS = Path("/sys/kernel/tracing")
FUNCTIONS = ("take_gil", "drop_gil")
_LINE = re.compile(r"-(\d+)\s+\[\d+\]\s.*?\s(\d+)\.(\d+): (take_gil|drop_gil)_(in|out): ")
_BUFFER_KB = 32768  # a CPU's; ten times what five seconds of a contended lock fill


@dataclass(frozen=True, slots=True)
class Call:
    """One passage through the entry or the return of a function."""

    at_us: int  # CLOCK_MONOTONIC
    tid: int
    function: str  # one of FUNCTIONS
    entered: bool


def places(image: Path) -> dict[str, int]:
    """{function: offset in the file}; empty for a stripped image or one into which both were inlined."""
    listed = subprocess.run(["nm", image], capture_output=True, text=True).stdout
    addresses = {name: int(value, 16) for value, _, name in re.findall(r"^(\S+) (\S) (\S+)$", listed, re.M)}
    if not all(name in addresses for name in FUNCTIONS):
        return {}
    segments = _segments(image.read_bytes())
    return {name: _in_file(addresses[name], segments) for name in FUNCTIONS}


def image_of(pid: int) -> Path:
    """The file that CPython's code is in: its library, else the program itself."""
    libraries = re.findall(r"(/\S*/libpython3\S+)", Path(f"/proc/{pid}/maps").read_text())
    return Path(libraries[0] if libraries else os.readlink(f"/proc/{pid}/exe"))


@contextmanager
def witness(pid: int) -> Iterator[Witness]:
    """A witness of `pid` and of every thread that it starts from now on."""
    if not (TRACEFS / "instances").exists():
        subprocess.run(["mount", "-t", "tracefs", "nodev", TRACEFS], check=True)
    name = f"gilscope_{os.getpid()}"
    instance = TRACEFS / "instances" / name
    probes = [
        f"{kind}:{name}/{function}_{side} {image_of(pid)}:{offset:#x}"
        for function, offset in places(image_of(pid)).items()
        for kind, side in (("p", "in"), ("r", "out"))
    ]
    instance.mkdir()
    try:
        for probe in probes:
            _append(TRACEFS / "uprobe_events", probe)
        (instance / "trace_clock").write_text("mono")
        (instance / "buffer_size_kb").write_text(str(_BUFFER_KB))
        (instance / "options" / "event-fork").write_text("1")
        (instance / "set_event_pid").write_text("\n".join(os.listdir(f"/proc/{pid}/task")))
        (instance / "events" / name / "enable").write_text("1")
        yield Witness(instance)
    finally:
        with suppress(FileNotFoundError):  # the probes were not all made
            (instance / "events" / name / "enable").write_text("0")
        instance.rmdir()
        for probe in probes:
            with suppress(OSError):
                _append(TRACEFS / "uprobe_events", "-:" + probe.split()[0].partition(":")[2])


class Witness:
    """What the kernel has seen so far."""

    def __init__(self, instance: Path) -> None:
        self._instance = instance

    def calls(self) -> list[Call]:
        """Every passage, in order of time; AssertionError where the kernel lost one."""
        lost = re.findall(
            r"^(?:overrun|commit overrun|dropped events): ([1-9]\d*)$",
            "".join(stats.read_text() for stats in self._instance.glob("per_cpu/cpu*/stats")),
            re.M,
        )
        assert not lost, f"the kernel lost {lost} events"
        found = _LINE.findall((self._instance / "trace").read_text())
        calls = [
            Call(int(seconds) * 1_000_000 + int(micros), int(tid), function, side == "in")
            for tid, seconds, micros, function, side in found
        ]
        return sorted(calls, key=lambda call: call.at_us)


def _append(path: Path, line: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)  # open(mode="a") seeks to an end that these files lack
    try:
        os.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)


def _segments(elf: bytes) -> list[tuple[int, int, int]]:
    """(address, size, offset) of each part that is loaded."""
    first, size, count = (*struct.unpack_from("=Q", elf, 32), *struct.unpack_from("=HH", elf, 54))
    entries = (struct.unpack_from("=IIQQQQQQ", elf, first + i * size) for i in range(count))
    return [(entry[3], entry[5], entry[2]) for entry in entries if entry[0] == 1]


def _in_file(address: int, segments: list[tuple[int, int, int]]) -> int:
    return next(
        offset + address - start for start, size, offset in segments if start <= address < start + size
    )
