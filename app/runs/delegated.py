"""The control group (cgroup v2) of the server, where it may make others: programs then have limits together.

It may where systemd has delegated the group (`Delegate=yes`), and in a container whose own groups can be
written. A group with processes in it can give no controllers to others below it. So the server first moves
into one below; observers are started there, and each makes one beside it for the program that it starts.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

_NEEDED = frozenset(("memory", "pids"))
_MARKS = ("user.delegate", "trusted.delegate")  # which systemd sets
_LEAF = "gilscope-server"
_PROGRAMS = "gilscope-run-*"  # as the observer calls them
HOW = "systemd-run --user --pty -p Delegate=yes gilscope serve"


def folder() -> str | None:
    """In which programs of this process get a group each; None where they do not."""
    group = _own()
    if group is None or group.name != _LEAF or not _words(group.parent / "cgroup.subtree_control") >= _NEEDED:
        return None
    return str(group.parent)


def enter() -> None:
    """Make it so, where this process may. What a server that was killed has left there is ended."""
    group = _own()
    if group is None or folder() is not None or hindrance() is not None:
        return
    for left in group.glob(_PROGRAMS):
        with contextlib.suppress(OSError):  # not empty at once: the next server finds it
            (left / "cgroup.kill").write_text("1")
            left.rmdir()
    leaf = group / _LEAF
    try:
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(f"{os.getpid()}")
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(_NEEDED)))
    except OSError as error:
        logger.warning("limits of programs are of each process, not of all together: %s: %s", group, error)


def hindrance() -> str | None:
    """Why a server that is started as this process was could not; None where it can."""
    group = _own()
    if group is None:
        return "there is no cgroup v2 here"
    if not _words(group / "cgroup.controllers") >= _NEEDED:
        return "this control group has no controllers of memory and processes"
    if not (_is_containers(group) or any(_has_mark(group, name) for name in _MARKS)):
        return "this control group is not delegated"
    if not os.access(group / "cgroup.subtree_control", os.W_OK):
        return "this control group cannot be written"
    if _words(group / "cgroup.procs") - {str(os.getpid())}:
        return "other processes are in this control group"
    return None


def _own() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except FileNotFoundError:  # a kernel without control groups
        return None
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    place = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
    return None if path is None or place is None else Path(place, path.lstrip("/"))


def _is_containers(group: Path) -> bool:
    """The topmost that is seen from here, and not the machine's own, which has no type."""
    return os.path.ismount(group) and (group / "cgroup.type").exists()


def _has_mark(group: Path, name: str) -> bool:
    try:
        return os.getxattr(group, name) == b"1"
    except OSError:
        return False


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()
