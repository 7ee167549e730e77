"""The last resort: end what an observer left behind when it died without ending its target.

A process is known by its pid and its start time, which psutil compares before each signal, so a pid that
the kernel has given to another process is left alone.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable

import psutil

_ROUNDS = 5
_WAIT_S = 0.5


class Orphans:
    """The processes of one target's tree, as the observer named them."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}
        self._sessions: dict[int, psutil.Process] = {}  # by session id: its leader, one of the known

    def note(self, pid: int) -> None:
        """Remember a process of the tree; one that has already gone needs no remembering."""
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            known = self._known.get(pid)
            if known is None or not known.is_running():
                self._known[pid] = psutil.Process(pid)
            if os.getsid(pid) == pid:
                self._sessions[pid] = self._known[pid]

    def kill(self) -> list[int]:
        """Kill the tree and wait for its end; blocks for up to 2.5 s. Returns the pids still there."""
        alive: list[psutil.Process] = []
        # A process may fork between being found and being killed: look again until none is left.
        for _ in range(_ROUNDS):
            alive = self._members()
            if not alive:
                break
            wait_for_end(alive, _WAIT_S, kill=True)
        return [process.pid for process in alive if _lives(process)]

    def _members(self) -> list[psutil.Process]:
        """Every live process that is known, descends from a known one, or is in a session of the target's."""
        found = {process.pid: process for process in self._known.values() if _lives(process)}
        for process in list(found.values()):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.update((child.pid, child) for child in process.children(recursive=True))
        sessions = {sid for sid, leader in self._sessions.items() if _still_names(sid, leader)}
        for process in psutil.process_iter() if sessions else ():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
                if os.getsid(process.pid) in sessions:
                    found.setdefault(process.pid, process)
        return [process for process in found.values() if _lives(process)]


def wait_for_end(processes: Iterable[psutil.Process], within_s: float, kill: bool = False) -> None:
    """Up to `within_s` until all have ended; with `kill`, SIGKILL first.

    They are no children of this process, so waitpid cannot tell when; a pidfd can, for zombies too.
    """
    deadline_s = time.monotonic() + within_s
    with contextlib.ExitStack() as opened:
        ends: list[select.poll] = []
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
                pidfd = os.pidfd_open(process.pid)
                opened.callback(os.close, pidfd)
                if kill:
                    process.kill()
                ends.append(select.poll())
                ends[-1].register(pidfd, select.POLLIN)
        for end in ends:
            end.poll(max(0.0, deadline_s - time.monotonic()) * 1000)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _still_names(sid: int, leader: psutil.Process) -> bool:
    """Whether a session id still means the target's session.

    The kernel gives no pid anew while a session bears it, so only a leader of another start time tells
    that the session has ended.
    """
    return leader.is_running() or not psutil.pid_exists(sid)
