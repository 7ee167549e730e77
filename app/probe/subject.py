"""What is observed: a program that the observer starts, or a process that it attaches to; and those below."""

from __future__ import annotations

import os
from typing import Any

from app.model.errors import TargetFailed
from app.model.spec import ObserverSpec

from .kernel import procfs
from .listing import is_own
from .program import last_words
from .program.target import Target
from .program.workload_line import WorkloadLine


class Subject:
    """The root of the tree that is observed; `target` and `line` are None where there is none.

    `slice_us` is the length of a slice of time, of which a frame tells.
    """

    def __init__(self, spec: ObserverSpec) -> None:
        self._start = spec.start
        self.root = spec.attach_pid or 0
        self.slice_us = spec.slice_us
        self.target: Target | None = None
        self.line: WorkloadLine | None = None

    @property
    def is_workload(self) -> bool:
        """Whether it is a workload of the catalogue."""
        return self._start is not None and self._start.workload

    @property
    def is_command(self) -> bool:
        """Whether it is anybody's program that was started: a command or a script."""
        return self._start is not None and not self._start.workload

    def start(self) -> None:
        """Starts the program; TargetFailed where the kernel cannot."""
        assert self._start is not None
        line = WorkloadLine() if self._start.workload else None
        if line is not None:
            assert self._start.env is not None
            self._start.env.update(line.env)
        self.line = line
        self.target = Target(self._start, line.fds if line else ())
        self.root = self.target.pid
        if line is not None:
            line.started()

    @property
    def roots(self) -> list[int]:
        """What is below these is the run's: the orphans of a program that was started are the observer's."""
        return [self.root] if self.target is None else [self.root, *procfs.children(os.getpid())]

    def leaves_out(self, pid: int) -> bool:
        """GILScope's own processes, below a shell that is attached to."""
        if self.target is not None:
            return False
        return pid in (os.getpid(), os.getppid()) or is_own(procfs.command(pid))

    def has_ended(self) -> bool:
        """Whether the root has ended; takes in its status."""
        return self.target.reap() if self.target is not None else not procfs.alive(self.root)

    def relieve(self) -> None:
        """Makes room for what it writes, at each beat."""
        if self.target is not None:
            self.target.relieve()

    def drain(self) -> None:
        """Takes what it has written."""
        if self.target is not None:
            self.target.drain()

    def reports(self) -> list[dict[str, Any]]:
        """What a workload has told since the last call."""
        return self.line.receive() if self.line is not None else []

    def output(self, last: bool) -> dict[str, Any] | None:
        """What a command has written since the last call, as a report's data; None where nothing came."""
        return self.target.output(last) if self.target is not None else None

    @property
    def tells_at_once(self) -> bool:
        """Whether what a command writes is to be told as it comes."""
        return self.target is not None and self.target.tells_at_once

    def overrun(self) -> TargetFailed | None:
        """Why a program is to be ended: it has written more than it may."""
        return self.target.overrun() if self.target is not None else None

    def ops(self) -> int | None:
        """What a workload's workers have counted so far."""
        return self.line.ops() if self.line is not None else None

    def ask_to_end(self) -> bool:
        """Asks a program that was started to end; False where there is nothing to wait for then."""
        if self.line is not None:
            self.line.stop()
        if self.target is None:
            return False
        self.target.ask_to_end()
        return True

    @property
    def exit_code(self) -> int | None:
        """Of a program that was started and has ended."""
        return self.target.exit_code if self.target is not None else None

    @property
    def cpu_us(self) -> int | None:
        """CPU time of a program that was started and has ended, with all processes that it started."""
        if self.target is None or self.target.exit_code is None:
            return None
        return self.target.cpu_us

    def failure(self) -> TargetFailed:
        """Why a program that was started is said to have failed."""
        assert self.target is not None
        outgrown = self.target.outgrown()
        if outgrown is not None:
            return outgrown
        said = last_words.failure(self.target.exit_code or 0, self.target.tail)
        # What a command or a script wrote is told in reports.
        return TargetFailed(said, "" if self.is_command else self.target.stderr_tail)

    def close(self) -> None:
        """Leaves nothing of a program behind but daemons; what it wrote last can be taken still."""
        if self.target is not None:
            if not self.target.leaves_daemons:
                self.target.kill()
            self.target.drain()
