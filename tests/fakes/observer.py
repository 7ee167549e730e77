"""An observer that measures nothing: it speaks the protocol, and fails in the way its first argument names.

    steady     frames until it is told to stop, or its input ends; what else it is told it reports
    brief      some frames, then the end
    heavy      as steady, with a report of 200 KB beside each frame
    crash      dies with status 3 and leaves its target, and a child of that, alive
    deaf       hears no command
    garbage    writes a line that is no message
    failed     says that its target failed

Its target is a real process in a session of its own, as the real observer's is.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time

from app.model.frames import Counters, End, Frame, Hello, Message, Names, Process, Report, encode
from app.model.spec import ObserverSpec

FRAME_US = 20_000
# Two processes that wait for a signal, the lower one of a group of its own.
TARGET = (
    "import os, signal, subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], process_group=0);"
    "print(child.pid, flush=True); signal.pause()"
)


class Fake:
    def __init__(self, spec: ObserverSpec) -> None:
        self.spec = spec
        self.origin_ns = time.monotonic_ns()
        self.seq = 0
        self.target = subprocess.Popen(
            [sys.executable, "-c", TARGET], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.target.stdout is not None
        self.grandchild = int(self.target.stdout.readline())

    def now_us(self) -> int:
        return (time.monotonic_ns() - self.origin_ns) // 1000

    def emit(self, message: Message) -> None:
        print(encode(message, self.seq), flush=True)
        self.seq += 1

    def begin(self) -> None:
        self.emit(
            Hello(
                self.origin_ns,
                time.time(),
                self.spec.run,
                {"gil_hz": 1000, "counters_hz": 50, "stacks_hz": 100},
            )
        )
        pid = self.target.pid
        self.emit(Process(0, pid, None, ["fake"], python="3.12.1", switch_interval_us=5000))
        self.emit(Names(0, threads=[[0, pid, pid, "main", 0]], gils=[[0, pid, 0]]))

    def slice(self, number: int) -> None:
        start, end = number * FRAME_US, (number + 1) * FRAME_US
        self.emit(Frame(start, end, 20, 0, 0, [[0, 1, [0, 0, FRAME_US]]], [[0, [0, FRAME_US]]]))
        self.emit(Counters(end, processes=[[self.target.pid, end, 1 << 20, 1 << 20, 0, 0]]))

    def end(self, state: str, error: dict[str, str] | None = None) -> None:
        for pid in (self.grandchild, self.target.pid):
            os.kill(pid, signal.SIGKILL)
        code = self.target.wait()
        self.emit(End(self.now_us(), state, error, code))


def told(fake: Fake, timeout_s: float) -> str | None:
    """The state asked for, "" where the server is gone, None where it asks for none."""
    if not select.select([0], [], [], timeout_s)[0]:
        return None
    lines = os.read(0, 4096).splitlines()
    for command in map(json.loads, lines):
        if command["command"] == "stop":
            return command["state"]
        fake.emit(Report(fake.now_us(), {"told": command}))
    return None if lines else ""


def first_line() -> str:
    """Unbuffered, so that a command sent close behind it is still there for `told`."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    return line.decode()


def main(how: str) -> None:
    spec = ObserverSpec.from_line(first_line())
    fake = Fake(spec)
    fake.begin()
    if how == "brief":
        for number in range(5):
            fake.slice(number)
        fake.end("finished")
    elif how == "failed":
        fake.end("failed", {"code": "target-failed", "title": "T", "detail": "It fell over", "remedy": "R"})
    elif how == "crash":
        print("the observer's last words", file=sys.stderr)
        os._exit(3)
    elif how == "garbage":
        print("no message", flush=True)
        signal.pause()
    elif how == "deaf":
        signal.pause()
    else:
        number = 0
        state = None
        while state is None:
            fake.slice(number)
            if how == "heavy":
                fake.emit(Report(number * FRAME_US, {"weight": "x" * 200_000}))
            number += 1
            state = told(fake, FRAME_US / 1e6)
        fake.end(state or "stopped")


if __name__ == "__main__":
    main(sys.argv[1])
