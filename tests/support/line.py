"""The observer's end of the line to a workload, held by a test."""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.model import spec

ROOT = Path(spec.__file__).parents[2]
LIMIT_S = 15.0  # for what takes a fraction of a second on a machine that is not overloaded


class Target:
    """A workload that runs as the target of an observer; this is the observer's side."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(LIMIT_S)
        self._lines = self.channel.makefile("rb")
        memory = os.memfd_create("shared")
        os.ftruncate(memory, spec.SHARED_WORDS * 8)
        self._map = mmap.mmap(memory, spec.SHARED_WORDS * 8)
        self.words = memoryview(self._map).cast("q")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, spec.CHANNEL_ENV: str(theirs.fileno()), spec.SHARED_ENV: str(memory)},
            pass_fds=(theirs.fileno(), memory),
            start_new_session=True,
            stderr=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        os.close(memory)
        self.pids: list[int] = [self.process.pid]

    def receive_any(self) -> dict[str, Any]:
        """The next line."""
        line = self._lines.readline()
        assert line, f"the channel ended; stderr: {self.process.communicate(timeout=LIMIT_S)[1]}"
        body: dict[str, Any] = json.loads(line)
        return body

    def receive(self, key: str) -> Any:
        """What the next line says under this key, which it must have."""
        body = self.receive_any()
        assert key in body, body
        return body[key]

    def wait_until_ready(self) -> list[int]:
        """The pids that the workload announces."""
        self.pids = self.receive("ready")["pids"]
        return self.pids

    def go(self) -> None:
        """Say that all pids are watched."""
        self.channel.sendall(b'{"go":true}\n')

    def send_action(self, name: str) -> None:
        """Pass on what a person asks for."""
        self.channel.sendall(json.dumps({"action": name}).encode() + b"\n")

    def act(self, name: str) -> Any:
        """What the workload says that it did."""
        self.send_action(name)
        return self.receive("did")

    def wait_until_at_work(self) -> None:
        """Return once a worker has counted something."""
        end = time.monotonic() + LIMIT_S
        while not self.ops():
            assert time.monotonic() < end, "no worker counted anything"
            time.sleep(0.01)

    def ops(self) -> int:
        """What all workers have counted so far."""
        return sum(self.words[spec.WORDS_A_SLOT :: spec.WORDS_A_SLOT])

    def ended(self) -> bool:
        """Whether nothing more can come: no process has the other end open."""
        return not self._lines.read(1)

    def hang_up(self) -> None:
        """What a dying observer does."""
        self._lines.close()
        self.channel.close()

    def wait(self) -> tuple[int, str]:
        """The exit status and the whole of stderr."""
        _, stderr = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, stderr

    def assert_nothing_left(self) -> None:
        """Every announced process ends, within two seconds."""
        end = time.monotonic() + 2.0
        while left := [pid for pid in self.pids if _is_alive(pid)]:
            assert time.monotonic() < end, f"left behind: {left}"
            time.sleep(0.01)

    def close(self) -> None:
        """Kill what is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=LIMIT_S)
        self.hang_up()
        self.words.release()
        self._map.close()


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
