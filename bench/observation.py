"""An observation without a server: starts the observer on a workload and reads its messages."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import IO, Self

from app.model.frames import Message, decode
from app.model.spec import ObserverSpec, Sampling, Start
from app.runs.observer import COMMAND, HOME, own_environment

WORKLOAD = "cpu-bound"


def workload_argv(python: str, threads: int, seconds: float) -> list[str]:
    """The command that runs the target of every measurement: pure Python in `threads` threads."""
    return [
        *(python, "-m", "app.workloads", "run", WORKLOAD, "--params", "{}"),
        *("--executor", "threads", "--workers", str(threads), "--seconds", str(seconds)),
    ]


def of_workload(python: str, threads: int, seconds: float, gil_hz: float) -> ObserverSpec:
    """An observation of that target, from its start to its end."""
    return ObserverSpec(
        run={"id": "bench", "kind": "workload", "name": WORKLOAD, "params": {}},
        sampling=Sampling(gil_hz=gil_hz),
        start=Start(argv=workload_argv(python, threads, seconds), env=own_environment(), workload=True),
    )


def of_process(pid: int) -> ObserverSpec:
    """An observation of a process that runs already."""
    return ObserverSpec(run={"id": "bench", "kind": "attach", "name": str(pid), "params": {}}, attach_pid=pid)


class Observation(AbstractContextManager["Observation"]):
    """The observer's process and its stream."""

    def __init__(self, spec: ObserverSpec) -> None:
        self._spec = spec

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HOME,
            env=own_environment(),
        )
        self._stdin, self._stdout = pipes(self._process)
        self.say(self._spec.to_line())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The end of its input tells the observer to end, and its target with it; its last words are let go.
        with self._process:
            self._stdin.close()
            for _ in self._stdout:
                pass

    def say(self, line: str) -> None:
        """Writes a command to the observer."""
        print(line, file=self._stdin, flush=True)

    def end(self) -> None:
        """Tells the observer to end; what it says until then can still be read."""
        self._stdin.close()

    @property
    def pid(self) -> int:
        """The observer's own pid."""
        return self._process.pid

    def messages(self) -> Iterator[tuple[Message, int]]:
        """Each message with the bytes of its line, the line's end included."""
        for line in self._stdout:
            yield decode(line), len(line.encode())


def pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """Its standard input and output."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("It was started without pipes")
    return process.stdin, process.stdout


def run_alone(python: str, threads: int, seconds: float) -> dict[str, float]:
    """The workload's result when nobody watches it."""
    done = subprocess.run(
        workload_argv(python, threads, seconds),
        env=own_environment(),
        cwd=HOME,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result
