"""Every number that the observer reads by, against the headers and against what interpreters publish."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from support.interpreters import WITH_HEADERS, ask, include, interpreter, name
from support.observing import ROOT
from support.uprobes import image_of
from support.versions import with_version

from app.model.errors import NotReadable
from app.probe.cpython import layouts
from app.probe.cpython.layouts import Layout, debug_offsets, known, tables
from app.probe.cpython.runtime import NotYet, Runtime, locate
from app.probe.kernel.machine import BY_UNAME

STRUCTURES = {
    "runtime_state": layouts.RuntimeStateOffsets,
    "interpreter_state": layouts.InterpreterStateOffsets,
    "thread_state": layouts.ThreadStateOffsets,
    "gil": layouts.GilOffsets,
    "interpreter_frame": layouts.InterpreterFrameOffsets,
    "code_object": layouts.CodeObjectOffsets,
    "objects": layouts.ObjectOffsets,
    "gc": layouts.GcOffsets,
    "gc_generation": layouts.GcGenerationOffsets,
    "gc_generation_stats": layouts.GcGenerationStatsOffsets,
    "gc_stats": layouts.GcStatsOffsets,
    "obmalloc": layouts.ObmallocOffsets,
    "mimalloc": layouts.MimallocOffsets,
}
WAITING = "print('ready', flush=True)\nimport sys\nsys.stdin.readline()"


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[int]:
    """The pid of a program that runs WAITING, and waits."""
    argv = [*command, "-c", WAITING]
    with subprocess.Popen(
        argv, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            yield child.pid
        finally:
            child.kill()


def numbers(layout: Layout) -> dict[str, int | None]:
    """{structure.field: number} of a table, as tools/offsets.py names them."""
    return {
        f"{name}.{field.name}": getattr(getattr(layout, name), field.name, None)
        for name, structure in STRUCTURES.items()
        for field in fields(structure)
    }


def regenerated(include: str, free_threaded: bool, machine: str) -> dict[str, int | None]:
    """What tools/offsets.py finds in the headers."""
    command = [sys.executable, str(ROOT / "tools" / "offsets.py"), include, "--machine", machine]
    command += ["--free-threaded"] if free_threaded else []
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in printed.splitlines())
    return {field: None if number == "None" else int(number) for field, number in rows}


def headers() -> Iterator[Any]:
    """(include directory, version and build) of each build that headers found here can tell of.

    Headers of a GIL build serve for its free-threaded twin too, with one definition more.
    """
    for found in WITH_HEADERS.found:
        builds = [found.free_threaded] if found.free_threaded else [False, True]
        for free_threaded in builds:
            key = (*found.version_info[:2], free_threaded)
            if key in tables("x86_64"):
                of = "" if free_threaded == found.free_threaded else "-free-threaded"
                yield pytest.param(str(include(found)), key, id=name(found) + of)
    if not WITH_HEADERS.found:
        yield pytest.param("", None, id="none", marks=WITH_HEADERS.needed())


@pytest.mark.parametrize("machine", BY_UNAME)
@pytest.mark.parametrize(("headers", "key"), list(headers()))
def test_the_headers_give_every_number_of_the_table(headers: str, key: layouts.Key, machine: str) -> None:
    layout = tables(machine)[key]
    table, found = numbers(layout), regenerated(headers, key[2], machine)
    if layout.thread_state.cframe is None:
        table["thread_state.cframe_current_frame"] = None  # 0 there stands for nothing
    assert found == table


def published_by(runtime: Runtime) -> dict[str, int]:
    """The offsets that a process publishes."""
    assert runtime.layout.debug_fields
    return debug_offsets.read(runtime.memory, runtime.address, runtime.layout.debug_fields)


@pytest.mark.builds
def test_a_live_process_publishes_the_numbers_of_the_table(publishing_python: str) -> None:
    found = interpreter(publishing_python)
    table = known()[*found.version_info[:2], found.free_threaded]
    with running([found.path]) as pid:
        runtime = locate(pid)
        try:
            published = published_by(runtime)
        finally:
            runtime.memory.close()
    assert published["interpreter_state.ceval_gil"] == table.interpreter_state.ceval_gil
    assert debug_offsets.overlay(table, published) == table


@pytest.mark.builds
def test_the_table_is_chosen_by_what_the_process_says_of_itself(python: str) -> None:
    found = interpreter(python)
    with running([python]) as pid:
        runtime = locate(pid)
        runtime.memory.close()
    assert runtime.version == found.version
    assert runtime.layout.name == known()[*found.version_info[:2], found.free_threaded].name


# ---- a version that is not known, or that is not what it says


@contextmanager
def claiming(python: str, hexversion: int, folder: Path) -> Iterator[int]:
    """A process of that interpreter that says it is another: it runs a copy with another version in it."""
    with running([python]) as pid:
        original = image_of(pid)
    prefix = ask(python, "import sys; print(sys.base_prefix)")
    copy = folder / original.name
    copy.write_bytes(with_version(original, hexversion))
    copy.chmod(0o755)
    program = original == Path(python).resolve()
    environment = {"PYTHONHOME": prefix} if program else {"LD_PRELOAD": str(copy)}
    with running([str(copy) if program else python], **environment) as pid:
        yield pid


@pytest.mark.builds
def test_an_unknown_version_is_refused_by_its_name(python: str, tmp_path: Path) -> None:
    with claiming(python, 0x031003F0, tmp_path) as pid, pytest.raises(NotReadable) as refusal:
        locate(pid)
    assert "CPython 3.16.3" in refusal.value.detail
    assert "3.15" in refusal.value.remedy
    assert "layouts" in refusal.value.remedy


@pytest.mark.builds
def test_a_process_is_never_read_with_anothers_table(python: str, tmp_path: Path) -> None:
    found = interpreter(python)
    for major, minor, free_threaded in known():
        if (minor, free_threaded) == (found.version_info[1], found.free_threaded):
            continue
        if free_threaded != found.free_threaded:
            continue  # the build stands beside the version, and is not what is falsified here
        with (
            claiming(python, major << 24 | minor << 16 | 0xF0, tmp_path) as pid,
            pytest.raises((NotReadable, NotYet)),
        ):
            locate(pid)
