"""The CPython interpreters of this machine, and the choice of one.

They are looked for on PATH, under pyenv and uv, where the settings say, and behind the server itself. Each is
asked what it is, since a name proves nothing: `python3.12` may be a script that finds another, or none. Shims
of pyenv are left out: what is behind them is found by itself, and they take ten times as long to answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.model import versions
from app.model.errors import BadRequest, NotFound
from app.runs import remembered

ANSWER_LIMIT_S = 10.0
_AT_ONCE = 4  # an interpreter that starts is 20 ms of one core
_EXECUTABLE = re.compile(r"python3(\.\d+)?t?d?")
_WANTED = re.compile(r"(?:python)?(?P<version>\d+(?:\.\d+){1,2}(?:(?:a|b|rc)\d+)?)(?P<free_threaded>t?)")

# Runs on any Python 3. Debian's own builds are static and yet say Py_ENABLE_SHARED, so the mappings decide.
_QUESTION = """
import sys
from json import dumps
flags = getattr(sys, "abiflags", "")
with open("/proc/self/maps") as maps:
    shared = "libpython" in maps.read()
print(dumps({
    "path": getattr(sys, "_base_executable", None) or sys.executable,
    "version_info": sys.version_info[:3],
    "level": sys.version_info[3:],
    "implementation": sys.implementation.name,
    "free_threaded": "t" in flags,
    "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
    "debug": hasattr(sys, "gettotalrefcount"),
    "shared": shared,
}))
"""
_LEVELS = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One interpreter, by its real path. `why` says why it is not supported."""

    path: str
    version: str  # "3.12.1"; empty when it could not be asked
    version_info: tuple[int, ...]
    free_threaded: bool
    gil_enabled: bool
    implementation: str
    build: str  # "shared libpython" or "static", and "debug" where it is
    supported: bool
    why: str | None

    @property
    def label(self) -> str:
        """What `choose` would take for it, short of its path: "3.12.1", "3.13.0t"."""
        return self.version + ("t" if self.free_threaded else "")


class _Silent(Exception):
    """An executable that gave no answer; the text says why."""


_answers: dict[tuple[str, int, int], Interpreter | _Silent] = {}
_said: remembered.Answers = {}  # the words of those that spoke of themselves


def find(extra: Sequence[str] = (), memory: Path | None = None) -> list[Interpreter]:
    """All interpreters found, newest first.

    `extra` are paths of executables or of directories that hold some. One of these that cannot be asked is in
    the list with the reason; one that was merely come across, such as a shim with nothing behind it, is not.
    Who is in the file `memory` is not asked again, and who was asked is put there.
    """
    kept = remembered.recall(memory) if memory is not None else {}
    for key, answer in kept.items():
        with contextlib.suppress(
            ValueError, KeyError, TypeError
        ):  # of another version of GILScope, or damaged
            _take(key, answer)
    found = _found(extra)
    if memory is not None and _said.keys() - kept.keys():
        remembered.keep(memory, {key: said for key, said in _said.items() if _is_there(key)})
    return found


def _found(extra: Sequence[str]) -> list[Interpreter]:
    named = {_program(path): path for name in extra for path in _within(name)}
    programs = list(dict.fromkeys([*named, *map(_program, _on_this_machine())]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(_answer, programs))
    found: dict[str, Interpreter] = {}  # by its file
    for program, answer in zip(programs, answers, strict=True):
        if isinstance(answer, Interpreter):
            found.setdefault(_file(answer.path), answer)
        elif path := named.get(program):
            found.setdefault(path, _unanswered(path, answer))
    return sorted(found.values(), key=_newest_first)


def choose(name: str | None, found: Sequence[Interpreter]) -> Interpreter:
    """The interpreter meant by "3.12", "3.12.1", "3.13t" or a path; without a name the newest supported one.

    NotFound lists what there is; BadRequest says why the one that is meant cannot be used.
    """
    if name is None:
        return _default(found)
    if os.sep in name:
        return _usable(_by_path(name, found), name)
    wanted = _WANTED.fullmatch(name)
    if wanted is None:
        raise BadRequest(
            f"{name!r} names no interpreter", "Give a version such as 3.12 or 3.13t, or a path.", "python"
        )
    version = wanted["version"].split(".")
    meant = [
        interpreter
        for interpreter in found
        if interpreter.version.split(".")[: len(version)] == version
        and interpreter.free_threaded == bool(wanted["free_threaded"])
    ]
    if not meant:
        raise NotFound(f"No Python {name} was found", _there_are(found), field="python")
    return _usable(next((interpreter for interpreter in meant if interpreter.supported), meant[0]), name)


def _default(found: Sequence[Interpreter]) -> Interpreter:
    usable = [interpreter for interpreter in found if interpreter.supported]
    if not usable:
        raise NotFound(f"No {versions.spoken()} was found", _there_are(found), field="python")
    return next((interpreter for interpreter in usable if not interpreter.free_threaded), usable[0])


def _by_path(name: str, found: Sequence[Interpreter]) -> Interpreter:
    if "\0" in name:
        raise NotFound("No path holds a NUL character", _there_are(found), field="python")
    path = os.path.expanduser(name)
    file = _file(path)
    for interpreter in found:
        if _file(interpreter.path) == file:
            return interpreter
    answer = _answer(path)
    if isinstance(answer, _Silent):
        raise NotFound(f"{name} is no Python that can be asked: {answer}", _there_are(found), field="python")
    return answer


def _usable(interpreter: Interpreter, name: str) -> Interpreter:
    if not interpreter.supported:
        raise BadRequest(f"{name} cannot be used. {interpreter.why}", "Choose another interpreter.", "python")
    return interpreter


def _there_are(found: Iterable[Interpreter]) -> str:
    labels = list(dict.fromkeys(interpreter.label for interpreter in found if interpreter.supported))
    there = f"There are {', '.join(labels)}." if labels else f"Install a {versions.spoken()}."
    return f"{there} GILSCOPE_PYTHONS names further ones."


def _newest_first(interpreter: Interpreter) -> tuple[tuple[int, ...], bool, bool, str]:
    newest = tuple(-number for number in (*interpreter.version_info, *(0,) * 3)[:3])
    return newest, interpreter.free_threaded, "debug" in interpreter.build, interpreter.path


def _on_this_machine() -> Iterator[str]:
    """Executables named like a Python, wherever they are commonly kept."""
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv/python")
    yield getattr(sys, "_base_executable", None) or sys.executable
    on_path = (Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(part))
    for directory in (
        *sorted((pyenv / "versions").glob("*/bin")),
        *sorted(uv.glob("*/bin")),
        *(directory for directory in on_path if directory != pyenv / "shims"),
    ):
        yield from _pythons_in(directory)


def _within(name: str) -> list[str]:
    """The executables meant by a path from the settings."""
    path = Path(name).expanduser()
    if not path.is_dir():
        return [str(path)]
    return [*_pythons_in(path), *_pythons_in(path / "bin")] or [str(path)]


def _pythons_in(directory: Path) -> list[str]:
    if not os.access(directory, os.R_OK | os.X_OK):
        return []
    return sorted(str(path) for path in directory.iterdir() if _EXECUTABLE.fullmatch(path.name))


def _answer(path: str) -> Interpreter | _Silent:
    """What the executable at a path is: a shim, a link or a virtual environment leads to another."""
    answer = _known(path)
    if isinstance(answer, Interpreter) and answer.path != os.path.realpath(path):
        return _known(answer.path)
    return answer


def _known(path: str) -> Interpreter | _Silent:
    """The answer of an executable, asked once for as long as the file stays as it is."""
    program = _program(path)
    try:
        status = os.stat(program)
    except OSError as error:
        return _Silent(error.strerror)
    key = (program, status.st_mtime_ns, status.st_size)
    if key not in _answers:
        try:
            _take(key, _asked(program))
        except _Silent as silent:
            _answers[key] = silent
    return _answers[key]


def _take(key: tuple[str, int, int], answer: dict[str, Any]) -> None:
    """Know what a program said."""
    interpreter = _answers[key] = _interpreter(answer)
    # What a shim leads to may be another tomorrow, though its file is the same.
    if interpreter.path == key[0]:
        _said[key] = answer


def _is_there(key: tuple[str, int, int]) -> bool:
    """Whether that is still what the file is."""
    program, *then = key
    try:
        status = os.stat(program)
    except OSError:
        return False
    return [status.st_mtime_ns, status.st_size] == then


def _program(path: str) -> str:
    """What is started for a path: the file behind its links, which are many for each interpreter."""
    real = os.path.realpath(path)
    # A shim may be a link to a program that goes by the name under which it was called.
    return real if _EXECUTABLE.fullmatch(os.path.basename(real)) else os.path.abspath(path)


def _file(path: str) -> str:
    """The same for all names of one file in a folder, links or not: `python3.13` and `python3.13t`.

    Not by the file alone: conda has one file in many folders, each an environment of its own.
    """
    real = os.path.realpath(path)
    try:
        status = os.stat(real)
    except OSError:
        return real
    return f"{os.path.dirname(real)}:{status.st_dev}:{status.st_ino}"


def _asked(path: str) -> dict[str, Any]:
    """What an executable says of itself; _Silent where it says nothing of the kind."""
    try:
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWER_LIMIT_S,
        )
        said = json.loads(answer.stdout)
        _interpreter(said)
        return dict(said)
    except subprocess.TimeoutExpired:
        raise _Silent(f"it did not answer within {ANSWER_LIMIT_S:g} s") from None
    except OSError as error:
        raise _Silent(error.strerror) from None
    except (ValueError, KeyError, TypeError):
        lines = answer.stderr.decode(errors="replace").strip().splitlines()
        why = lines[0] if lines else f"it ended with status {answer.returncode} and no answer"
        raise _Silent(why) from None


def _interpreter(answer: dict[str, Any]) -> Interpreter:
    version_info = tuple(answer["version_info"])
    level, serial = answer["level"]
    why = versions.why_not(answer["implementation"], version_info, answer["free_threaded"])
    build = "shared libpython" if answer["shared"] else "static"
    return Interpreter(
        path=os.path.realpath(answer["path"]),
        version=".".join(map(str, version_info)) + (f"{_LEVELS[level]}{serial}" if level != "final" else ""),
        version_info=version_info,
        free_threaded=answer["free_threaded"],
        gil_enabled=answer["gil_enabled"],
        implementation=answer["implementation"],
        build=f"{build}, debug" if answer["debug"] else build,
        supported=why is None,
        why=why,
    )


def _unanswered(path: str, answer: _Silent) -> Interpreter:
    return Interpreter(
        path=path,
        version="",
        version_info=(),
        free_threaded=False,
        gil_enabled=False,
        implementation="",
        build="",
        supported=False,
        why=f"It could not be asked: {answer}.",
    )
