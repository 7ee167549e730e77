"""The interpreters that tests observe: those of this machine, and those that GILSCOPE_PYTHONS names."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
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


def of_each_version(some: list[Interpreter]) -> list[Interpreter]:
    """The newest of each version among them: the layout of what is read is that of the version."""
    once: dict[str, Interpreter] = {}
    for found in some:
        once.setdefault(version(found), found)
    return list(once.values())


@dataclass(frozen=True)
class Kind:
    """What some tests need of an interpreter.

    Where none is found, tests marked with `needed()` are not collected, and the head of the output says so.
    In CI they fail: see tests/conftest.py.
    """

    what: str
    has: Callable[[Interpreter], bool]

    @cached_property
    def found(self) -> list[Interpreter]:
        """Newest first."""
        return [found for found in FOUND if self.has(found)]

    def needed(self) -> pytest.MarkDecorator:
        """Marks a test that needs one of them."""
        return pytest.mark.needs(self)

    def each(self, builds: bool = False) -> list[Any]:
        """For parametrize: the path of one of each version that is found, or a parameter that marks the test.

        `builds`: of every build of a version, such as the distribution's beside one with a shared libpython.
        """
        some = self.found if builds else of_each_version(self.found)
        return each(some) or [pytest.param("", id="none", marks=self.needed())]


def at_least(*version: int) -> Kind:
    """Those of a version and later: at_least(3, 13)."""
    return Kind(
        f"CPython {'.'.join(map(str, version))} or later", lambda found: found.version_info >= version
    )


def one_of(*versions: str) -> Kind:
    """Those of these versions: one_of("3.11", "3.13t")."""
    return Kind(f"CPython {' or '.join(versions)}", lambda found: version(found) in versions)


def version(found: Interpreter) -> str:
    """Major and minor: "3.13t"."""
    return f"{found.version_info[0]}.{found.version_info[1]}{'t' * found.free_threaded}"


def name(found: Interpreter) -> str:
    """As it stands in a test's id: "3.13.5t-static"."""
    return f"{found.label}-{found.build.replace(' ', '-')}"


def each(some: list[Interpreter]) -> list[Any]:
    """For parametrize: the path of each."""
    return [pytest.param(found.path, id=name(found)) for found in some]


def include(found: Interpreter) -> Path:
    """Where its headers are, if they are installed."""
    return Path(ask(found.path, "import sysconfig; print(sysconfig.get_paths()['include'])"))


ANY = Kind("an interpreter", lambda found: True)
WITH_GIL = Kind("a GIL", lambda found: found.gil_enabled)
A_GIL_EACH = Kind(
    "CPython 3.12 or later with a GIL", lambda found: found.gil_enabled and found.version_info >= (3, 12)
)
OLD = one_of("3.11", "3.12")
NEW = at_least(3, 13)  # publishes its offsets, and can run workers in interpreters of their own
FREE_THREADED = Kind("a free-threaded build", lambda found: found.free_threaded)
WITH_HEADERS = Kind(
    "an interpreter with its headers", lambda found: (include(found) / "internal/pycore_runtime.h").exists()
)
WITNESSED = Kind(
    "a GIL whose functions the symbol table names",
    lambda found: found.gil_enabled and bool(places(_image(found))),
)
KINDS = (WITH_GIL, A_GIL_EACH, OLD, NEW, FREE_THREADED, WITH_HEADERS, WITNESSED)

# One of each version for which the catalogue promises what its workloads show, where they are found: with a
# GIL, newest first, and without one.
PROMISED = [*one_of("3.14").found[:1], *one_of("3.11").found[:1]] or WITH_GIL.found[:1]
PROMISED_FREE = one_of("3.13t").found[:1]
VERSIONS = of_each_version(FOUND)


def interpreter(path: str) -> Interpreter:
    """The one at that path."""
    return next(found for found in FOUND if found.path == path)


def ask(python: str, code: str) -> str:
    """What a line of code prints on an interpreter."""
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def _image(found: Interpreter) -> Path:
    """The file that its code is in."""
    maps = ask(found.path, "print(open('/proc/self/maps').read())")
    libraries = {part for part in maps.split() if "/libpython3" in part}
    return Path(libraries.pop() if libraries else found.path)
