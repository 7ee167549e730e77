"""The interpreters that tests observe: those of this machine, and those that GILSCOPE_PYTHONS names."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from support.uprobes import places

from app.runs import interpreters
from app.runs.interpreters import Interpreter


def _found() -> list[Interpreter]:
    """Each program once, however many names it has."""
    extra = [path for path in os.environ.get("GILSCOPE_PYTHONS", "").split(":") if path]
    once: dict[tuple[int, int], Interpreter] = {}
    for found in interpreters.find(extra):
        if found.supported:
            status = os.stat(found.path)
            once.setdefault((status.st_dev, status.st_ino), found)
    return list(once.values())


FOUND = _found()  # newest first

# One of each version for which the catalogue promises what its workloads show, where they are found: with a
# GIL, newest first, and without one.
PROMISED = [
    next(found for found in FOUND if found.gil_enabled and found.version_info[:2] == version)
    for version in ((3, 14), (3, 11))
    if any(found.gil_enabled and found.version_info[:2] == version for found in FOUND)
]
PROMISED_FREE = [found for found in FOUND if found.free_threaded and found.version_info[:2] == (3, 13)][:1]


def interpreter(path: str) -> Interpreter:
    """The one at that path."""
    return next(found for found in FOUND if found.path == path)


def name(found: Interpreter) -> str:
    """As it stands in a test's id: "3.13.5t-static"."""
    return f"{found.label}-{found.build.replace(' ', '-')}"


@cache
def witnessed() -> list[Interpreter]:
    """Those with a GIL whose symbol table names take_gil and drop_gil."""
    return [found for found in FOUND if found.gil_enabled and places(_image(found))]


def ask(python: str, code: str) -> str:
    """What a line of code prints on an interpreter."""
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def _image(found: Interpreter) -> Path:
    """The file that its code is in."""
    maps = ask(found.path, "print(open('/proc/self/maps').read())")
    libraries = {part for part in maps.split() if "/libpython3" in part}
    return Path(libraries.pop() if libraries else found.path)
