"""A control group (cgroup v2) of a program's own: its limits are of all the program's processes together."""

from __future__ import annotations

import os

from app.model.spec import Limits

PREFIX = "gilscope-run-"


class Group:
    """Made where the server says that it may be; OSError where it cannot."""

    def __init__(self, limits: Limits) -> None:
        assert limits.group is not None
        self.memory_bytes = limits.memory_bytes
        self._path = os.path.join(limits.group, f"{PREFIX}{os.getpid()}")
        os.mkdir(self._path)
        try:
            if limits.memory_bytes is not None:
                self._write("memory.max", limits.memory_bytes)
                # What goes into swap instead would be no limit. A kernel without swap has no such file.
                if os.path.exists(os.path.join(self._path, "memory.swap.max")):
                    self._write("memory.swap.max", 0)
            if limits.processes is not None:
                self._write("pids.max", limits.processes)
            self._door = os.open(os.path.join(self._path, "cgroup.procs"), os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            os.rmdir(self._path)
            raise

    def enter(self) -> None:
        """Put the calling process in, between fork and exec; what it starts is in it too."""
        os.write(self._door, b"0")

    def ended_by_kernel(self) -> bool:
        """Whether one of its processes was killed because all of them together had too much memory."""
        with open(os.path.join(self._path, "memory.events"), encoding="ascii") as file:
            return any(int(line.split()[1]) for line in file if line.startswith("oom_kill "))

    def kill(self) -> None:
        """SIGKILL to each process in it, those of other sessions too, and those that are being born."""
        self._write("cgroup.kill", 1)

    def close(self) -> None:
        """Remove it, once nothing is in it."""
        os.close(self._door)
        os.rmdir(self._path)

    def _write(self, name: str, value: int) -> None:
        with open(os.path.join(self._path, name), "w", encoding="ascii") as file:
            file.write(f"{value}")
