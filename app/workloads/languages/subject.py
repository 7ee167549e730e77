"""One runtime at its work: started, asked for phases, its memory watched, and ended."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Sequence
from time import monotonic_ns
from types import TracebackType
from typing import IO

from app.workloads.context import Context, Json
from app.workloads.languages.protocol import RuntimePause, parse, phase_line

_SAMPLE_S = 0.05  # between two readings of its memory, and how often it is asked whether it is time to end
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_NS_A_SECOND = 1_000_000_000
_SAID_BYTES = 2_000  # of what it wrote on standard error, the end


class Ended(Exception):
    """The program ended by itself, or was silent on what it had to say; the text says how."""


class OutOfTime(Exception):
    """It is time for the run to end."""


class LanguageSubject:
    """A child process, killed with the block."""

    def __init__(self, ctx: Context, command: Sequence[str]) -> None:
        self.rss: list[tuple[int, int]] = []  # instant in ns, bytes
        self.pauses: list[RuntimePause] = []
        self._ctx = ctx
        self._errors: IO[bytes] = os.fdopen(os.memfd_create("stderr"), "w+b")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=_environment()
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked, self._said = self._process.stdin, self._process.stdout
        self._partial = b""
        self._lines: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._said, selectors.EVENT_READ)
        self._sample_ns = 0

    def __enter__(self) -> LanguageSubject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._asked, self._said, self._errors):
            stream.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ready(self) -> Json:
        """What it says of itself when it is up. Ended, or OutOfTime."""
        return self._await("ready", lambda trees: None)

    def phase(self, threads: int, length_s: float) -> Json:
        """Have it work; what it got done, counted as it goes, and its CPU time. Ended, or OutOfTime."""
        counted, cpu_s = 0, self._cpu_s()

        def count(trees: int) -> None:
            nonlocal counted
            self._ctx.count(trees - counted)
            counted = trees

        try:
            self._asked.write(phase_line(threads, length_s))
            self._asked.flush()
        except BrokenPipeError:
            raise Ended(self._how_it_ended()) from None
        done = self._await("done", count)
        count(done["trees"])
        self.pauses += [RuntimePause(*pause) for pause in done["pauses"]]
        return {**done, "cpu_s": self._cpu_s() - cpu_s}

    def _await(self, key: str, progress: Callable[[int], None]) -> Json:
        while True:
            while self._lines:
                said = parse(self._lines.pop(0))
                if isinstance(said, RuntimePause):
                    self.pauses.append(said)
                elif said is not None and key in said:
                    body: Json = said[key]
                    return body
                elif said is not None:
                    progress(said["trees"])
            if self._ctx.stopping:
                raise OutOfTime
            self._read()

    def _read(self) -> None:
        """Wait for it to say something, but no longer than until its memory is due to be looked at."""
        if self._selector.select(max(self._sample_ns - monotonic_ns(), 0) / _NS_A_SECOND):
            data = os.read(self._said.fileno(), 65536)
            if not data:
                raise Ended(self._how_it_ended())
            *lines, self._partial = (self._partial + data).split(b"\n")
            self._lines += [line.decode() for line in lines]
        if monotonic_ns() >= self._sample_ns:
            self._sample()

    def _sample(self) -> None:
        now_ns = monotonic_ns()
        self._sample_ns = now_ns + int(_SAMPLE_S * _NS_A_SECOND)
        with open(f"/proc/{self.pid}/statm", "rb") as statm:
            resident = int(statm.read().split()[1]) * _PAGE_BYTES
        if resident:  # a zombie has none
            self.rss.append((now_ns, resident))

    def _cpu_s(self) -> float:
        """What it has computed so far, all its threads together, at the kernel's tick of 10 ms."""
        with open(f"/proc/{self.pid}/stat", "rb") as stat:
            user, system = stat.read().rpartition(b")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS_A_SECOND

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        how = f"by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"with status {code}"
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _SAID_BYTES))
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"it ended {how}{': ' + said[-1] if said else ''}"


def _environment() -> dict[str, str]:
    """The caller's own, without what is meant for this interpreter, or for the observer."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GILSCOPE_"))}
