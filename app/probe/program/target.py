"""A program that the observer starts, and ends with everything below it.

It dies with the observer (PR_SET_PDEATHSIG), unless it is a terminal's, which `gilscope record` takes in. Its
orphans come to the observer (PR_SET_CHILD_SUBREAPER), which reaps them: nothing is left behind. But what a
terminal's program leaves running when it ends by itself is a daemon that somebody wanted, and goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Iterable
from typing import Any

from app.model.errors import TargetFailed
from app.model.spec import Limits, Start
from app.probe.kernel import procfs

from . import limits
from .group import Group
from .output import Output

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_ERROR_TAIL = 8192

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes this process's child."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _group_of(within: Limits) -> Group | None:
    if within.group is None:
        return None
    try:
        return Group(within)
    except OSError as error:
        raise TargetFailed(
            f"No control group for it could be made in {within.group}: {error.strerror}",
            "Start the server again; without a group of its own it limits each process by itself.",
        ) from None


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Target:
    """The program, its tree, and the tail of its output."""

    def __init__(self, start: Start, fds: Iterable[int] = ()) -> None:
        """Starts it; TargetFailed where the kernel cannot."""
        self.exit_code: int | None = None
        self.cpu_us = 0  # of all that has ended and was taken in, with what that had taken in itself
        self._known: list[int] = []
        self._own_session = start.stdio is None
        self._asked = False
        self._output = Output(start.whole_output) if start.stdio is None else None
        self._tells_output = not start.workload
        self._most = start.limits.output_bytes
        self._memory = start.limits.memory_bytes or 0
        self._outgrown = False
        self._group: Group | None = None
        try:
            self._group = _group_of(start.limits)
            self._child = self._started(start, fds)
        except OSError as error:
            if self._output is not None:
                self._output.close()
            self._leave_group()
            raise TargetFailed(
                f"{start.argv[0]} could not be started: {error.strerror}",
                "Check its path and its mode.",
            ) from None
        finally:
            if self._output is not None:
                self._output.started()
            for fd in {*(start.stdio or ()), *start.fds}:
                os.close(fd)
        self.pid = self._child.pid

    def _started(self, start: Start, fds: Iterable[int]) -> subprocess.Popen[bytes]:
        if start.stdio is not None:
            streams: tuple[int, int, int] = start.stdio
        else:
            assert self._output is not None
            out = subprocess.DEVNULL if start.workload else self._output.writer
            streams = (subprocess.DEVNULL, out, self._output.writer)
        bounds = limits.of(start.limits)

        def prepare() -> None:
            _die_with_parent()
            if self._group is not None:
                self._group.enter()
            limits.apply(bounds)

        return subprocess.Popen(  # reaped in `reap`, by wait4, together with its orphans
            start.argv,
            env=start.env,
            cwd=start.cwd,
            pass_fds=(*fds, *start.fds),
            start_new_session=self._own_session,
            preexec_fn=prepare if self._own_session else None,  # noqa: PLW1509  one thread
            stdin=streams[0],
            stdout=streams[1],
            stderr=streams[2],
        )

    def tree(self) -> list[int]:
        """The target and everything below it that was ever seen and lives."""
        seen = [self.pid, *procfs.descendants(self.pid)]
        adopted = [pid for pid in procfs.children(os.getpid()) if pid != self.pid]
        for pid in adopted:
            seen += [pid, *procfs.descendants(pid)]
        self._known = list(dict.fromkeys(seen))
        return self._known

    def reap(self) -> bool:
        """Takes in what has ended, without waiting; whether the target itself has."""
        while True:
            try:
                pid = self._take_in(os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
        return self.exit_code is not None

    def _take_in(self, options: int) -> int:
        """Takes in one that has ended, and its CPU time; its pid. ChildProcessError where there is none."""
        pid, status, usage = os.wait4(-1, options)
        if pid:
            self.cpu_us += int((usage.ru_utime + usage.ru_stime) * 1e6)
        if pid == self.pid:
            self.exit_code = os.waitstatus_to_exitcode(status)
            self._child.returncode = self.exit_code
        return pid

    def ask_to_end(self) -> None:
        """SIGTERM to the whole session, or to the tree where the session is another's."""
        self._asked = True
        self._signal(signal.SIGTERM)

    @property
    def leaves_daemons(self) -> bool:
        """Whether what is left of it goes on: a shell would have left it alone, too."""
        return not self._own_session and not self._asked and self.exit_code is not None

    def kill(self) -> None:
        """SIGKILL to the session and to everything below, until nothing is left to reap."""
        if self._group is not None:
            self._group.kill()
        self._kill_all()
        self._leave_group()

    def _leave_group(self) -> None:
        if self._group is not None:
            self._outgrown = self._group.ended_by_kernel()
            self._group.close()
            self._group = None

    def _kill_all(self) -> None:
        while True:
            # Those that are there before the look are killed with what it finds, and so can all be waited for
            # before the next one: of 10,000 a look takes as long as their end.
            mine = set(procfs.children(os.getpid()))
            self._signal(signal.SIGKILL)
            for pid in self.tree()[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            while True:
                try:
                    mine.discard(self._take_in(0))
                except ChildProcessError:
                    return
                if not mine:
                    break

    def signal(self, number: int, has_group: bool = False) -> None:
        """Sends a signal to the program itself, as its parent in the shell would.

        `has_group`: the observer's process group has it. `timeout`, for one, makes a group of its own.
        """
        if self.exit_code is None and not (has_group and os.getpgid(self.pid) == os.getpgrp()):
            os.kill(self.pid, number)

    def _signal(self, number: int) -> None:
        if self._own_session:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            return
        for pid in self.tree():
            if pid != self.pid or self.exit_code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def relieve(self) -> None:
        """Makes room for what a command writes, at each beat: it is not to wait for us."""
        if self._output is not None and self._tells_output:
            self._output.relieve()

    def drain(self) -> None:
        """Takes what the target wrote; the last part is kept."""
        if self._output is not None:
            self._output.drain()

    def output(self, last: bool) -> dict[str, Any] | None:
        """What a command wrote since the last call, as the data of a report; None where nothing came."""
        return self._output.told(last) if self._output is not None and self._tells_output else None

    def outgrown(self) -> TargetFailed | None:
        """Whether the kernel has ended a process of it, as all of them together had too much memory."""
        if self._group is not None:
            self._outgrown = self._group.ended_by_kernel()
        if not self._outgrown:
            return None
        return TargetFailed(
            f"All its processes together took more than {self._memory:,} bytes: the kernel ended one",
            "GILSCOPE_TARGET_MEMORY is how much a program may have.",
        )

    @property
    def tells_at_once(self) -> bool:
        """Whether what it writes is to be told as it comes."""
        return self._output is not None and self._output.is_whole

    def overrun(self) -> TargetFailed | None:
        """Whether it has written more than it may."""
        if self._output is None or self._most is None or self._output.total <= self._most:
            return None
        return TargetFailed(
            f"It wrote more than {self._most:,} bytes of output, and was ended",
            "GILSCOPE_TARGET_OUTPUT is how much a program may write.",
        )

    @property
    def tail(self) -> str:
        """The end of what it wrote where that is kept: a workload's standard error, a command's output."""
        return self._output.tail if self._output is not None else ""

    @property
    def stderr_tail(self) -> str:
        """The last 8 KiB of that."""
        return self.tail[-_ERROR_TAIL:]
