"""Real observations for tests: a real observer on a real target, its messages in a list and in a Ledger."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model import frames
from app.model.commands import Command, encode
from app.model.spec import ObserverSpec, Sampling, Start

ROOT = Path(frames.__file__).parents[2]
OBSERVER = [sys.executable, "-m", "app.probe"]
TIME_LIMIT_S = 60.0  # a hang becomes a failure


class Observation:
    """An observer at work. Iterate over it, or `finish()`, to read its messages."""

    def __init__(self, spec: ObserverSpec) -> None:
        self.ledger = Ledger()
        self.messages: list[frames.Message] = []
        self.process = subprocess.Popen(OBSERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        self._watchdog = threading.Timer(TIME_LIMIT_S, self.process.kill)
        self._watchdog.start()
        self._write(spec.to_line())

    def send(self, command: Command) -> None:
        """Asks something of the observer."""
        self._write(encode(command))

    def _write(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def __iter__(self) -> Iterator[frames.Message]:
        assert self.process.stdout
        for line in self.process.stdout:
            message = frames.decode(line)
            self.messages.append(message)
            self.ledger.feed(message)
            yield message

    def until(self, kind: type, /, **fields: Any) -> Any:
        """The next message of that class whose fields have those values."""
        for message in self:
            if isinstance(message, kind) and all(getattr(message, k) == v for k, v in fields.items()):
                return message
        raise AssertionError(f"the observation ended without {kind.__name__} {fields}: {self.messages[-3:]}")

    def see_threads_for(self, seconds: float) -> None:
        """Reads on until a thread has been observed for that long."""
        for message in self:
            if isinstance(message, frames.Frame) and any(
                row["observed_s"] > seconds for row in self.summary()["threads"]
            ):
                return
        raise AssertionError(f"the observation ended before that: {self.messages[-3:]}")

    def finish(self) -> frames.End:
        """Reads to the end; the end message, after the observer itself has ended well."""
        for _ in self:
            pass
        status = self.process.wait()
        assert status == 0, f"the observer ended with {status}: {self.messages[-3:]}"
        end = self.messages[-1]
        assert isinstance(end, frames.End), self.messages[-3:]
        return end

    def of(self, kind: type) -> list[Any]:
        """Every message of that class so far."""
        return [message for message in self.messages if isinstance(message, kind)]

    def summary(self) -> dict[str, Any]:
        """What the ledger makes of it."""
        return summarise(self.ledger, {})

    def close(self) -> None:
        """Ends the observer whatever it does."""
        self._watchdog.cancel()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            stream.close()
        if self.process.poll() is None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


@contextmanager
def observing(
    start: Start | None = None,
    *,
    pid: int | None = None,
    gil_hz: float = 1000.0,
    stacks_hz: float = 100.0,
) -> Iterator[Observation]:
    """An observation of a program or of a pid, ended with the block."""
    run = {"id": "test", "kind": "command" if start else "attach", "name": "test", "params": {}}
    observation = Observation(ObserverSpec(run, Sampling(gil_hz=gil_hz, stacks_hz=stacks_hz), start, pid))
    try:
        yield observation
    finally:
        observation.close()


def program(python: str, code: str, *args: str, workload: bool = False) -> Start:
    """A target that runs some code on an interpreter."""
    return Start([python, "-c", code, *args], {"PATH": os.environ["PATH"]}, workload=workload)


def workload(
    python: str, name: str, params: str = "{}", *, executor: str, workers: int, seconds: float
) -> Start:
    """A workload of the catalogue as a target."""
    options: Sequence[str] = ("--params", params, "--executor", executor, "--workers", str(workers))
    argv = [python, "-m", "app.workloads", "run", name, *options, "--seconds", str(seconds)]
    return Start(argv, {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, workload=True)
