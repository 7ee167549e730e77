"""The processes of this machine, those first that can be attached to.

    {"schema": 1,
     "processes": [{"pid", "parent", "user", "name", "command", "python", "below", "cpu_share", "rss",
                    "attachable", "why", "remedy", "own"}]}

`python` is the version that file names tell: null for what is no CPython, "" for one that names none.
`name` is the kernel's; of one that is called python, as most are, the script or the module that it runs.
`below` is of a launcher, such as a shell: how many CPythons below it can be attached to.
`attachable` says whether the kernel would open its memory; of what is no CPython and has none below it, it is
false without asking. `own` are GILScope's server and observers.
"""

from __future__ import annotations

import os
import re
import time
from typing import Any

from app.model import versions
from app.model.errors import NotPermitted
from app.model.program import is_python, name_of
from app.model.spec import OBSERVER_NAME

from .kernel import access, procfs
from .kernel.mapped_files import mapped_files

_OWN_MODULES = ("app.probe", "app.runs.cluster", "app.runs.far", "app.runs.keeping", "app.runs.line")

Json = dict[str, Any]

_WINDOW_S = 0.25  # over which a CPU share is taken; the kernel's clock for it ticks every 10 ms
_NAMED = re.compile(r"(?:lib)?python(?:(\d+)(?:\.(\d+))?(t?))?d?(?:\.so[.\d]*)?")


def listing() -> Json:
    """Every process, as at the head of this module."""
    before = {pid: now for pid in access.pids() if (now := procfs.stat(pid))}
    began = time.monotonic()
    time.sleep(_WINDOW_S)
    window_us = (time.monotonic() - began) * 1e6
    rows = []
    for pid, then in before.items():
        now, command = procfs.stat(pid), procfs.command(pid)
        if now is None or now.start_ticks != then.start_ticks or not command:
            continue
        share = (now.cpu_us - then.cpu_us) / window_us
        rows.append(_row(pid, now, command, share))
    _find_launchers(rows)
    rows.sort(key=lambda row: (not row["attachable"], row["python"] is None, -row["cpu_share"], row["pid"]))
    return {"schema": 1, "processes": rows}


def _find_launchers(rows: list[Json]) -> None:
    """What is no CPython can be attached to all the same, for the sake of those below it."""
    by_pid = {row["pid"]: row for row in rows}
    for row in rows:
        above = by_pid.get(row["parent"]) if row["python"] is not None and row["attachable"] else None
        while above is not None and not row["own"]:
            above["below"] += above["python"] is None
            above = by_pid.get(above["parent"])
    for row in rows:
        if row["below"] and not row["own"]:
            row["why"], row["remedy"] = _why_closed(row["pid"])
            row["attachable"] = row["why"] is None


def is_own(command: list[str]) -> bool:
    """Whether this is the command line of a server, an observer or a keeper (runs/keeper.py) of GILScope."""
    module = command[2] if command[1:2] == ["-m"] and len(command) > 2 else None
    sent = command[1:3] == ["-I", "-c"] and command[-1] == OBSERVER_NAME
    return module in _OWN_MODULES or sent or any(os.path.basename(word) == "gilscope" for word in command[:2])


def _row(pid: int, now: procfs.Stat, command: list[str], share: float) -> Json:
    theirs = access.credentials(pid)
    python = _python(pid, command)
    why, remedy = _why_not(pid, python)
    return {
        "pid": pid,
        "parent": now.parent,
        "user": access.user(theirs.uids[0]) if theirs is not None else None,
        "name": named(procfs.thread_name(pid, pid), command),
        "command": command,
        "python": python,
        "below": 0,
        "cpu_share": round(share, 4),
        "rss": now.rss,
        "attachable": not why,
        "why": why,
        "remedy": remedy,
        "own": pid in (os.getpid(), os.getppid()) or is_own(command),
    }


def named(own: str, command: list[str]) -> str:
    """Its own name, or what it runs where its name is only that of the interpreter."""
    return (name_of(command) or own) if is_python(own) else own


def _python(pid: int, command: list[str]) -> str | None:
    """The version in the name of the program or of its libpython."""
    try:
        files = [os.readlink(f"/proc/{pid}/exe")]
        if not _version_of(files[0]):
            files += [file.path for file in mapped_files(pid) if "python" in os.path.basename(file.path)]
    except OSError:
        files = [command[0]]  # another user's: its own word is all there is
    found = [name for name in map(_version_of, files) if name is not None]
    return max(found, key=len) if found else None


def _version_of(path: str) -> str | None:
    named = _NAMED.fullmatch(os.path.basename(path).partition(" ")[0])
    if named is None:
        return None
    major, minor, free_threaded = named.groups()
    return f"{major}.{minor}{free_threaded}" if minor else ""


def _why_not(pid: int, python: str | None) -> tuple[str | None, str | None]:
    """(why it cannot be attached to, what to do); (None, None) where it can be."""
    if python is None:
        return "It is no CPython.", f"GILScope reads {versions.spoken()}."
    version = re.fullmatch(r"(\d+)\.(\d+)(t?)", python)
    if version is not None:
        unknown = versions.why_not("cpython", (int(version[1]), int(version[2])), bool(version[3]))
        if unknown is not None:
            return unknown, None
    return _why_closed(pid)


def _why_closed(pid: int) -> tuple[str | None, str | None]:
    """The same of what the kernel says."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
    except PermissionError:
        refusal = access.refused(pid)
        return (
            (refusal.detail + ".", refusal.remedy)
            if isinstance(refusal, NotPermitted)
            else ("It has ended.", None)
        )
    except OSError:
        return "It has ended.", None
    return None, None
