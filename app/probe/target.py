"""A program that the observer starts, and ends with everything below it.

It runs in a session of its own, dies with the observer (PR_SET_PDEATHSIG), and its orphans come to the
observer (PR_SET_CHILD_SUBREAPER), which reaps them: nothing is left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
from collections.abc import Iterable

from app.model.errors import TargetFailed
from app.model.spec import Start

from . import procfs

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_STDERR_TAIL = 8192
_PIPE = 1 << 20  # room for what a target writes between two drains

_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """From now on a descendant whose parent ends becomes this process's child."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Target:
    """The program, its tree, and the tail of its standard error."""

    def __init__(self, start: Start, fds: Iterable[int] = ()) -> None:
        """Starts it; TargetFailed where the kernel cannot."""
        self.exit_code: int | None = None
        self._known: list[int] = []
        self._tail = b""
        self._stderr = -1
        ours, theirs = (-1, -1) if start.inherit_stdio else os.pipe()
        try:
            child = subprocess.Popen(  # reaped in `reap`, by waitpid, together with its orphans
                start.argv,
                env=start.env,
                cwd=start.cwd,
                pass_fds=tuple(fds),
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  this process has one thread
                stdin=None if start.inherit_stdio else subprocess.DEVNULL,
                stdout=None if start.inherit_stdio else subprocess.DEVNULL,
                stderr=None if start.inherit_stdio else theirs,
            )
        except OSError as error:
            if ours >= 0:
                os.close(ours)
            raise TargetFailed(
                f"{start.argv[0]} could not be started: {error.strerror}",
                "Check its path and its mode.",
            ) from None
        finally:
            if theirs >= 0:
                os.close(theirs)
        self.pid = child.pid
        self._child = child
        if ours >= 0:
            self._stderr = ours
            os.set_blocking(ours, False)
            with contextlib.suppress(PermissionError):  # above the user's limit the pipe stays at 64 KiB
                fcntl.fcntl(ours, 1031, _PIPE)  # F_SETPIPE_SZ, which the module names from 3.10 on

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
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                self._child.returncode = self.exit_code
        return self.exit_code is not None

    def ask_to_end(self) -> None:
        """SIGTERM to the whole session."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the session and to everything below, until nothing is left to reap."""
        while True:
            self._signal(signal.SIGKILL)
            for pid in self.tree()[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            if pid == self.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
                self._child.returncode = self.exit_code

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def drain(self) -> None:
        """Takes what the target wrote on its standard error; the last part is kept."""
        while self._stderr >= 0:
            try:
                data = os.read(self._stderr, _PIPE)
            except BlockingIOError:
                return
            if not data:
                os.close(self._stderr)
                self._stderr = -1
            self._tail = (self._tail + data)[-_STDERR_TAIL:]

    @property
    def stderr_tail(self) -> str:
        """The last 8 KiB of its standard error."""
        return self._tail.decode("utf-8", "replace").strip()
