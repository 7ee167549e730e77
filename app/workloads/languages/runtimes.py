"""The runtimes that `allocate` sets side by side: where each is found, and how its program is started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

from app.workloads.languages import build

PYTHONS_ENV = "GILSCOPE_PYTHONS"  # further interpreters: executables or folders, with colons between them

_CXX_FLAGS = ("-std=c++17", "-O2", "-pthread")
# A compiler that lives for a second: to compile it, and to use threads for its collector, does not pay.
_JAVAC_FLAGS = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-XX:-UsePerfData", "-proc:none")
_FREE_THREADED_NAME = re.compile(r"python3(\.\d+)?t")
_QUESTION = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
_ANSWER_LIMIT_S = 5.0
_COLLECTORS = {"g1": "-XX:+UseG1GC", "parallel": "-XX:+UseParallelGC", "serial": "-XX:+UseSerialGC"}


class Missing(Exception):
    """A runtime that is not there; the remedy says how to get it."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


class LanguageRuntime(NamedTuple):
    """One of those that are compared. `command` finds it, and compiles what it needs: Missing, or Stopped."""

    key: str
    name: str  # until it says its own
    compiled: bool
    command: Callable[[Mapping[str, Any], Callable[[], bool]], list[str]]


def wanted(params: Mapping[str, Any]) -> list[LanguageRuntime]:
    """Those that the parameters ask for, in the order in which they run."""
    runtimes = [LanguageRuntime("python", "this CPython", False, _this_python)]
    if params["free_threaded"] != "none" and not _gil_disabled_here():
        runtimes.append(LanguageRuntime("free-threaded", "free-threaded CPython", False, _free_threaded))
    if params["java"]:
        runtimes.append(LanguageRuntime("java", "Java", True, _java))
    if params["cpp"]:
        runtimes += [
            LanguageRuntime(kind, f"C++ {kind}", True, _Cpp(kind)) for kind in ("shared_ptr", "unique_ptr")
        ]
    return runtimes


def _work(params: Mapping[str, Any]) -> list[str]:
    return [str(params["depth"]), str(params["keep"])]


# ---- CPython


def _this_python(params: Mapping[str, Any], stopping: Callable[[], bool]) -> list[str]:
    return _python(sys.executable, params)


def _free_threaded(params: Mapping[str, Any], stopping: Callable[[], bool]) -> list[str]:
    named = params["free_threaded"]
    if named:
        if not _is_free_threaded(named):
            raise Missing(
                f"{named} is no free-threaded CPython", "Name another, or leave it empty to search."
            )
        return _python(named, params)
    for path in _candidates():
        if _is_free_threaded(path):
            return _python(path, params)
    raise Missing(
        "no free-threaded CPython was found",
        f"Install one (python3.14t, or pyenv install 3.14t), on PATH or named in {PYTHONS_ENV}.",
    )


def _python(path: str, params: Mapping[str, Any]) -> list[str]:
    return [path, str(build.SOURCES / "trees.py"), *_work(params)]


def _gil_disabled_here() -> bool:
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _candidates() -> Iterator[str]:
    """Executables that were named, and those in folders that are called like a free-threaded CPython."""
    for part in (*os.environ.get(PYTHONS_ENV, "").split(os.pathsep), *os.get_exec_path()):
        path = Path(part)
        if path.is_file():
            yield str(path)
        elif os.access(path, os.R_OK | os.X_OK) and path.is_dir():
            yield from sorted(
                str(each) for each in path.iterdir() if _FREE_THREADED_NAME.fullmatch(each.name)
            )


def _is_free_threaded(path: str) -> bool:
    try:
        answer = subprocess.run(
            [path, "-I", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == b"1"


# ---- Java and C++


def _java(params: Mapping[str, Any], stopping: Callable[[], bool]) -> list[str]:
    remedy = "Install a JDK: on Debian and Ubuntu, sudo apt-get install default-jdk-headless."
    compiler = which("javac")
    if compiler is None:
        raise Missing("there is no javac on PATH", remedy)
    beside = Path(os.path.realpath(compiler)).with_name("java")
    java = str(beside) if beside.is_file() else which("java")
    if java is None:
        raise Missing("there is no java on PATH", remedy)
    folder = _built("Allocate.java", compiler, _JAVAC_FLAGS, ("-d", "{}"), stopping, remedy)
    return [
        java,
        _COLLECTORS[params["java_collector"]],
        f"-Xmx{params['java_heap_mib']}m",
        "-Xlog:gc:stdout:timenanos",  # its clock is System.nanoTime, which is CLOCK_MONOTONIC
        "-XX:-UsePerfData",  # else a JVM that is killed leaves a file behind
        *("-cp", str(folder), "Allocate", *_work(params)),
    ]


class _Cpp:
    """The C++ program, with one of the two ways to own a node."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer

    def __call__(self, params: Mapping[str, Any], stopping: Callable[[], bool]) -> list[str]:
        remedy = "Install it: on Debian and Ubuntu, sudo apt-get install g++."
        compiler = which("g++")
        if compiler is None:
            raise Missing("there is no g++ on PATH", remedy)
        folder = _built("allocate.cpp", compiler, _CXX_FLAGS, ("-o", "{}/allocate"), stopping, remedy)
        return [str(folder / "allocate"), *_work(params), self._pointer]


def _built(
    source: str,
    compiler: str,
    flags: tuple[str, ...],
    output: tuple[str, ...],
    stopping: Callable[[], bool],
    remedy: str,
) -> Path:
    try:
        return build.built(source, compiler, flags, output, stopping)
    except build.BuildFailed as failure:
        raise Missing(f"{source} could not be compiled: {failure}", remedy) from None
